"""Reads a delivery as it came over the wire: whose form it is in, what it tells, and what of it is kept."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from urllib.parse import parse_qs

from pydantic_core import from_json

from headway.drivers.forges.deliveries import DeliveryForm
from headway.drivers.forges.events import Other, ParsedDelivery
from headway.drivers.forges.payload import Json
from headway.drivers.forges.registry import DELIVERIES
from headway.kernel.dataclass import dataclass

_LONGEST = 128
_LONGEST_EVENT = 64
_FORM_TYPE = "application/x-www-form-urlencoded"
# What tells a delivery apart is kept with it; what proves it, and any secret that came along, is not.
_KEPT_STARTS = tuple(start for form in DELIVERIES for start in form.kept)
_KEPT = frozenset({"content-type", "user-agent", "idempotency-key", "x-attempt-number"})
_SECRET = ("token", "signature")
_LEVEL = 1


class Signature(StrEnum):
    """What a delivery's signature is worth. ``unasked``: the service has no secret to hold it against."""

    VALID = "valid"
    UNASKED = "unasked"
    MISSING = "missing"
    WRONG = "wrong"
    VOUCHED = "vouched"  # somebody who may deploy has sent it again

    @property
    def is_good(self) -> bool:
        """Whether the delivery is taken."""
        return self not in {Signature.MISSING, Signature.WRONG}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A delivery that was read. ``packed`` is its body as it is kept; a ``broken`` one says it is JSON and is not."""

    told: ParsedDelivery
    form: DeliveryForm
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    broken: bool = False

    @property
    def kept_headers(self) -> dict[str, str]:
        """The headers that are needed to read it again."""
        return {name: value[:_LONGEST] for name, value in self.headers.items() if _is_kept(name)}

    def signature(self, secret: str | None) -> Signature:
        """What its signature is worth to whoever has this secret."""
        if not secret:
            return Signature.UNASKED
        if self.form.signature(self.headers) is None:
            return Signature.MISSING
        return Signature.VALID if self.form.is_signed(self.headers, self.body, secret) else Signature.WRONG


def read(headers: Mapping[str, str], body: bytes) -> Arrived:
    """The delivery with these headers (names in lower case) and this body, whatever they hold."""
    payload, broken = _payload(headers.get("content-type", "").lower(), body)
    form = next(each for each in DELIVERIES if each.is_mine(headers, payload))
    events = (Other(why="The body says that it is JSON, and is not."),) if broken else form.events(headers, payload)
    sent_id = form.sent_id(headers, payload, body)
    told = ParsedDelivery(
        sender=form.sender,
        event=_plain(form.event(headers, payload))[:_LONGEST_EVENT],
        sent_id=_plain(sent_id)[:_LONGEST] if sent_id else None,
        by=_plain(form.by(payload))[:_LONGEST],
        events=events,
    )
    return Arrived(told=told, form=form, headers=headers, body=body, packed=zlib.compress(body, _LEVEL), broken=broken)


def unpacked(packed: bytes) -> bytes:
    """The body that was kept."""
    return zlib.decompress(packed)


def _payload(content_type: str, body: bytes) -> tuple[dict[str, Json], bool]:
    """The object that the body holds, an empty one where it holds none; and whether it should have held one."""
    if content_type.startswith(_FORM_TYPE):
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=100) if b"payload=" in body else {}
        body = "".join(found.get("payload", [])[:1]).encode()
    elif "json" not in content_type:
        return {}, False
    if not body.strip():
        return {}, False
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        return {}, True
    return (value, False) if isinstance(value, dict) else ({}, False)


def _is_kept(name: str) -> bool:
    return (name in _KEPT or name.startswith(_KEPT_STARTS)) and not any(word in name for word in _SECRET)


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
