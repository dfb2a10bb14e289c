"""The pages of registries, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {"/registries": _list, "/registries/{registryId}": _one}


def _list() -> Page:
    from headway.features.registries.pages.registries import LIST

    return LIST


def _one() -> Page:
    from headway.features.registries.pages.registries import ONE

    return ONE
