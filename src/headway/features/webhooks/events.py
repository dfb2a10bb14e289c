"""What a delivery tells, in one form whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from headway.features.previews.model import Pull


class Sender(StrEnum):
    """Who sends deliveries, by the form in which they are written."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"
    REGISTRY = "registry"
    GENERIC = "generic"

    @property
    def named(self) -> str:
        """As people write it."""
        return _TITLES[self]


_TITLES: Mapping[Sender, str] = {
    Sender.GITHUB: "GitHub",
    Sender.GITLAB: "GitLab",
    Sender.GITEA: "Gitea",
    Sender.BITBUCKET: "Bitbucket",
    Sender.REGISTRY: "an image registry",
    Sender.GENERIC: "a plain call",
}


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
class PullRequestNews:
    """A pull request as it is now."""

    pull: Pull


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Something that deploys nothing."""

    why: str


Event = Push | Removed | ImagePush | PullRequestNews | Ping | DeployRequest | Other


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
