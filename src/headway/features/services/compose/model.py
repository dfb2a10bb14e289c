"""A compose service: a file that describes containers, what is made of it, and the releases that it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import Any

from headway.features.services.model import Release, Service
from headway.features.services.settings import (
    PLACES,
    DeadlineSettings,
    DropSettings,
    GitSettings,
    HealthDeadlines,
    HookSettings,
    RetentionSettings,
    nested,
)
from headway.features.services.uploads_model import Archive
from headway.kernel.dataclass import dataclass
from headway.kernel.records import read

RAW = "raw"
GIT = "git"
DROP = "drop"
DOCKER_COMPOSE = "docker-compose"
STACK = "stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeSettings:
    """Where the file comes from, and how long its containers may take. ``registry_ids`` name what opens the registries
    of its images. The file is guarded where whoever wrote or sent it may not use the machine: its images are of the
    internet. Where nothing is ``published`` no ports of the machine are. With ``host_access`` the file may ask for what
    reaches the host: only an owner sets it. With ``engine_fetch`` its builds may have the engine fetch what the machine
    reaches, as of applications. ``extra`` are fields of the peer's inputs on which Headway does not act: they are
    stored and given back.
    """

    source_type: str = RAW
    compose_type: str = DOCKER_COMPOSE
    compose_file: str = ""
    file_guarded: bool = False
    compose_path: str = "./docker-compose.yml"
    git: GitSettings = field(default_factory=GitSettings)
    drop: DropSettings = field(default_factory=DropSettings)
    registry_ids: Sequence[str] = ()
    create_env_file: bool = True
    host_access: bool = False
    engine_fetch: bool | None = False
    published: bool = True
    health: HealthDeadlines = field(default_factory=HealthDeadlines)
    deadlines: DeadlineSettings = field(default_factory=DeadlineSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    def words(self) -> Mapping[str, str | None]:
        """See ``ServiceSettings``: nothing beside its names."""
        return {}

    @staticmethod
    def load(values: Mapping[str, Any]) -> ComposeSettings:
        """The settings that ``dump`` wrote, or that were dumped before there were records within them."""
        return read(ComposeSettings, values if "git" in values else nested({"engine_fetch": None, **values}, PLACES))


def from_archive(settings: ComposeSettings, archive: Archive, compose_path: str | None) -> ComposeSettings:
    """The settings as those of what was uploaded; where the file lies in it stays until another place is named."""
    path = settings.compose_path if compose_path is None else compose_path
    return replace(
        settings,
        source_type=DROP,
        drop=replace(settings.drop, archive=archive),
        compose_path=path or ComposeSettings().compose_path,
    )


Compose = Service[ComposeSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedService:
    """A service of a release: what its containers were made of, and the deployment that made them. A service that
    ``stays`` is to run for as long as the release serves; another does its work once.
    """

    fingerprint: str
    deployment_id: str
    replicas: int
    stays: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a release was made of, enough to bring it up again: the file as the engine has it, and the variables that
    its configs and secrets are made of. It is kept encrypted. With ``stack`` the file is one for a swarm; ``host`` is
    what of it reaches the host, as the ends of sentences (None: it was made before that was written down), ``answers``
    the ports (SERVICE:PORT) that domains lead to and that answered HTTP when it came to serve (None: as ``host``).
    ``made_with`` are the settings and variables that it was made of, to see later what has been saved since (None: as
    ``host``).
    """

    file: Mapping[str, Any] = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    services: Mapping[str, ReleasedService] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    stack: bool = False
    host: tuple[str, ...] | None = None
    answers: tuple[str, ...] | None = None
    made_with: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> Record:
        """The record that ``dump`` wrote."""
        services = {name: ReleasedService(**each) for name, each in values["services"].items()}
        return Record(
            file=values["file"],
            variables=values["variables"],
            services=services,
            secrets=tuple(values["secrets"]),
            stack=values.get("stack", False),
            host=None if values.get("host") is None else tuple(values["host"]),
            answers=None if values.get("answers") is None else tuple(values["answers"]),
            made_with=values.get("made_with"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRelease(Release):
    """A release with the record of what runs, which is opened as it is read."""

    record: Record = field(repr=False)
