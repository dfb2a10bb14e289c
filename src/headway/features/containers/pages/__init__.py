"""The pages of containers, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/containers": _list,
        "/containers/{containerId}": _here,
        "/containers/servers/{serverId}/{containerId}": _on_server,
    }


def _list() -> Page:
    from headway.features.containers.pages.container_list import PAGE

    return PAGE


def _here() -> Page:
    from headway.features.containers.pages.container import HERE

    return HERE


def _on_server() -> Page:
    from headway.features.containers.pages.container import ON_SERVER

    return ON_SERVER
