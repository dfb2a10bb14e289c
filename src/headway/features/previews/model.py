"""Previews of pull requests, and what a service says of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard

from headway.core.deployments.model import SubjectType

_MOST_AT_ONCE = 100
_DEFAULT_AT_ONCE = 3
_MOST_HOURS = 100_000


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
class Preview:
    """A preview of a pull request, of an application or of a compose service, which ``service_type`` says. What runs of
    it is such a one with the same id, once something may run: of a fork's, after ``approved_head`` was set. From
    ``sleeps_at`` on it is stopped, ``asleep_since`` says since when. ``told_at`` is when the forge changed it, as far
    as it was told; ``reported`` is the state that the forge knows of.
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
    sleeps_at: datetime | None = None
    asleep_since: datetime | None = None
    closed_at: datetime | None = None
    closed_why: ClosedWhy | None = None
    comment_id: str | None = None
    reported: str | None = None
    report_at: datetime | None = None
    report_error: str | None = None

    def names(self, name: str, app_name: str) -> tuple[str, str]:
        """(name, name on the machine) of what runs of it, from those of the service."""
        return f"{name} #{self.number}", f"{app_name[:30]}-pr-{self.number}"

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing of it may run before somebody has looked at it."""
        return self.fork and self.approved_head != self.head


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """What a service says of its previews, in the words of clients."""

    active: bool = False
    env: str = field(default="", repr=False)
    build_args: str = ""
    build_secrets: str = field(default="", repr=False)
    wildcard: str | None = None
    path: str = "/"
    https: bool = False
    certificate: str = "none"
    port: int | None = None
    limit: int = _DEFAULT_AT_ONCE
    labels: tuple[str, ...] = ()
    expire_after: timedelta | None = None
    sleep_after: timedelta | None = None


def settings_of(extra: Mapping[str, Any]) -> PreviewSettings:
    """What of a service's settings is about previews; what is not of the expected form counts as not said."""
    port, limit = extra.get("previewPort"), extra.get("previewLimit")
    return PreviewSettings(
        active=extra.get("isPreviewDeploymentsActive") is True,
        env=_text(extra, "previewEnv"),
        build_args=_text(extra, "previewBuildArgs"),
        build_secrets=_text(extra, "previewBuildSecrets"),
        wildcard=_text(extra, "previewWildcard").strip() or None,
        path=_text(extra, "previewPath") or "/",
        https=extra.get("previewHttps") is True,
        certificate=_text(extra, "previewCertificateType") or "none",
        port=port if _is_whole(port) and 0 < port < 65_536 else None,
        limit=min(limit, _MOST_AT_ONCE) if _is_whole(limit) and limit >= 0 else _DEFAULT_AT_ONCE,
        labels=_texts(extra.get("previewLabels")),
        expire_after=_hours(extra, "previewExpireHours"),
        sleep_after=_hours(extra, "previewSleepHours"),
    )


def _text(extra: Mapping[str, Any], name: str) -> str:
    found = extra.get(name)
    return found if isinstance(found, str) else ""


def _hours(extra: Mapping[str, Any], name: str) -> timedelta | None:
    hours = extra.get(name)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours < _MOST_HOURS:
        return None
    return timedelta(hours=hours)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
