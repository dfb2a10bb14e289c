"""The pages over all features, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {"/home": _home, "/palette": _palette}


def _home() -> Page:
    from headway.features.home.pages.home import PAGE

    return PAGE


def _palette() -> Page:
    from headway.features.home.pages.palette import PAGE

    return PAGE
