"""How senders write what they tell: the contract of a form, and what those that sign have in common."""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol

from headway.drivers.forges.events import Event, Sender
from headway.drivers.forges.payload import Json

Headers = Mapping[str, str]


class DeliveryForm(Protocol):
    """What one sender's deliveries look like. Nothing here raises, whatever a delivery holds. ``kept`` is how the names
    of the headers begin without which a delivery cannot be read again; ``headers`` have names in lower case.
    """

    @property
    def sender(self) -> Sender: ...

    @property
    def kept(self) -> Sequence[str]: ...

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        """Whether a delivery is written in this form."""
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


class SignedDeliveries(ABC):
    """A form that is known by a header, and signs in another one, after ``prefix``."""

    prefix: ClassVar[str] = "sha256="

    @abstractmethod
    def header(self, headers: Headers, what: Literal["event", "id", "signature"]) -> str | None:
        """What the sender's own header says, None where there is none."""
        ...

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return self.header(headers, "event") is not None

    def event(self, headers: Headers, payload: Json) -> str:
        return self.header(headers, "event") or ""

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        return self.header(headers, "id") or None

    def signature(self, headers: Headers) -> str | None:
        return self.header(headers, "signature")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        return same(self.signature(headers), self.prefix + digest_of(secret, body).hex())


def digest_of(secret: str | bytes, body: bytes) -> bytes:
    """HMAC-SHA256, with which all of them sign."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, body, hashlib.sha256)


def same(given: str | None, expected: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing of where they differ."""
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())


def is_borne(headers: Headers, secret: str) -> bool:
    """Whether the header ``Authorization`` holds the secret, as a bearer's token or by itself."""
    given = headers.get("authorization", "")
    kind, _, token = given.partition(" ")
    return same(token.strip() if kind.lower() == "bearer" else given, secret)
