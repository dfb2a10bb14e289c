"""The contract of a sender's form: how it is known, how it signs, and how its payloads are read."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from headway.features.webhooks.events import Event, Sender
from headway.features.webhooks.payload import Json

Headers = Mapping[str, str]


class DeliveryForm(Protocol):
    """What one sender's deliveries look like. Nothing here raises, whatever a delivery holds."""

    @property
    def sender(self) -> Sender: ...

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        """Whether a delivery is written in this form; ``headers`` have names in lower case."""
        ...

    def event(self, headers: Headers, payload: Json) -> str:
        """The sender's word for what has happened."""
        ...

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        """What the sender tells this delivery from all others by, the same when it is sent again; None: nothing."""
        ...

    def signature(self, headers: Headers) -> str | None:
        """What proves that the delivery is the sender's own, as it came; None where nothing does."""
        ...

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        """Whether that was made with this secret, compared in constant time."""
        ...

    def by(self, payload: Json) -> str:
        """Who has caused it, as people know them."""
        ...

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        """What has happened."""
        ...


def digest_of(secret: str | bytes, body: bytes) -> bytes:
    """HMAC-SHA256, with which all of them sign."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, body, hashlib.sha256)


def same(given: str | None, expected: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing of where they differ."""
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())


def signed_hex(given: str | None, secret: str, body: bytes, *, prefix: str = "") -> bool:
    """Whether ``given`` is the digest in hexadecimal, after ``prefix``."""
    return same(given, prefix + digest_of(secret, body).hex())
