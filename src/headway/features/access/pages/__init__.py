"""The pages of who belongs to an organisation, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/members": _list,
        "/members/users/{userId}": _one,
        "/members/invitations/{invitationId}": _invitation,
    }


def _list() -> Page:
    from headway.features.access.pages.member_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.access.pages.member import PAGE

    return PAGE


def _invitation() -> Page:
    from headway.features.access.pages.invitation import PAGE

    return PAGE
