"""The pages of what forges and registries have told, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {"/webhooks": _list, "/webhooks/{deliveryId}": _one}


def _list() -> Page:
    from headway.features.webhooks.pages.delivery_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.webhooks.pages.delivery import PAGE

    return PAGE
