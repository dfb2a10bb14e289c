"""What is kept of a release on disk: the record that the launcher reads, and two marks in time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from headway.drivers.runtimes.contract.inner_places import InFolder, Layered
from headway.drivers.runtimes.contract.runtime import UnknownRelease
from headway.drivers.runtimes.launch.launcher import RECORD, build_environment
from headway.drivers.runtimes.launch.layer import BYTES
from headway.drivers.runtimes.launch.site_routes import site_routes
from headway.drivers.runtimes.process.programs import Program, checked_process
from headway.drivers.runtimes.process.release_groups import Group
from headway.infra.hosts.command import Account, Limits
from headway.infra.hosts.private_file import write_privately
from headway.kernel.artifacts import ReleaseSpec
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import checked_id
from headway.kernel.site_rules import SiteRules
from headway.kernel.vault import Vault

STARTED = "started"
HEALTHY = "healthy"
WEB = "web"

_VARIABLE = re.compile(r"[^=\0]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """What the runtime itself needs of a record again."""

    release_id: str
    application_id: str
    app_name: str
    programs: tuple[Program, ...]
    uid: int | None
    ports: tuple[int, ...]
    loopback: tuple[int, ...] | None
    home: str
    disk_bytes: int | None
    organization_id: str
    sealed_env: str | None = field(repr=False)


def check_spec(spec: ReleaseSpec) -> None:
    """Raises InvalidInput with a sentence when the release cannot be run as it is described."""
    for text in (spec.release_id, spec.application_id, spec.app_name):
        checked_id(text)
    for process in spec.bundle.processes:
        checked_process(process.name)
        if not 1 <= process.scale <= 100:
            raise InvalidInput(f"The process {process.name} has to run 1 to 100 times, not {process.scale} times.")
        if process.name == WEB and spec.ports and len(spec.ports) != process.scale:
            raise InvalidInput(f"The process web runs {process.scale} times, and needs as many ports.")
    if not programs_of(spec):
        raise InvalidInput("There is nothing to run: add a Procfile or set a start command.")
    if spec.uid not in {None, os.geteuid()} and os.geteuid() != 0:
        raise InvalidInput("Only a panel that runs as root can run an application under an account of its own.")
    if spec.bundle.static_root is not None and spec.port is None:
        raise InvalidInput("A static site needs a port.")
    _check_variables(spec)
    _check_kept(spec.keep)


def programs_of(spec: ReleaseSpec) -> tuple[Program, ...]:
    """The supervised copies that the release consists of, those of ``web`` first."""
    static = (Program(release_id=spec.release_id, process=WEB),) if spec.bundle.static_root is not None else ()
    named = sorted(spec.bundle.processes, key=lambda process: process.name != WEB)
    return static + tuple(
        Program(release_id=spec.release_id, process=process.name, number=number)
        for process in named
        if not (static and process.name == WEB)
        for number in range(1, process.scale + 1)
    )


def render_record(spec: ReleaseSpec, *, vault: Vault, home: str, groups: tuple[Group, ...]) -> str:
    """The record's text. The variables are in it sealed; nothing else in it is secret."""
    folder = Path(spec.bundle.folder)
    static = {} if spec.bundle.static_root is None else {WEB: str(folder / spec.bundle.static_root)}
    revealed = {name: value.reveal() for name, value in spec.env.items()}
    record = {
        "release_id": spec.release_id,
        "application_id": spec.application_id,
        "app_name": spec.app_name,
        "folder": str(folder),
        "home": home,
        "uid": spec.uid,
        "gid": spec.uid if spec.gid is None else spec.gid,
        "port": spec.port,
        "ports": list(spec.ports),
        "loopback": None if spec.loopback is None else list(spec.loopback),
        "path": list(spec.bundle.programs),
        "told": told_variables(spec),
        "env": dict(spec.bundle.env),
        "sealed_env": vault.seal(revealed) if revealed else None,
        "processes": {process.name: process.command for process in spec.bundle.processes},
        "static": static,
        "routes": {name: site_routes(root, SiteRules.load(spec.bundle.site)) for name, root in static.items()},
        "programs": [[program.process, program.number] for program in programs_of(spec)],
        "groups": [group.dump() for group in groups],
        "shows_bounds": True,
        "memory_bytes": spec.memory_bytes,
        "process_limit": spec.process_limit,
        "disk_bytes": spec.disk_bytes,
        "organization_id": spec.organization_id,
        "layer_bytes": spec.layer_bytes,
        "keep": list(spec.keep),
    }
    return json.dumps(record, indent=1)


def told_variables(spec: ReleaseSpec) -> dict[str, str]:
    """Variables of ours, over which the builder's and the user's win; programs are told of the virtual environment that
    comes first on their PATH.
    """
    found = next((part for part in spec.bundle.path if PurePosixPath(part).parts[-2:] == (".venv", "bin")), None)
    own = {} if found is None else {"VIRTUAL_ENV": str(PurePosixPath(spec.bundle.folder, found).parent)}
    return {**own, **spec.told}


def read_record(folder: Path) -> ReleaseRecord | None:
    """The record in a release's folder; None where there is none."""
    try:
        record: Mapping[str, Any] = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return None
    return ReleaseRecord(
        release_id=record["release_id"],
        application_id=record["application_id"],
        app_name=record["app_name"],
        programs=tuple(
            Program(release_id=record["release_id"], process=process, number=number)
            for process, number in record["programs"]
        ),
        uid=record["uid"],
        # Records of older versions have one port only.
        ports=tuple(record.get("ports") or ([] if record["port"] is None else [record["port"]])),
        loopback=None if record.get("loopback") is None else tuple(record["loopback"]),
        home=record["home"],
        disk_bytes=record.get("disk_bytes"),
        organization_id=record.get("organization_id", ""),
        sealed_env=record["sealed_env"],
    )


def inside(root: Path, folder: Path, vault: Vault) -> InFolder:
    """Where something more runs beside the release's processes, with what they have. Raises UnknownRelease."""
    try:
        found: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        raise UnknownRelease("This release is not here any more; deploy it again.") from None
    variables: dict[str, str] = vault.open(found["sealed_env"]) if found["sealed_env"] else {}
    env = build_environment(found, "", "1", variables)
    for name in ("HEADWAY_RELEASE_ID", "HEADWAY_PROCESS"):  # by which the release's own processes are known
        env.pop(name, None)
    uid = found["uid"]
    return InFolder(
        folder=found["folder"],
        account=Account(uid=uid, gid=found["gid"]) if uid is not None and os.geteuid() == 0 else None,
        env=env,
        limits=Limits(
            memory_bytes=found["memory_bytes"], processes=found["process_limit"], oom_score_adj=200, confined=True
        ),
        layer=Layered(
            root=str(root),
            release_id=found["release_id"],
            home=found["home"],
            bytes=found.get("layer_bytes", BYTES),
            keep=tuple(found.get("keep", ())),
        ),
    )


def mark(folder: Path, name: str) -> None:
    """Notes that something has happened to the release now."""
    write_privately(folder / name, datetime.now(UTC).isoformat())


def marked(folder: Path, name: str) -> datetime | None:
    """When it happened; None when it has not."""
    try:
        return datetime.fromisoformat((folder / name).read_text())
    except FileNotFoundError:
        return None


def _check_variables(spec: ReleaseSpec) -> None:
    for name in (*spec.env, *spec.bundle.env):
        if not _VARIABLE.fullmatch(name):
            raise InvalidInput(f"A variable cannot be called {name!r}.")
    if any("\0" in value.reveal() for value in spec.env.values()):
        raise InvalidInput("A variable's value cannot hold a NUL character.")


def _check_kept(keep: Sequence[str]) -> None:
    for path in keep:
        if not path or any(part in {"", ".", ".."} or "\0" in part for part in path.split("/")):
            raise InvalidInput(
                f"The folder {path!r} to keep (headway apps set APP --keep) cannot be kept: name one within the "
                "build path, such as uploads or var/data."
            )
