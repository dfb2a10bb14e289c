"""The pages of services of every kind, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/services": _list,
        "/services/{serviceId}": _one,
        "/services/{serviceId}/rollback/{releaseId}": _rollback,
    }


def _list() -> Page:
    from headway.features.services.pages.service_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.services.pages.service import PAGE

    return PAGE


def _rollback() -> Page:
    from headway.features.services.pages.rollback import PAGE

    return PAGE
