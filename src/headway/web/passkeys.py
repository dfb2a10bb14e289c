"""Signing in by a passkey: what a browser is asked, and what it answers. A script of ours carries both."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.passkey_sign_in import PasskeySignIn
from headway.core.access.passkeys import CHALLENGE_SECONDS, NoPasskeysHere, PasskeyHost, passkey_host
from headway.core.access.session import Opened
from headway.http.answers import Answer
from headway.http.cookies import cookie_in, forget_cookie, passkey_name, set_cookie
from headway.http.origin import Place
from headway.kernel.dataclass import dataclass
from headway.web.answers import Headers
from headway.web.requests import Came

PASSKEY, PASSKEY_OPTIONS = "/sign-in/passkey", "/sign-in/passkey-options"
ANSWER_BYTES = 64 << 10  # the longest answer of an authenticator, each of its letters as browsers send it
_JSON: Headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyDoor:
    """Asks browsers for passkeys, and lets in who shows one."""

    sign_in: PasskeySignIn

    async def asked(self, came: Came, typed: Mapping[str, str]) -> Answer:
        """What the browser is asked, by which it is known for who was asked. Raises NoPasskeysHere, TooManyTries."""
        question = await self.sign_in.question(_host(came.place), typed.get("name", ""), came.visitor)
        cookie = set_cookie(came.place, passkey_name(came.place), question.token, round(CHALLENGE_SECONDS))
        return Answer(status=200, headers=(*_JSON, cookie), body=question.options.encode())

    async def opened(self, came: Came, typed: Mapping[str, str]) -> Opened:
        """The session of who has shown a passkey. Raises as ``PasskeySignIn.sign_in`` does, and NoPasskeysHere."""
        token = cookie_in(came.headers, passkey_name(came.place))
        return await self.sign_in.sign_in(_host(came.place), token, typed.get("answer", ""), came.visitor)


def forget_question(place: Place) -> tuple[bytes, bytes]:
    """The header that takes away by what a browser is known that was asked."""
    return forget_cookie(place, passkey_name(place))


def values_at(place: Place) -> Mapping[str, object]:
    """What the page for signing in shows of passkeys: that there are some, or why there are none here."""
    return {"passkeys": passkey_host(place.origin) is not None, "no_passkeys": NoPasskeysHere().message}


def _host(place: Place) -> PasskeyHost:
    host = passkey_host(place.origin)
    if host is None:
        raise NoPasskeysHere
    return host
