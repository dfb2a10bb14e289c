"""What a delivery tells, in one form whoever sent it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from headway.drivers.forges.base import ForgeName
from headway.kernel.dataclass import dataclass


class OtherSender(StrEnum):
    """Who sends deliveries and is no forge."""

    REGISTRY = "registry"
    GENERIC = "generic"

    @property
    def named(self) -> str:
        """As people write it."""
        return "an image registry" if self is OtherSender.REGISTRY else "a plain call"


Sender = ForgeName | OtherSender


def sender_of(word: str) -> Sender:
    """Who sends deliveries by this word."""
    return ForgeName(word) if word in set(ForgeName) else OtherSender(word)


class RefType(StrEnum):
    """What was pushed."""

    BRANCH = "branch"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFiles:
    """The files that a push has added, modified and removed, over all its commits. ``unknown`` says why these are not
    all of them; None: they are.
    """

    files: tuple[str, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A branch or tag that has moved. ``default_branch`` and ``message`` (of the newest commit) are None where the
    sender does not say them; ``urls`` are the addresses under which the sender knows the repository.
    """

    ref_type: RefType
    name: str
    after: str | None
    changed: ChangedFiles
    message: str | None
    author: str
    default_branch: str | None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A branch or tag that is gone."""

    ref_type: RefType
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePush:
    """A new image of this name. ``repository`` may lack the registry's host; ``tag`` is None where none is named."""

    repository: str
    tag: str | None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """The sender asks whether anybody is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """Somebody asks for a deploy and names nothing that has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request as a forge tells of it. ``branch`` and ``head`` are what it brings, ``base`` the branch that it is
    for; ``source_url`` is the repository that the branch lies in, where the forge keeps it nowhere else. ``told_at`` is
    when it was changed last (None: the forge does not say), ``urls`` are those of the repository that it is for.
    """

    number: int
    title: str
    url: str
    author: str
    branch: str
    head: str
    base: str
    fork: bool
    labels: tuple[str, ...]
    is_open: bool
    told_at: datetime | None
    is_new: bool = False  # it was opened, or opened again
    source_url: str | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Something that deploys nothing."""

    why: str


Event = Push | Removed | ImagePush | Pull | Ping | DeployRequest | Other


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDelivery:
    """A delivery that was read: the sender's word for the event, its id for the delivery (None: it gives none), who
    caused it, and what has happened, each in turn.
    """

    sender: Sender
    event: str
    sent_id: str | None
    by: str
    events: Sequence[Event]
