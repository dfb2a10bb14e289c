"""What a service says of its previews, and the state of a pull request that one is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import Any, TypeGuard

from headway.kernel.dataclass import dataclass

_MOST_AT_ONCE = 100
_DEFAULT_AT_ONCE = 3
_MOST_HOURS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRevision:
    """A pull request as what runs of it is made: of the ``branch``; of a ``fork`` exactly the ``commit`` that somebody
    has approved, from ``source_url`` where it lies in another repository.
    """

    number: int
    branch: str
    fork: bool
    commit: str | None
    source_url: str | None

    def names(self, name: str, app_name: str) -> tuple[str, str]:
        """(name, name on the machine) of what runs of it, from those of the service."""
        return f"{name} #{self.number}", f"{app_name[:30]}-pr-{self.number}"


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
