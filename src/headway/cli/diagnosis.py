"""What was found on a machine, judged: whether Headway can work there, what it lacks, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from headway.kernel.dataclass import dataclass

_GIB = 1 << 30
_LITTLE_DISK = 2 * _GIB
_NO_DISK = _GIB // 4
_LITTLE_MEMORY = _GIB

# program: (Debian package, needed, what it is for)
_PROGRAMS: Mapping[str, tuple[str, bool, str]] = {
    "git": ("git", True, "fetches the source"),
    "perl": ("perl-base", True, "holds each deployment apart from the panel"),
    "tar": ("tar", True, "unpacks the source"),
    "unshare": ("util-linux", False, "lets git speak SSH under an account without a name"),
    "setpriv": ("util-linux", False, "drops rights on processors other than x86-64 and ARM64"),
    "ssh": ("openssh-client", False, "fetches from repositories over SSH"),
    "gcc": (
        "build-essential python3-dev pkg-config",
        False,
        "compiles packages that nobody has built for this machine",
    ),
}
_INSTALLED_BY = re.compile(r"apt-get install ([a-z0-9][a-z0-9+. -]+)")
_PARTS: Mapping[str, tuple[bool, str]] = {
    "supervisord": (True, "keeps applications alive"),
    "traefik": (True, "leads requests to applications"),
    "caddy": (False, "serves static sites"),
}


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's: ``advice`` says what to do, "" where there is nothing."""

    level: Level
    name: str
    detail: str
    advice: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of Debian that are all there is to do about it."""
        found = _INSTALLED_BY.fullmatch(self.advice)
        return tuple(found[1].split()) if found else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What commands can be kept in. ``cgroup`` is our folder in the v2 tree, the bounds say what keeps them; ``gates``
    is why applications cannot be kept from each other's ports (None: they are), ``apart`` why containers cannot from
    what is another's on the machine, ``hides`` whether applications see no others.
    """

    cgroup: str | None
    memory_bound: str
    process_bound: str
    pid_namespaces: bool
    gates: str | None = None
    apart: str | None = None
    hides: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """What there is of Docker: the program, BuildKit's part of it, what the engine says of itself or why it does not
    (``problem``), whether it is too old to build (``is_old``), what its swarm is, and which of the foreign builders are
    installed.
    """

    socket: str
    program: str | None
    has_buildx: bool
    engine: str | None
    problem: str | None
    builders: tuple[str, ...]
    swarm: str | None = None
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The facts about a machine. Programs and parts are paths by name, None where there is none; ``node`` and ``npm``
    are versions and paths, ``languages`` say what there is beside; ``isolation`` is None where it could not be tried;
    ``closed_parent`` lets unprivileged accounts not pass to the data folder; ``taken_ports`` cannot be listened on now;
    ``complaints`` are those of the settings.
    """

    is_root: bool
    python: str
    system_python: str | None
    system_python_has_venv: bool
    node: str | None
    npm: str | None
    languages: tuple[str, ...] = ()
    programs: Mapping[str, str | None]
    parts: Mapping[str, str | None]
    isolation: Isolation | None
    docker: Docker
    data_dir: Path
    data_dir_problem: str | None
    closed_parent: Path | None
    free_bytes: int
    memory_bytes: int
    concurrency: int
    taken_ports: Mapping[str, int]
    settings_problem: str | None
    complaints: tuple[str, ...]


def judge(machine: Examined) -> list[Finding]:
    """The findings, in the order in which a person would look."""
    return [
        *_settings(machine),
        Finding(level=Level.OK, name="python", detail=f"{machine.python}, which runs Headway"),
        *_programs(machine),
        *_parts(machine),
        _system_python(machine),
        _node(machine),
        *_languages(machine),
        _accounts(machine),
        *_isolation(machine),
        *_border(machine),
        *_docker(machine.docker),
        *_data_folder(machine),
        _disk(machine),
        _memory(machine),
        *_ports(machine),
    ]


def can_work(findings: list[Finding]) -> bool:
    """Whether nothing that Headway needs is missing."""
    return all(finding.level is not Level.MISSING for finding in findings)


def _settings(machine: Examined) -> Iterator[Finding]:
    if machine.settings_problem:
        yield Finding(level=Level.MISSING, name="settings", detail=machine.settings_problem)
    for complaint in machine.complaints:
        yield Finding(level=Level.WARN, name="settings", detail=complaint)


def _programs(machine: Examined) -> Iterator[Finding]:
    for name, (package, needed, purpose) in _PROGRAMS.items():
        path = machine.programs.get(name)
        if path:
            yield Finding(level=Level.OK, name=name, detail=path)
        else:
            level = Level.MISSING if needed else Level.WARN
            yield Finding(
                level=level, name=name, detail=f"not found; it {purpose}", advice=f"apt-get install {package}"
            )


def _parts(machine: Examined) -> Iterator[Finding]:
    for name, (needed, purpose) in _PARTS.items():
        path = machine.parts.get(name)
        if path:
            yield Finding(level=Level.OK, name=name, detail=path)
        else:
            level = Level.MISSING if needed else Level.WARN
            advice = "install Headway again: its package brings it along"
            yield Finding(level=level, name=name, detail=f"not found; it {purpose}", advice=advice)


def _system_python(machine: Examined) -> Finding:
    name = "system python"
    if machine.system_python is None:
        detail = "no /usr/bin/python3; Python applications cannot be built"
        return Finding(level=Level.WARN, name=name, detail=detail, advice="apt-get install python3 python3-venv")
    if not machine.system_python_has_venv:
        detail = f"{machine.system_python} without venv; Python applications with requirements cannot be built"
        return Finding(level=Level.WARN, name=name, detail=detail, advice="apt-get install python3-venv")
    return Finding(level=Level.OK, name=name, detail=f"{machine.system_python}, which Python applications run on")


def _node(machine: Examined) -> Finding:
    if machine.node is None:
        return Finding(level=Level.OK, name="node", detail="none of its own; it is fetched from npm for what needs it")
    if machine.npm is None:
        return Finding(level=Level.OK, name="node", detail=f"{machine.node}; npm is fetched for what needs it")
    detail = f"{machine.node}, with npm {machine.npm}, which Node applications are built with and run on"
    return Finding(level=Level.OK, name="node", detail=detail)


def _languages(machine: Examined) -> Iterator[Finding]:
    if machine.languages:
        detail = f"{'; '.join(machine.languages)}; other versions are fetched where their sources answer"
        yield Finding(level=Level.OK, name="languages", detail=detail)


def _accounts(machine: Examined) -> Finding:
    if machine.is_root:
        return Finding(level=Level.OK, name="accounts", detail="root: each application gets accounts of its own")
    return Finding(
        level=Level.WARN,
        name="accounts",
        detail="not root: builds and applications run as you and can read what you can",
        advice="run headway as root, or deploy only what you trust",
    )


def _isolation(machine: Examined) -> Iterator[Finding]:
    found = machine.isolation
    if found is None:
        yield Finding(level=Level.WARN, name="isolation", detail="could not be tried without perl")
        return
    bounds = f"memory bounded by {found.memory_bound}, processes by {found.process_bound}"
    if found.cgroup:
        yield Finding(level=Level.OK, name="cgroups", detail=f"{found.cgroup}; {bounds}")
    else:
        yield Finding(
            level=Level.WARN,
            name="cgroups",
            detail=f"none that may be used; {bounds}",
            advice="mount cgroup2 and run headway as root, or let systemd delegate a group to it (Delegate=yes)",
        )
    if found.pid_namespaces:
        yield Finding(level=Level.OK, name="pid namespaces", detail="allowed: each command gets one of its own")
    elif found.cgroup:
        yield Finding(level=Level.OK, name="pid namespaces", detail="not allowed; cgroups do without them")
    else:
        yield Finding(
            level=Level.WARN,
            name="pid namespaces",
            detail="not allowed: what starts a session of its own with an empty environment may survive a kill",
            advice="run headway as root outside a container, or in one that may unshare",
        )


def _border(machine: Examined) -> Iterator[Finding]:
    """What keeps applications of processes from each other; without accounts nothing does, which is said above."""
    found = machine.isolation
    if found is None or not machine.is_root:
        return
    if found.gates is None:
        detail = "applications reach neither each other's ports nor what of the loopback is not open to them"
        yield Finding(level=Level.OK, name="gates", detail=detail)
    else:
        yield Finding(
            level=Level.WARN,
            name="gates",
            detail=f"{found.gates}: applications reach each other's ports and the whole loopback; a port that is taken "
            "over is noticed within a second",
            advice="run headway outside a container, on Linux 5.8 or newer with a unified cgroup hierarchy",
        )
    yield _of_containers(found.apart)
    if found.hides:
        yield Finding(level=Level.OK, name="processes", detail="applications see no other account's")
    else:
        yield Finding(
            level=Level.WARN,
            name="processes",
            detail="applications see the names and arguments of others'",
            advice="run headway outside a container, on Linux 5.8 or newer",
        )


def _of_containers(apart: str | None) -> Finding:
    if apart is None:
        detail = "they and their builds reach no port of the machine that is somebody's, and no cloud's secrets"
        return Finding(level=Level.OK, name="containers", detail=detail)
    return Finding(
        level=Level.WARN,
        name="containers",
        detail=f"{apart}: they reach whatever listens on all addresses of the machine, and a cloud's secrets",
        advice="run headway outside a container, on Linux 5.14 or newer with a unified cgroup hierarchy; else a "
        "firewall has to keep them from it (docs/containers.md)",
    )


def _docker(found: Docker) -> Iterator[Finding]:
    name = "docker"
    if found.engine is None and found.program is None:
        detail = (
            f"none: no engine answers at {found.socket}, and there is no docker program. Applications are built and "
            "run as processes; Dockerfiles, images, compose services and databases need Docker"
        )
        advice = "apt-get install docker.io docker-buildx docker-compose, if you want those"
        yield Finding(level=Level.WARN, name=name, detail=detail, advice=advice)
        return
    if found.engine is None:
        detail = f"the engine does not answer at {found.socket} ({found.problem}); nothing can run as a container"
        advice = "systemctl start docker, or say where it is with HEADWAY_DOCKER_HOST"
        yield Finding(level=Level.WARN, name=name, detail=detail, advice=advice)
        return
    yield Finding(level=Level.OK, name=name, detail=f"{found.engine} at {found.socket}")
    if found.program is None or not found.has_buildx:
        detail = f"no {'buildx' if found.program else 'docker program'}; images can be run and not built"
        package = "docker-buildx" if found.program else "docker-cli docker-buildx"
        yield Finding(level=Level.WARN, name=name, detail=detail, advice=f"apt-get install {package}")
    if found.is_old:
        detail = "the engine is older than 24 and cannot keep a build from what is not its own; it runs images, no more"
        yield Finding(level=Level.WARN, name=name, detail=detail, advice="install Docker 24 or newer")
    if found.swarm:
        yield Finding(level=Level.OK, name="swarm", detail=found.swarm)
    if found.builders:
        yield Finding(level=Level.OK, name="builders", detail=", ".join(found.builders))


def _data_folder(machine: Examined) -> Iterator[Finding]:
    if machine.data_dir_problem:
        yield Finding(
            level=Level.MISSING,
            name="data folder",
            detail=f"{machine.data_dir}: {machine.data_dir_problem}",
            advice="choose another with --data-dir or HEADWAY_DATA_DIR",
        )
    elif machine.closed_parent is None:
        yield Finding(level=Level.OK, name="data folder", detail=str(machine.data_dir))
    else:
        yield Finding(
            level=Level.WARN,
            name="data folder",
            detail=f"{machine.data_dir} lies in {machine.closed_parent}, which accounts without rights cannot enter: "
            "builds and releases are kept in /var/lib/headway-work",
            advice="nothing, if that disk has the space; else choose another folder",
        )


def _disk(machine: Examined) -> Finding:
    detail = f"{machine.free_bytes / _GIB:.1f} GiB free"
    if machine.free_bytes < _NO_DISK:
        return Finding(level=Level.MISSING, name="disk", detail=detail, advice="free some: builds and logs need it")
    if machine.free_bytes < _LITTLE_DISK:
        return Finding(level=Level.WARN, name="disk", detail=detail, advice="free some: a build can fill it")
    return Finding(level=Level.OK, name="disk", detail=detail)


def _memory(machine: Examined) -> Finding:
    at_a_time = "1 deployment" if machine.concurrency == 1 else f"{machine.concurrency} deployments"
    detail = f"{machine.memory_bytes / _GIB:.1f} GiB; {at_a_time} at a time"
    if machine.memory_bytes < _LITTLE_MEMORY:
        return Finding(level=Level.WARN, name="memory", detail=detail, advice="large builds will not fit")
    return Finding(level=Level.OK, name="memory", detail=detail)


def _ports(machine: Examined) -> Iterator[Finding]:
    for variable, port in machine.taken_ports.items():
        yield Finding(
            level=Level.WARN,
            name="ports",
            detail=f"{port} is in use; by a running Headway, or by something else",
            advice=f"if it is something else, choose another port with {variable}",
        )
