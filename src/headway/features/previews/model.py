"""Previews of pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from headway.core.deployments.model import SubjectType
from headway.features.services.previews_model import PullRevision
from headway.kernel.dataclass import dataclass


class ClosedWhy(StrEnum):
    """Why there is no preview any more."""

    CLOSED = "closed"
    EVICTED = "evicted"
    LABELS = "labels"
    EXPIRED = "expired"
    DELETED = "deleted"
    MISSED = "missed"  # it was closed, and nobody told
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreportedState:
    """What its forge was not told of a preview: ``attempts`` have failed ``since`` then, the last with ``error``."""

    preview_id: str
    organization_id: str
    number: int
    state: str
    attempts: int
    since: datetime
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview of a pull request, of an application or of a compose service, which ``service_type`` says. What runs of
    it is such a one with the same id, once something may run: of a fork's, after ``approved_head`` was set. The pull
    request may have moved on to ``passed_head``, none of whose files is watched. From ``sleeps_at`` on the preview is
    stopped, ``asleep_since`` says since when. ``told_at`` is when the forge changed it, as far
    as it was told; ``reported`` is the state that the forge knows of, or that it was given up to tell it;
    ``report_attempts`` to tell it the state ``report_tried`` have failed since ``report_since``.
    """

    preview_id: str
    service_type: SubjectType
    service_id: str
    number: int
    title: str
    url: str
    author: str
    branch: str
    head: str
    fork: bool
    source_url: str | None
    labels: Sequence[str]
    approved_head: str | None
    approved_by: str | None
    told_at: datetime | None
    created_at: datetime
    expires_at: datetime | None
    passed_head: str | None = None
    sleeps_at: datetime | None = None
    asleep_since: datetime | None = None
    closed_at: datetime | None = None
    closed_why: ClosedWhy | None = None
    comment_id: str | None = None
    reported: str | None = None
    report_at: datetime | None = None
    report_error: str | None = None
    report_tried: str | None = None
    report_attempts: int = 0
    report_since: datetime | None = None

    @property
    def revision(self) -> PullRevision:
        """What it is made of."""
        return PullRevision(
            number=self.number,
            branch=self.branch,
            fork=self.fork,
            commit=self.approved_head,
            source_url=self.source_url,
        )

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing of it may run before somebody has looked at it."""
        return self.fork and self.approved_head != self.head
