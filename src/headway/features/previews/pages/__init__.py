"""The pages of previews, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/previews": _list,
        "/previews/of/{kind}/{serviceId}": _of,
        "/previews/{previewDeploymentId}": _one,
    }


def _list() -> Page:
    from headway.features.previews.pages.preview_list import PAGE

    return PAGE


def _of() -> Page:
    from headway.features.previews.pages.preview_settings import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.previews.pages.preview import PAGE

    return PAGE
