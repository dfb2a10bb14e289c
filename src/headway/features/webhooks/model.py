"""A delivery as it is kept: what came, what it was worth, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.drivers.forges.events import Sender
from headway.features.webhooks.parser import Signature
from headway.kernel.dataclass import dataclass


class Outcome(StrEnum):
    """What was done about a delivery, in a word."""

    QUEUED = "queued"
    SKIPPED = "skipped"
    REFUSED = "refused"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOutcome:
    """What was done about a delivery for one service, and exactly why. ``superseded`` are the deployments of earlier
    pushes that ended for it; ``files`` were compared with ``patterns``.
    """

    subject_type: SubjectType
    subject_id: str
    name: str
    outcome: Outcome
    reason: str
    message: str
    deployment_id: str | None = None
    superseded: Sequence[str] = ()
    files: Sequence[str] = ()
    files_left_out: int = 0
    patterns: Sequence[str] = ()

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> HookOutcome:
        """What ``dump`` wrote."""
        return HookOutcome(
            **{**values, "subject_type": SubjectType(values["subject_type"]), "outcome": Outcome(values["outcome"])}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery. ``sent_id`` is the sender's own id for it; ``repeats`` counts how often it came again; ``bytes`` is
    how long its payload was.
    """

    seq: int
    delivery_id: str
    organization_id: str
    subject_type: SubjectType
    subject_id: str
    sender: Sender
    event: str
    sent_id: str | None
    signature: Signature
    sent_by: str
    outcome: Outcome
    services: Sequence[HookOutcome]
    track: str | None
    head: str | None
    bytes: int
    repeats: int
    replay_of: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAnswer:
    """What the sender of a delivery is told; ``again``: it had come before, and this was done then."""

    delivery: Delivery
    again: bool = False
    broken: bool = False

    @property
    def message(self) -> str:
        """All of it in a sentence."""
        return self.delivery.services[0].message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries are looked for: those to a ``subject``, with an ``outcome``, that came at ``since`` or later and
    before ``until``. None lets all through.
    """

    subject: tuple[SubjectType, str] | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
