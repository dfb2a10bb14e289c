"""What is set of services of every kind, in records that say what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Any, Protocol

from headway.features.services.hooks_model import PUSH, with_meaning
from headway.features.services.uploads_model import Archive
from headway.kernel.dataclass import dataclass
from headway.kernel.records import of


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """A repository, and what of it is deployed: ``commit`` whatever the branch names. It is ``guarded`` where whoever
    gave its address may not use the machine: it leads to the internet only. ``path`` is the folder of it that an
    application is built in; of a compose service the file is named.
    """

    url: str | None = None
    guarded: bool = False
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    submodules: bool = False
    ssh_key_id: str | None = None
    path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSettings:
    """What was uploaded last; ``path`` is the folder of it that an application is built in."""

    archive: Archive | None = field(default=None, metadata=of(Archive))
    path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthDeadlines:
    """How long containers or processes may take to be healthy, and have to stay it. Seconds; None takes the panel's
    default.
    """

    deadline_seconds: float | None = None
    settle_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSettings:
    """How long a step, a silence and the whole of a deployment may last. None takes the panel's default."""

    step_seconds: float | None = None
    inactivity_seconds: float | None = None
    total_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How many deployments and releases are kept, for how many days, and how many bytes releases may hold (the last and
    those of deployments only of applications). None takes the panel's default.
    """

    deployments: int | None = None
    days: float | None = None
    releases: int | None = None
    releases_days: float | None = None
    releases_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """How deliveries of webhooks are taken: ``newest_wins`` lets a push end what still waits of an earlier one."""

    auto_deploy: bool = True
    trigger_type: str = PUSH
    watch_paths: Sequence[str] | None = None
    newest_wins: bool = True
    secret: str | None = field(default=None, repr=False)


class ServiceSettings(Protocol):
    """What is set of a service, of whichever kind."""

    @property
    def source_type(self) -> str:
        """Where its files come from."""
        ...

    @property
    def git(self) -> GitSettings:
        """Its repository."""
        ...

    @property
    def drop(self) -> DropSettings:
        """What was uploaded."""
        ...

    @property
    def engine_fetch(self) -> bool | None:
        """Whether builds may have the engine fetch what the machine reaches (None: nobody has looked yet)."""
        ...

    @property
    def health(self) -> HealthDeadlines:
        """How long it may take to be healthy."""
        ...

    @property
    def deadlines(self) -> DeadlineSettings:
        """How long its deployments may last."""
        ...

    @property
    def retention(self) -> RetentionSettings:
        """What is kept of it."""
        ...

    @property
    def hooks(self) -> HookSettings:
        """How webhooks deploy it."""
        ...

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields of the peer's inputs on which Headway does not act: they are stored and given back."""
        ...

    def dump(self) -> dict[str, Any]:
        """The JSON that it is read from again."""
        ...

    def words(self) -> Mapping[str, str | None]:
        """What a service is found by, beside its names."""
        ...


# Where that is which stood side by side before there were records.
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "git_url": "git.url",
        "guarded": "git.guarded",
        "git_branch": "git.branch",
        "git_tag": "git.tag",
        "git_commit": "git.commit",
        "submodules": "git.submodules",
        "ssh_key_id": "git.ssh_key_id",
        "archive": "drop.archive",
        "health_deadline_seconds": "health.deadline_seconds",
        "settle_seconds": "health.settle_seconds",
        "step_seconds": "deadlines.step_seconds",
        "inactivity_seconds": "deadlines.inactivity_seconds",
        "total_seconds": "deadlines.total_seconds",
        "keep_releases": "retention.releases",
        "keep_releases_days": "retention.releases_days",
        "auto_deploy": "hooks.auto_deploy",
        "trigger_type": "hooks.trigger_type",
        "watch_paths": "hooks.watch_paths",
        "newest_wins": "hooks.newest_wins",
        "webhook_secret": "hooks.secret",
    }
)


def nested(values: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """Settings as they are dumped now, of those that were dumped side by side; what was saved of webhooks when it had
    no meaning counts from now on.
    """
    found: dict[str, Any] = {}
    for name, value in with_meaning(values).items():
        first, _, rest = places.get(name, name).partition(".")
        if rest:
            found.setdefault(first, {})[rest] = value
        else:
            found[first] = value
    return found
