"""The pages of who is told what, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/notifications": _list,
        "/notifications/{notificationId}": _channel,
        "/notifications/notices/{noticeId}": _notice,
    }


def _list() -> Page:
    from headway.features.notifications.pages.channel_list import PAGE

    return PAGE


def _channel() -> Page:
    from headway.features.notifications.pages.channel import PAGE

    return PAGE


def _notice() -> Page:
    from headway.features.notifications.pages.notice import PAGE

    return PAGE
