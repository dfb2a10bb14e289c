"""The pages of schedules, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/schedules": _list,
        "/schedules/new": _new,
        "/schedules/in/{target}/{targetId}": _within,
        "/schedules/{scheduleId}": _one,
    }


def _list() -> Page:
    from headway.features.schedules.pages.schedule_list import PAGE

    return PAGE


def _new() -> Page:
    from headway.features.schedules.pages.target_list import PAGE

    return PAGE


def _within() -> Page:
    from headway.features.schedules.pages.schedule_list import WITHIN

    return WITHIN


def _one() -> Page:
    from headway.features.schedules.pages.schedule import PAGE

    return PAGE
