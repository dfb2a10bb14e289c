"""The cookies of whoever is signed in: what they are called at a place, and how they are set and taken away."""

from __future__ import annotations

from collections.abc import Mapping

from headway.http.origin import Place, Way

_NAME = "headway"
_LONGEST = 16 << 10  # of all that a host has set


def session_name(place: Place) -> str:
    """What the cookie of a session is called. By HTTPS no other host can set it, whatever lies beside this one. Without
    HTTPS its name has the port, for cookies know none: two panels of one machine would take each other's.
    """
    return f"__Host-{_NAME}" if place.way is Way.HTTPS else f"{_NAME}-{place.port}"


def flash_name(place: Place) -> str:
    """What the cookie is called that tells the next page what was done."""
    return f"__Host-{_NAME}-flash" if place.way is Way.HTTPS else f"{_NAME}-flash-{place.port}"


def passkey_name(place: Place) -> str:
    """What the cookie is called by which a browser is known that was asked for a passkey, before anybody signs in."""
    return f"__Host-{_NAME}-passkey" if place.way is Way.HTTPS else f"{_NAME}-passkey-{place.port}"


def provider_name(place: Place) -> str:
    """What the cookie is called by which a browser is known that was sent to the provider, until it comes back."""
    return f"__Host-{_NAME}-provider" if place.way is Way.HTTPS else f"{_NAME}-provider-{place.port}"


def theme_name(place: Place) -> str:
    """What the cookie is called that tells whether somebody reads light or dark."""
    return f"__Host-{_NAME}-theme" if place.way is Way.HTTPS else f"{_NAME}-theme-{place.port}"


def cookie_in(headers: Mapping[bytes, bytes], name: str) -> str | None:
    """The value of a cookie, None where it was not sent, or sent twice: then somebody else has set one of them."""
    found = [
        value
        for given, _, value in (each.strip().partition("=") for each in _sent(headers).split(";"))
        if given == name and value
    ]
    return found[0] if len(found) == 1 else None


def set_cookie(place: Place, name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    """The header that sets a cookie for so many seconds; no script reads it, and no other site's form sends it."""
    secure = "; Secure" if place.way is Way.HTTPS else ""
    return b"set-cookie", f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()


def forget_cookie(place: Place, name: str) -> tuple[bytes, bytes]:
    """The header that takes a cookie away."""
    return set_cookie(place, name, "", 0)


def _sent(headers: Mapping[bytes, bytes]) -> str:
    text = headers.get(b"cookie", b"").decode("latin-1")
    return text if len(text) <= _LONGEST else ""
