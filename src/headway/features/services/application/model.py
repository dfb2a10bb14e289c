"""An application: what is deployed from a source and serves at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from headway.drivers.buildplan.settings import FIRST, BuildSettings
from headway.features.git.provider_repository import without_provided
from headway.features.services.hooks_model import PUSH, with_meaning
from headway.features.services.model import Service
from headway.features.services.uploads_model import Archive
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
class AppSettings:
    """How an application is fetched, built, started and asked after. Seconds and bytes; None takes the panel's default.
    ``build`` is what is set about how it is built and started.
    ``build_args`` and ``build_secrets`` are variables of builds only, ``open_variables`` and ``secret_variables`` the
    names of those for which the rule of what is masked does not fit.
    With ``engine_fetch`` a Dockerfile may have the engine fetch what the machine reaches: who may use it sets that.
    None: nobody has seen yet whether it needs that, which it had before it was asked for.
    ``image`` and what follows to the password name an image in a registry, ``command`` and ``arguments`` what is run
    in its place; ``restart`` is a word of ``Restart``.
    ``runtime`` says what runs images (auto, container, swarm), ``replicas`` how many copies; ``placement`` where and
    ``own_check`` how a container is asked by itself, in the words of clients.
    ``image_port`` is the port in its containers, where that is another than ``port``; without ``takes_requests`` none
    of them is reached by the edge. ``delete_volumes``: they go with it.
    ``loopback`` are the ports of the machine's loopback that its processes may reach (None: nobody has looked yet which
    it used before that was asked).
    ``scale`` says how often each process type runs, once where it says nothing.
    ``auto_deploy`` and what follows is how deliveries of webhooks are taken: ``newest_wins`` lets a push end what still
    waits of an earlier one.
    ``extra`` are fields of the peer's inputs on which Headway does not act: they are stored and given back.
    """

    source_type: str = "git"
    git_url: str | None = None
    guarded: bool = False  # whoever gave that address may not use the machine: it leads to the internet only
    git_branch: str | None = None
    git_tag: str | None = None
    git_commit: str | None = None
    build_path: str = "/"
    submodules: bool = False
    ssh_key_id: str | None = None
    build_type: str = "nixpacks"
    builder: str | None = None
    dockerfile: str = "Dockerfile"
    docker_context: str | None = None
    docker_stage: str | None = None
    clean_cache: bool = False
    engine_fetch: bool | None = False
    heroku_version: str | None = "24"
    railpack_version: str | None = "0.15.4"
    image: str | None = None
    image_guarded: bool = False  # as of the repository's address: its registry is one of the internet
    registry_id: str | None = None
    registry_url: str | None = None
    registry_username: str | None = None
    registry_password: str | None = None
    command: str | None = None
    arguments: Sequence[str] = ()
    cpus: float | None = None
    image_port: int | None = None
    takes_requests: bool = True
    delete_volumes: bool = False
    restart: str = "always"
    restarts: int | None = None
    runtime: str | None = None
    replicas: int = 1
    placement: Mapping[str, Any] | None = None
    own_check: Mapping[str, Any] | None = None
    reserved_cpus: float | None = None
    reserved_memory_bytes: int | None = None
    mounts: Sequence[Attached] = ()
    published: Sequence[OpenedPort] = ()
    build: BuildSettings = field(default_factory=BuildSettings)
    health_path: str | None = None
    health_deadline_seconds: float | None = None
    settle_seconds: float | None = None
    drain_seconds: float | None = None
    step_seconds: float | None = None
    inactivity_seconds: float | None = None
    total_seconds: float | None = None
    memory_bytes: int | None = None
    scale: Mapping[str, int] = field(default_factory=dict)
    port: int | None = None
    loopback: Sequence[int] | None = ()
    archive: Archive | None = None
    drop_build_path: str = "/"
    build_args: str | None = None
    build_secrets: str | None = None
    open_variables: Sequence[str] = ()
    secret_variables: Sequence[str] = ()
    keep_deployments: int | None = None
    keep_days: float | None = None
    keep_releases: int | None = None
    keep_releases_days: float | None = None
    keep_releases_bytes: int | None = None
    auto_deploy: bool = True
    trigger_type: str = PUSH
    watch_paths: Sequence[str] | None = None
    newest_wins: bool = True
    webhook_secret: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    def words(self) -> Mapping[str, str | None]:
        """What an application is found by, beside its names."""
        extra = {name: value for name, value in self.extra.items() if isinstance(value, str)}
        return {
            "repository": veiled_addresses(self.git_url or extra.get("repository") or ""),
            "owner": extra.get("owner"),
            "dockerImage": extra.get("dockerImage"),
        }

    @staticmethod
    def load(values: Mapping[str, Any]) -> AppSettings:
        """The settings that ``dump`` wrote; unknown keys are of a later version and dropped."""
        known = {each.name for each in fields(AppSettings)}
        archive = values.get("archive")
        read = {
            **with_meaning(values),
            "archive": Archive(**archive) if archive else None,
            "engine_fetch": values.get("engine_fetch"),
            "loopback": values.get("loopback"),
            "build": _build(values),
            "mounts": tuple(Attached(**each) for each in values.get("mounts", ())),
            "published": tuple(OpenedPort(**each) for each in values.get("published", ())),
        }
        return AppSettings(**{name: value for name, value in read.items() if name in known})


def _build(values: Mapping[str, Any]) -> BuildSettings:
    """How it is built. What was kept before there was a record of it was planned by the first rules."""
    given = values.get("build")
    if given is None:
        return BuildSettings(
            build=values.get("build_command"),
            start=values.get("start_command"),
            publish=values.get("publish_directory"),
            fallback=True if (values.get("extra") or {}).get("isStaticSpa") else None,
            detection=FIRST,
        )
    known = {each.name for each in fields(BuildSettings)}
    read = {name: value for name, value in given.items() if name in known}
    return BuildSettings(**{**read, "keep": tuple(read.get("keep", ()))})


def is_over_machines(settings: AppSettings) -> bool:
    """Whether an image of the application is to run by what works on several machines: asked for, or needed for what
    is.
    """
    if settings.runtime in {None, "auto"}:
        return settings.replicas > 1 or bool(settings.placement)
    return settings.runtime == "swarm"


def from_provider(
    settings: AppSettings, url: str, branch: str | None, build_path: str, *, guarded: bool
) -> AppSettings:
    """The settings as those of a git repository that a provider opens."""
    given = {"git_url": url, "git_branch": branch, "build_path": build_path, "ssh_key_id": None}
    return replace(settings, **given, guarded=guarded)  # type: ignore[arg-type]  # each as its field takes it


def from_archive(settings: AppSettings, archive: Archive, build_path: str | None) -> AppSettings:
    """The settings as those of what was uploaded; the folder in it that is built stays until another is named."""
    path = settings.drop_build_path if build_path is None else build_path or "/"
    return replace(settings, source_type="drop", archive=archive, drop_build_path=path)


def without_git(settings: AppSettings) -> AppSettings:
    """The settings with no repository, and nothing of how it was fetched."""
    none = AppSettings()
    return replace(
        settings,
        git_url=none.git_url,
        git_branch=none.git_branch,
        git_tag=none.git_tag,
        git_commit=none.git_commit,
        build_path=none.build_path,
        submodules=none.submodules,
        ssh_key_id=none.ssh_key_id,
        extra=without_provided(settings.extra),
    )


Application = Service[AppSettings]
