"""Who calls: the key in a request's headers, or the session of whoever has signed in, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.types import Scope

from headway.core.access.audit import came_from
from headway.core.access.model import Actor
from headway.core.access.passkey_sign_in import PasskeySignIn
from headway.core.access.provider_sign_in import ProviderSignIn
from headway.core.access.service import AccessService
from headway.core.access.sign_in import SignIn
from headway.http.cookies import cookie_in, session_name
from headway.http.origin import Origins, is_asked_from
from headway.kernel.context import found
from headway.kernel.dataclass import dataclass

_BEARER = b"bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What lets callers in: ``access`` by a key, ``sign_in`` by a session, which is a cookie of a place of ours;
    ``passkeys`` and ``provider`` open sessions too.
    """

    access: AccessService
    sign_in: SignIn
    passkeys: PasskeySignIn
    provider: ProviderSignIn
    origins: Origins


async def authenticate(door: Door, scope: Scope, calls: int = 1) -> Actor | None:
    """Whoever makes the request, None when it carries neither a key nor a session that is known. Raises DatabaseAway,
    and TooManyRequests where its key has no so many ``calls`` left.

    Whoever calls by a key is taken for a program unless it says otherwise, as the command line does when a person sits
    at its terminal; that shows on what it starts, and opens nothing. A session counts where a page of the panel's own
    asks: the browser sends its cookie with what others have it ask, too.
    """
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    came_from.set(door.origins.visitor_of(scope))
    key = key_of(headers)
    if key is not None:
        return await _by_key(door.access, key, headers, calls)
    token = session_of(door.origins, scope)
    actor = None if token is None else await door.sign_in.by_session(token)
    if actor is not None:
        found(actor=actor.user_id, key=actor.credential.id)
        door.access.usage.spend(actor, calls)
    return actor


async def by_key(access: AccessService, headers: Mapping[bytes, bytes], calls: int = 1) -> Actor | None:
    """Whoever holds the key that the request carries, None when nobody does. Raises as ``authenticate`` does."""
    key = key_of(headers)
    return None if key is None else await _by_key(access, key, headers, calls)


def session_of(origins: Origins, scope: Scope) -> str | None:
    """The token of a session that a page of the panel's own shows; None where another page may have had it sent."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    if b"cookie" not in headers:
        return None
    place = origins.place_of(scope)
    if place is None or not place.takes_passwords or not is_asked_from(place, scope):
        return None
    return cookie_in(headers, session_name(place))


def key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The key in ``x-api-key``, else after ``Authorization: Bearer``; None when there is neither."""
    key = headers.get(b"x-api-key", b"").strip()
    if not key:
        given = headers.get(b"authorization", b"")
        if given[: len(_BEARER)].lower() != _BEARER:
            return None
        key = given[len(_BEARER) :].strip()
    return key.decode("latin-1") or None


async def _by_key(access: AccessService, key: str, headers: Mapping[bytes, bytes], calls: int) -> Actor | None:
    actor = await access.authenticate(key)
    if actor is not None:
        found(actor=actor.user_id, key=actor.credential.id)
        access.usage.spend(actor, calls)
        if headers.get(b"x-headway-trigger") == b"manual":
            return replace(actor, by_hand=True)
    return actor
