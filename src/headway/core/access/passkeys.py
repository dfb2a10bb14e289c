"""Passkeys as records and pure rules: where they are good, what browsers were asked, and which counters count on."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from headway.core.access.wait_list import WaitList
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

MOST_PASSKEYS = 20
CHALLENGE_SECONDS = 300.0
LONGEST_ANSWER = 16_384
_CHALLENGE_BYTES = 32
_LOCAL_NAME = "localhost"


class NoPasskeysHere(InvalidInput):
    """Browsers bind passkeys to the host names of pages that nobody on the way can change."""

    def __init__(self) -> None:
        super().__init__(
            "Passkeys are bound to a host name over HTTPS, or to localhost. Open the panel by its name, or through a "
            "tunnel at http://localhost with its port."
        )


class NotShown(Exception):
    """What a browser has answered shows no passkey; the text says why, and is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyHost:
    """Where passkeys are good: the host name that they are bound to, and the one origin whose pages ask for them."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey of somebody. ``credential`` is its public half. ``synced``: their other devices have it too."""

    passkey_id: str
    user_id: str
    credential_id: str
    credential: str
    host: str
    name: str
    counter: int
    synced: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What an authenticator has made: its id and its public half, in base64url."""

    credential_id: str
    credential: str
    counter: int
    synced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an authenticator says with a signature of its own: how often it has signed, and for whom."""

    counter: int
    synced: bool
    user_handle: bytes | None


def passkey_host(origin: str) -> PasskeyHost | None:
    """Where pages of this origin find passkeys; None where browsers have none for them."""
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return None
    is_fit = bool(name) and (parts.scheme == "https" or (parts.scheme == "http" and name == _LOCAL_NAME))
    is_whole = origin == f"{parts.scheme}://{parts.netloc}" and parts.username is None
    return PasskeyHost(name=name, origin=origin) if is_fit and is_whole and not _is_address(name) else None


def own_host(origin: str, public_url: str | None) -> PasskeyHost | None:
    """The same for a panel with this address in links: no page of its own has another name."""
    host = passkey_host(origin)
    return host if host is not None and host.name in {_LOCAL_NAME, urlsplit(public_url or "").hostname} else None


def counts_on(before: int, now: int) -> bool:
    """Whether a counter says that nobody else has used a copy: it has gone up, or counts nothing and never did."""
    return now > before or now == before == 0


class Challenges:
    """What browsers were asked: each is good once, for five minutes, and for whoever was asked."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._waiting = WaitList[bytes](CHALLENGE_SECONDS, monotonic=monotonic)

    def make(self, whose: str, address: str = "") -> bytes:
        """A new one, in place of the last that the same was asked; ``address`` is where they are."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        self._waiting.put(whose, challenge, address)
        return challenge

    def take(self, whose: str) -> bytes | None:
        """What this one was asked, which nobody can answer again; None where it was nothing, or is over."""
        return self._waiting.take(whose)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
