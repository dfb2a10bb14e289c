"""The pages of servers, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/servers": _list,
        "/servers/{serverId}": _one,
        "/servers/{serverId}/connection": _connection,
    }


def _list() -> Page:
    from headway.features.servers.pages.server_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.servers.pages.server import PAGE

    return PAGE


def _connection() -> Page:
    from headway.features.servers.pages.connection import PAGE

    return PAGE
