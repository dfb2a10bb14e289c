"""Where something more can run inside a release, or beside its processes: with what it has, and with its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headway.infra.hosts.command import Account, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class InFolder:
    """In a release's folder, under its account, with its variables."""

    folder: str
    account: Account | None
    env: Mapping[str, str] = field(repr=False)
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class InContainer:
    """In a container that runs. ``pid`` is its first process, as this machine counts."""

    container_id: str
    pid: int | None


Inside = InFolder | InContainer
