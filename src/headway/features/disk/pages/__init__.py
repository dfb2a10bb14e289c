"""The page of the disk, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {"/disk": _usage}


def _usage() -> Page:
    from headway.features.disk.pages.usage import PAGE

    return PAGE
