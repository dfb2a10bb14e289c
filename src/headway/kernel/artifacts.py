"""Where the drivers meet: what a source leaves, a builder makes and a runtime releases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a git source."""

    hash: str
    subject: str
    author: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder on the host with the source in it, owned by the build account. ``root`` is what was fetched, ``folder``
    the build path within it, already checked to lie inside.
    """

    root: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process type of a release: its start command is one argument to a shell under the run account."""

    name: str
    command: str
    scale: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The artifact of the native builder: a folder to be released as it is, and what to run in it.

    ``processes`` holds ``web`` where the application takes requests; ``release_command`` runs once before the route
    moves; ``path`` are folders, relative to the bundle, that come first on PATH (a virtual environment's bin), before
    ``tool_path``, absolute ones of the machine's ``toolchains`` (``node/22.1.0``); ``static_root`` is set, instead of
    a ``web`` process, where a file server serves a folder of the bundle, by the rules in ``site`` (as `SiteRules.dump`
    has them). ``bytes`` is what all of its release's folder holds on the disk. ``run_env`` are variables whose values
    name what each release is told when it starts (see `settled`); ``keep`` are folders that stay from release to
    release, where the user names none. ``port`` is the one that the program listens on whatever it is told.
    """

    folder: str
    processes: tuple[Process, ...] = ()
    release_command: str | None = None
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    static_root: str | None = None
    site: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    tool_path: tuple[str, ...] = ()
    toolchains: tuple[str, ...] = ()
    run_env: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    port: int | None = None

    @property
    def programs(self) -> tuple[str, ...]:
        """The folders that come first on PATH, as they lie on the machine."""
        return (*(f"{self.folder}/{part}" for part in self.path), *self.tool_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The artifact of whatever makes containers. ``reference`` is the image's own id, by which it is run: a name can
    be given to another image meanwhile. ``name`` is what people know it by, ``digest`` what its registry does;
    ``ports`` and ``volumes`` are those that it declares, ``is_checked`` whether it brings a health check. ``pullable``
    is its name with a digest, under which other machines get it from a registry (None: it is on this one only).
    What follows is of an image that Headway has planned itself: ``data_folder`` is where its volume for DATA_DIR is,
    ``keep`` are further folders that stay; ``release_command`` and ``run_env`` are as of a bundle. It ``stays`` where
    it was made for what its machine lacked: what is built next is an image too, until a builder is set.
    """

    reference: str
    name: str
    digest: str | None = None
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    is_checked: bool = False
    bytes: int = 0
    pullable: str | None = None
    data_folder: str | None = None
    keep: tuple[str, ...] = ()
    release_command: str | None = None
    run_env: Mapping[str, str] = field(default_factory=dict)
    stays: bool = False


Artifact = Bundle | Image


def bundle_of(artifact: Artifact) -> Bundle:
    """The artifact of a release of processes. Raises InvalidInput for any other."""
    if isinstance(artifact, Bundle):
        return artifact
    raise InvalidInput("An image cannot be run as processes of the host; it needs a container engine.")


def image_of(artifact: Artifact) -> Image:
    """The artifact of a release of containers. Raises InvalidInput for any other."""
    if isinstance(artifact, Image):
        return artifact
    raise InvalidInput("Files cannot be run as a container; build an image of them first.")


class HealthKind(StrEnum):
    """How a release is asked whether it serves."""

    HTTP = "http"
    TCP = "tcp"
    SETTLE = "settle"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """When a release counts as healthy: answers 2xx or 3xx at ``path`` (HTTP), answers anything on its port (TCP),
    passes the check that its image brings and answers anything (OWN), or its processes have stayed up for
    ``settle_seconds`` (without a port). What takes connections and is no server of HTTP is healthy too, unless it is
    ``expected`` to be one, as the release before.
    """

    kind: HealthKind = HealthKind.TCP
    expected: bool = False
    path: str = "/"
    deadline_seconds: float = 120.0
    settle_seconds: float = 5.0


class MountKind(StrEnum):
    """What is put into a container: a volume that stays, a place of the host, or a file with a given content."""

    VOLUME = "volume"
    BIND = "bind"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Something at ``target`` in a container: ``source`` is the volume's name among those of its application, or the
    path on the host; a file has a ``content`` instead, and cannot be written. One that is ``shared`` is written to by
    several releases at a time, as the data folder of processes is.
    """

    kind: MountKind
    target: str
    source: str = ""
    content: Secret | None = None
    read_only: bool = False
    is_shared: bool = False

    @property
    def is_writable(self) -> bool:
        """Whether two releases that have it would write to the same place, and may not."""
        return not self.read_only and not self.is_shared and self.kind is not MountKind.FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port of the machine that leads into the container; ``address`` is the one of the machine's (empty: all)."""

    outer: int
    inner: int
    protocol: str = "tcp"
    address: str = ""


class Restart(StrEnum):
    """When a process that has ended is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on_failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """On which machines copies may run: ``constraints`` that each has to meet (``node.role==worker``), labels over
    whose values they are ``spread``, and how many run on one at most (None: no bound).
    """

    constraints: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    most_per_node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """What machines that fetch an image open its registry with. An empty ``url`` is Docker Hub."""

    url: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCheck:
    """What a container is asked by itself, in the place of its image's check. ``test`` is a word that says what follows
    (CMD: a program; CMD-SHELL: a line), NONE for no check, or empty for the image's own with other times.
    ``start_interval_seconds`` is between the tries while it starts, of engines that know that.
    """

    test: tuple[str, ...] = ()
    interval_seconds: float | None = None
    timeout_seconds: float | None = None
    start_seconds: float | None = None
    retries: int | None = None
    start_interval_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How an image is run, whatever runs it. ``port`` is the one that its process listens on inside; ``entrypoint`` and
    ``arguments`` are the image's own where they are None, and so is ``check``; ``restarts`` bounds those after failures
    (None: no bound).
    What follows is for runtimes of several machines: how many copies run and where, what each is sure to get there, and
    how the machines open the registry of the image.
    """

    port: int | None = None
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    mounts: tuple[Mount, ...] = ()
    published: tuple[PublishedPort, ...] = ()
    cpus: float | None = None
    restart: Restart = Restart.ALWAYS
    restarts: int | None = None
    check: OwnCheck | None = None
    replicas: int = 1
    placement: Placement = field(default_factory=Placement)
    reserved_cpus: float | None = None
    reserved_memory_bytes: int | None = None
    login: RegistryLogin | None = None

    @property
    def is_alone(self) -> bool:
        """Whether no other release may run beside it: both would need one port, or write to one place."""
        return bool(self.published) or any(mount.is_writable for mount in self.mounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSpec:
    """All that a runtime needs to start a release of an application beside the one that serves. ``port`` is the one of
    the loopback at which it is reached, ``more_ports`` are those of the second copy of ``web`` and the ones after it;
    ``loopback`` are the ports there that its processes may reach beside their own (None: all that are no other's);
    what is ``ruled`` reaches of the machine, as a container, what is open to all only;
    ``layer_bytes`` is what each process may write in its release, which goes with it, and ``keep`` are folders of the
    release that stay in the data folder; ``told`` are variables of ours, over which all others win;
    the releases of one project may reach each other, and those of one organisation are counted together where a disk is
    short. ``container`` says how an image is run, and nothing of a bundle. ``before`` is the release that serves while
    this one starts.
    """

    release_id: str
    deployment_id: str
    application_id: str
    app_name: str
    artifact: Artifact
    uid: int | None
    gid: int | None
    port: int | None
    env: Mapping[str, Secret]
    health: HealthCheck
    memory_bytes: int | None = None
    process_limit: int | None = None
    disk_bytes: int | None = None
    data_folder: str | None = None
    layer_bytes: int = 1 << 30
    keep: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    drain_seconds: float = 10.0
    more_ports: tuple[int, ...] = ()
    loopback: tuple[int, ...] | None = None
    ruled: bool = False
    project_id: str = ""
    organization_id: str = ""
    container: Container = field(default_factory=Container)
    before: str | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports that requests come in on."""
        return () if self.port is None else (self.port, *self.more_ports)

    @property
    def bundle(self) -> Bundle:
        """The artifact of a release of processes. Raises InvalidInput for any other."""
        return bundle_of(self.artifact)

    @property
    def image(self) -> Image:
        """The artifact of a release of containers. Raises InvalidInput for any other."""
        return image_of(self.artifact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server of a release, as the edge of its machine reaches it. ``scheme`` is http, https or h2c."""

    port: int
    address: str = "127.0.0.1"
    scheme: str = "http"


class Entrance(StrEnum):
    """Where requests may come in: over HTTP, over HTTPS (from HTTP they are sent on there), or over either. An edge
    without HTTPS takes all of them over HTTP.
    """

    HTTP = "http"
    HTTPS = "https"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A host name, and what of its paths, by which requests come in. ``path`` takes itself and all below it; with
    ``strip`` it is cut off before the release sees the request, and ``inner_path`` is then put in front. With
    ``issued`` a certificate is asked for, where the edge may ask. Without ``upstreams`` it leads to the route's;
    ``before`` are as those of a route, of a way with servers of its own.
    """

    host: str
    path: str = "/"
    strip: bool = False
    inner_path: str = "/"
    entrance: Entrance = Entrance.EITHER
    issued: bool = True
    upstreams: tuple[Upstream, ...] = ()
    before: tuple[Upstream, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Requests whose whole address fits ``regex`` are answered with another; groups are ``${1}``."""

    regex: str
    replacement: str
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A name and password that let a request in; ``hash`` is the password as htpasswd files hold it."""

    username: str
    hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How the edge leads requests to a release: by which ways to which servers, and what stands before them. With
    ``logins`` a request needs one of them. ``own`` are Traefik's routers, middlewares and services in the user's own
    words, already checked; they replace those of the same names and stand beside the others. ``before`` are the servers
    of the release that was led to before, for as long as it drains: what asks for no change is asked of them where
    nobody answers at the others.
    """

    application_id: str
    app_name: str
    release_id: str
    ways: tuple[Way, ...]
    upstreams: tuple[Upstream, ...]
    redirects: tuple[Redirect, ...] = ()
    logins: tuple[Login, ...] = ()
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    before: tuple[Upstream, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate with those that vouch for it, and its private key, both as PEM text."""

    name: str
    certificate: str
    key: Secret

    @property
    def digest(self) -> str:
        """By which it is told from others, and its key not known."""
        return hashlib.sha256(f"{self.certificate}\0{self.key.reveal()}".encode()).hexdigest()
