"""The pages of people: one's own account, keys, members and the audit log, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/account": _account,
        "/account/passkeys/{passkeyId}": _passkey,
        "/account/sessions/{sessionId}": _session,
        "/audit": _audit_log,
        "/keys": _keys,
        "/keys/{apiKeyId}": _key,
        "/members": _list,
        "/members/groups": _groups,
        "/members/groups/{groupRuleId}": _group,
        "/members/users/{userId}": _one,
        "/members/invitations/{invitationId}": _invitation,
    }


def _account() -> Page:
    from headway.features.access.pages.account import PAGE

    return PAGE


def _passkey() -> Page:
    from headway.features.access.pages.passkey import PAGE

    return PAGE


def _session() -> Page:
    from headway.features.access.pages.account_session import PAGE

    return PAGE


def _audit_log() -> Page:
    from headway.features.access.pages.audit_log import PAGE

    return PAGE


def _keys() -> Page:
    from headway.features.access.pages.key_list import PAGE

    return PAGE


def _key() -> Page:
    from headway.features.access.pages.key import PAGE

    return PAGE


def _list() -> Page:
    from headway.features.access.pages.member_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.access.pages.member import PAGE

    return PAGE


def _groups() -> Page:
    from headway.features.access.pages.groups import PAGE

    return PAGE


def _group() -> Page:
    from headway.features.access.pages.groups import ONE

    return ONE


def _invitation() -> Page:
    from headway.features.access.pages.invitation import PAGE

    return PAGE
