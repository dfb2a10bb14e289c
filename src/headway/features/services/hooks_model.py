"""What of a service's settings is about webhooks, the same for all services that have some."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from headway.kernel.dataclass import dataclass

PUSH, TAG = "push", "tag"

# Fields that were only given back before they had a meaning, with the settings that they are now.
_ONCE_PASSIVE: Mapping[str, str] = MappingProxyType(
    {"autoDeploy": "auto_deploy", "triggerType": "trigger_type", "watchPaths": "watch_paths"}
)


class SourceKind(StrEnum):
    """What a service is made of, as far as deliveries tell of it."""

    GIT = "git"
    IMAGE = "image"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedSource:
    """What of a service deliveries are held against. ``by_tags``: it deploys tags instead of its branch."""

    source: SourceKind
    git_url: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    image: str | None = None
    any_image: bool = False
    auto_deploy: bool = True
    by_tags: bool = False
    watch_paths: tuple[str, ...] = ()


def with_meaning(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings in which what was saved of these fields before counts from now on."""
    extra = dict(values.get("extra", {}))
    saved = {setting: extra.pop(name) for name, setting in _ONCE_PASSIVE.items() if name in extra}
    now = {setting: value for setting, value in saved.items() if value is not None and setting not in values}
    return {**values, **now, "extra": extra}
