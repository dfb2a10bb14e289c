"""Who calls: the key in a request's headers, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.service import AccessService
from headway.kernel.context import found

_BEARER = b"bearer "


async def authenticate(access: AccessService, headers: Mapping[bytes, bytes], calls: int = 1) -> Actor | None:
    """Whoever makes the request, None when it carries no key that is known. Raises DatabaseAway, and TooManyRequests
    where its key has no so many ``calls`` left.

    Whoever calls is taken for a program unless it says otherwise, as the command line does when a person sits at its
    terminal; that shows on what it starts, and opens nothing.
    """
    key = key_of(headers)
    actor = None if key is None else await access.authenticate(key)
    if actor is not None:
        found(actor=actor.user_id, key=actor.credential.id)
        access.usage.spend(actor, calls)
        if headers.get(b"x-headway-trigger") == b"manual":
            return replace(actor, by_hand=True)
    return actor


def key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The key in ``x-api-key``, else after ``Authorization: Bearer``; None when there is neither."""
    key = headers.get(b"x-api-key", b"").strip()
    if not key:
        given = headers.get(b"authorization", b"")
        if given[: len(_BEARER)].lower() != _BEARER:
            return None
        key = given[len(_BEARER) :].strip()
    return key.decode("latin-1") or None
