"""Looks at this machine for what Headway needs and can use; changes nothing that stays."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from headway.cli.diagnosis import Docker, Examined, Isolation
from headway.cli.machine import facts
from headway.drivers.buildplan.toolchains.inventory import SCRIPT, parse, question
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.drivers.runtimes.gates.problems import apart_problem, gates_problem
from headway.drivers.runtimes.launch.launcher import can_hide
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused, keeps_policies, unix_socket
from headway.infra.hosts import cgroups
from headway.infra.hosts.anchor_start import CLEAN_PATH, AnchorFailed
from headway.infra.hosts.command import Account
from headway.infra.hosts.local import LocalHost
from headway.kernel.errors import InvalidInput
from headway.kernel.setting_choices import proxy_complaints, unknown_variables
from headway.kernel.settings import Settings

_SYSTEM_PYTHON = "/usr/bin/python3"
_TELL_VERSION = (
    "import sys, importlib.util as u; print('.'.join(map(str, sys.version_info[:3])), bool(u.find_spec('ensurepip')))"
)
_SECONDS = 10
_LANGUAGES = ("python", "node", "bun", "deno", "go")


def examine(env: Mapping[str, str], data_dir: Path | None) -> Examined:
    """The facts about this machine, for the settings that ``serve`` would have with this environment and folder."""
    about = facts()
    problem = None
    try:
        settings = Settings.from_env(env, about, data_dir=data_dir)
    except InvalidInput as error:
        settings, problem = Settings.from_env({}, about, data_dir=data_dir), error.message
    system_python, has_venv = _system_python()
    existing = _nearest(settings.data_dir)
    return Examined(
        is_root=about.is_root,
        python=f"{'.'.join(map(str, sys.version_info[:3]))} {sys.executable}",
        system_python=system_python,
        system_python_has_venv=has_venv,
        node=_version("node"),
        npm=_version("npm"),
        languages=_languages(),
        programs={
            name: shutil.which(name, path=CLEAN_PATH)
            for name in ("git", "perl", "tar", "unshare", "setpriv", "ssh", "gcc")
        },
        parts={name: _part(name) for name in ("supervisord", "traefik", "caddy")},
        isolation=_isolation(settings),
        docker=_docker(settings),
        data_dir=settings.data_dir,
        data_dir_problem=_data_dir_problem(settings.data_dir, existing),
        closed_parent=_closed_parent(settings.data_dir) if about.is_root else None,
        free_bytes=shutil.disk_usage(existing).free,
        memory_bytes=about.memory_bytes,
        concurrency=settings.concurrency,
        taken_ports=_taken_ports(settings),
        settings_problem=problem,
        complaints=(*unknown_variables(env), *proxy_complaints(settings)),
    )


def _system_python() -> tuple[str | None, bool]:
    try:
        said = subprocess.run(
            [_SYSTEM_PYTHON, "-I", "-c", _TELL_VERSION], capture_output=True, text=True, timeout=_SECONDS, check=True
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return None, False
    return f"{said[0]} {_SYSTEM_PYTHON}", said[1] == "True"


def _languages() -> tuple[str, ...]:
    """The languages that this machine has by itself, as builds find them."""
    argv = [_SYSTEM_PYTHON, "-I", "-c", SCRIPT]
    nobody = Account(uid=65534, gid=65534)
    try:
        said = subprocess.run(
            argv, input=question(_LANGUAGES, account=nobody), capture_output=True, timeout=6 * _SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    found = parse(said.stdout)
    shown = ((name, each) for name in _LANGUAGES for each in found.of(name))
    return tuple(f"{TOOLS[name].label} {each.version} ({each.label}, {each.prefix})" for name, each in shown)


def _version(program: str) -> str | None:
    """The version of a program and where it is, as builds find it; None where it is not there or does not run."""
    path = shutil.which(program, path=CLEAN_PATH)
    if path is None:
        return None
    try:
        said = subprocess.run(
            [path, "--version"],
            env={"PATH": CLEAN_PATH, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{said.removeprefix('v')} {path}"


def _part(name: str) -> str | None:
    own = Path(sys.prefix) / "bin" / name
    return str(own) if os.access(own, os.X_OK) else shutil.which(name)


def _isolation(settings: Settings) -> Isolation | None:
    """What a panel would find, tried as one that does not exist; its groups are removed again."""
    panel_id = f"doctor-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="headway-doctor.") as folder:
        host = LocalHost(
            Path(folder), panel_id, use_cgroups=settings.cgroups.wish, use_pid_namespaces=settings.pid_namespaces.wish
        )
        try:
            found = asyncio.run(host.capabilities())
        except AnchorFailed:
            return None
    gates = gates_problem(panel_id) if os.geteuid() == 0 else None
    apart = apart_problem(panel_id) if os.geteuid() == 0 else None
    groups = [group for group in (found.trees.unified, found.trees.memory, found.trees.pids) if group]
    cgroups.remove(groups)
    for parent in {group.parent for group in groups}:
        with suppress(OSError):  # other panels have theirs in it
            parent.rmdir()
    return Isolation(
        cgroup=str(found.trees.unified.parent) if found.trees.unified else None,
        memory_bound=found.memory_bound,
        process_bound=found.process_bound,
        pid_namespaces=found.pid_namespaces,
        gates=gates,
        apart=apart,
        hides=can_hide(),
    )


def _docker(settings: Settings) -> Docker:
    api = DockerApi(unix_socket(settings.docker_host.removeprefix("unix://")))
    engine = problem = swarm = None
    is_old = False
    try:
        version = asyncio.run(api.get("/version"))
        engine = f"{version['Version']} for {version['Arch']}"
        is_old = not keeps_policies(version)
        swarm = _swarm(asyncio.run(api.get("/info")).get("Swarm") or {})
    except (EngineAway, EngineRefused) as error:
        problem = error.why if isinstance(error, EngineAway) else error.message
    program = shutil.which("docker", path=CLEAN_PATH)
    return Docker(
        socket=settings.docker_host,
        program=program,
        has_buildx=program is not None and _succeeds(program, "buildx", "version"),
        engine=engine,
        problem=problem,
        swarm=swarm,
        is_old=is_old,
        builders=tuple(name for name in ("nixpacks", "railpack", "pack") if shutil.which(name, path=CLEAN_PATH)),
    )


def _swarm(told: Mapping[str, Any]) -> str:
    """What an engine says of its swarm, in words."""
    if told.get("LocalNodeState", "inactive") == "inactive":
        return "none; an application runs as one container (docker swarm init makes a swarm, for several copies)"
    if not told.get("ControlAvailable"):
        return f"{told['LocalNodeState']}, and managed by another machine; a panel works on a manager"
    machines, managers = told.get("Nodes", 0), told.get("Managers", 0)
    return f"manager of a swarm of {machines} machines, {managers} of them managers; applications may have replicas"


def _succeeds(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _nearest(path: Path) -> Path:
    """The path, or what there is of it."""
    return next(each for each in (path, *path.parents) if each.exists())


def _data_dir_problem(path: Path, existing: Path) -> str | None:
    if not existing.is_dir():
        return f"{existing} is not a folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return "this account may not write there" if existing == path else f"this account may not write in {existing}"
    return None


def _closed_parent(path: Path) -> Path | None:
    """The first folder on the way to the data folder that lets others not pass."""
    way = [*reversed(path.resolve().parents)]
    return next((each for each in way if each.exists() and not each.stat().st_mode & 0o001), None)


def _taken_ports(settings: Settings) -> dict[str, int]:
    wanted = {
        "HEADWAY_PORT": (settings.host, settings.port),
        "HEADWAY_EDGE_PORT": (settings.edge_host, settings.edge_port),
    }
    return {variable: port for variable, (host, port) in wanted.items() if _is_taken(host, port)}


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        return True
    return False
