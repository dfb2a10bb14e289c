"""An application: what is deployed from a source and serves at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from types import MappingProxyType
from typing import Any

from headway.drivers.buildplan.settings import FIRST, BuildSettings
from headway.features.git.provider_repository import without_provided
from headway.features.services.model import Service
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
from headway.kernel.records import of, read
from headway.kernel.veil import veiled_addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A mount of an application's container as it was asked for. ``source`` is a volume's name or a path of the host,
    ``content`` that of a file.
    """

    mount_id: str
    kind: str
    target: str
    source: str = ""
    content: str | None = field(default=None, repr=False)
    file_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPort:
    """A port of the machine that leads into an application's container; ``address`` is the one of the machine's (empty:
    all). ``mode`` is only given back.
    """

    port_id: str
    outer: int
    inner: int
    protocol: str
    mode: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSettings:
    """An image in a registry, and what opens that. It is ``guarded`` as a repository's address is: its registry is one
    of the internet.
    """

    image: str | None = None
    guarded: bool = False
    registry_id: str | None = None
    registry_url: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """What builds it, in the words of clients: ``builder`` takes the place of ``build_type``, ``context`` and ``stage``
    are of a Dockerfile.
    """

    build_type: str = "nixpacks"
    builder: str | None = None
    dockerfile: str = "Dockerfile"
    context: str | None = None
    stage: str | None = None
    clean_cache: bool = False
    heroku_version: str | None = "24"
    railpack_version: str | None = "0.15.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What runs. ``runtime`` says what runs images (auto, container, swarm), ``replicas`` how many copies,
    ``placement`` where, in the words of clients; ``command`` and ``arguments`` are run in the place of an image's own,
    ``restart`` is a word of ``Restart``.
    ``scale`` says how often each process type runs, once where it says nothing.
    ``image_port`` is the port in its containers, where that is another than ``port``; without ``takes_requests`` none
    of them is reached by the edge. ``delete_volumes``: they go with it.
    ``loopback`` are the ports of the machine's loopback that its processes may reach (None: nobody has looked yet which
    it used before that was asked).
    """

    command: str | None = None
    arguments: Sequence[str] = ()
    port: int | None = None
    image_port: int | None = None
    takes_requests: bool = True
    runtime: str | None = None
    replicas: int = 1
    scale: Mapping[str, int] = field(default_factory=dict)
    placement: Mapping[str, Any] | None = None
    restart: str = "always"
    restarts: int | None = None
    mounts: Sequence[Attached] = field(default=(), metadata=of(Attached))
    published: Sequence[OpenedPort] = field(default=(), metadata=of(OpenedPort))
    loopback: Sequence[int] | None = ()
    delete_volumes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings(HealthDeadlines):
    """How it is asked whether it serves: at ``path``, and ``own_check`` is how a container asks itself, in the words of
    clients. For ``drain_seconds`` the release before goes on answering.
    """

    path: str | None = None
    own_check: Mapping[str, Any] | None = None
    drain_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What its processes may use of their machine, and what is reserved for them. None: the panel's default."""

    cpus: float | None = None
    memory_bytes: int | None = None
    reserved_cpus: float | None = None
    reserved_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableSettings:
    """``build_args`` and ``build_secrets`` are variables of builds only, ``open`` and ``secret`` the names of those for
    which the rule of what is masked does not fit.
    """

    build_args: str | None = None
    build_secrets: str | None = None
    open: Sequence[str] = ()
    secret: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """How an application is fetched, built, started and asked after; ``source_type`` says which of ``git``, ``docker``
    and ``drop`` it comes from, or that a git provider opens its repository. ``build`` is what is set about how it is
    built and started.
    With ``engine_fetch`` a Dockerfile may have the engine fetch what the machine reaches: who may use it sets that.
    None: nobody has seen yet whether it needs that, which it had before it was asked for.
    ``extra`` are fields of the peer's inputs on which Headway does not act: they are stored and given back.
    """

    source_type: str = "git"
    git: GitSettings = field(default_factory=GitSettings)
    docker: DockerSettings = field(default_factory=DockerSettings)
    drop: DropSettings = field(default_factory=DropSettings)
    tool: ToolSettings = field(default_factory=ToolSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    engine_fetch: bool | None = False
    run: RunSettings = field(default_factory=RunSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    variables: VariableSettings = field(default_factory=VariableSettings)
    deadlines: DeadlineSettings = field(default_factory=DeadlineSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    def words(self) -> Mapping[str, str | None]:
        """What an application is found by, beside its names."""
        extra = {name: value for name, value in self.extra.items() if isinstance(value, str)}
        return {
            "repository": veiled_addresses(self.git.url or extra.get("repository") or ""),
            "owner": extra.get("owner"),
            "dockerImage": extra.get("dockerImage"),
        }

    @staticmethod
    def load(values: Mapping[str, Any]) -> AppSettings:
        """The settings that ``dump`` wrote, or that were dumped before there were records within them."""
        given = values if "git" in values else _nested(values)
        return replace(read(AppSettings, given), build=_build(given["build"]))


# Where that is which stood side by side before there were records.
_PLACES: Mapping[str, str] = MappingProxyType(
    {
        **PLACES,
        "build_path": "git.path",
        "image": "docker.image",
        "image_guarded": "docker.guarded",
        "registry_id": "docker.registry_id",
        "registry_url": "docker.registry_url",
        "registry_username": "docker.username",
        "registry_password": "docker.password",
        "drop_build_path": "drop.path",
        "build_type": "tool.build_type",
        "builder": "tool.builder",
        "dockerfile": "tool.dockerfile",
        "docker_context": "tool.context",
        "docker_stage": "tool.stage",
        "clean_cache": "tool.clean_cache",
        "heroku_version": "tool.heroku_version",
        "railpack_version": "tool.railpack_version",
        **{name: f"run.{name}" for name in RunSettings.__dataclass_fields__},
        "health_path": "health.path",
        "own_check": "health.own_check",
        "drain_seconds": "health.drain_seconds",
        **{name: f"limits.{name}" for name in LimitSettings.__dataclass_fields__},
        "build_args": "variables.build_args",
        "build_secrets": "variables.build_secrets",
        "open_variables": "variables.open",
        "secret_variables": "variables.secret",
        "keep_deployments": "retention.deployments",
        "keep_days": "retention.days",
        "keep_releases_bytes": "retention.releases_bytes",
    }
)


def _nested(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was dumped side by side. What nobody had asked yet when it was is not known."""
    found = nested({"engine_fetch": None, "loopback": None, **values}, _PLACES)
    if found.get("build") is None:  # planned by the first rules
        found["build"] = {
            "build": values.get("build_command"),
            "start": values.get("start_command"),
            "publish": values.get("publish_directory"),
            "fallback": True if (values.get("extra") or {}).get("isStaticSpa") else None,
            "detection": FIRST,
        }
    return found


def _build(values: Mapping[str, Any]) -> BuildSettings:
    found = read(BuildSettings, values)
    return replace(found, keep=tuple(found.keep))


def is_over_machines(settings: AppSettings) -> bool:
    """Whether an image of the application is to run by what works on several machines: asked for, or needed for what
    is.
    """
    run = settings.run
    if run.runtime in {None, "auto"}:
        return run.replicas > 1 or bool(run.placement)
    return run.runtime == "swarm"


def from_provider(settings: AppSettings, url: str, branch: str | None, path: str, *, guarded: bool) -> AppSettings:
    """The settings as those of a git repository that a provider opens."""
    git = replace(settings.git, url=url, branch=branch, path=path, ssh_key_id=None, guarded=guarded)
    return replace(settings, git=git)


def from_archive(settings: AppSettings, archive: Archive, build_path: str | None) -> AppSettings:
    """The settings as those of what was uploaded; the folder in it that is built stays until another is named."""
    path = settings.drop.path if build_path is None else build_path or "/"
    return replace(settings, source_type="drop", drop=replace(settings.drop, archive=archive, path=path))


def without_git(settings: AppSettings) -> AppSettings:
    """The settings with no repository, and nothing of how it was fetched."""
    git = GitSettings(guarded=settings.git.guarded)
    return replace(settings, git=git, extra=without_provided(settings.extra))


Application = Service[AppSettings]
