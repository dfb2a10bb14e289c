"""The archives that uploads become, as records; and which archives of a service are needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headway.core.deployments.model import Deployment
from headway.core.deployments.status import Status
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What was uploaded last: the digest of what was sent, its name, and what it holds."""

    digest: str
    name: str
    bytes: int
    entries: int
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """The digests of archives that a deploy or a redeploy of a service may ask for. Not ``complete`` while a deploy
    runs: only the run itself knows which one it was let in with.
    """

    digests: frozenset[str]
    complete: bool


def needed_by(unfinished: Sequence[Deployment], named: str | None, released: Iterable[str | None]) -> Needed:
    """What is needed by the deployments of a service that wait or run, by its settings, and by its releases."""
    asked_for = [(deployment.input.get("commit") or {}).get("hash") for deployment in unfinished]
    digests = frozenset(digest for digest in (named, *asked_for, *released) if digest)
    return Needed(digests=digests, complete=all(each.status is not Status.RUNNING for each in unfinished))
