"""What this machine has and allows, found out by trying it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from headway.infra.hosts import cgroups
from headway.infra.hosts.anchor_start import CLEAN_PATH, Opening, find_perl
from headway.infra.hosts.cgroups import LocalTrees
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

PROGRAMS = ("perl", "unshare", "setpriv", "prlimit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What runs on this machine can count on.

    ``adopts_orphans`` is whether an anchor becomes the parent of what its commands leave; ``memory_bound`` and
    ``process_bound`` say what bounds a command: "cgroup v2", "cgroup v1" or "rlimit" (per process, respectively per
    account); ``programs`` are those that the host uses or could use, by name, None for what is missing.
    """

    trees: LocalTrees
    pid_namespaces: bool
    accounts: bool
    adopts_orphans: bool
    memory_bound: str
    process_bound: str
    programs: Mapping[str, str | None]

    @property
    def cgroup(self) -> str | None:
        """The folder of our control groups in the v2 hierarchy, None when there is none."""
        return str(self.trees.unified) if self.trees.unified else None


def probe(
    *, program: Path, panel_id: str, machine: str, use_cgroups: bool | None, use_pid_namespaces: bool | None
) -> Capabilities:
    """Tries what a machine allows; what ``use_…`` says is not tried but taken as said. Blocks for some milliseconds."""
    facts = _ask_anchor(program, machine)
    trees = LocalTrees() if use_cgroups is False else _usable(cgroups.discover(panel_id))
    if use_cgroups and not trees.unified:
        msg = "This machine has no control groups (version 2) that Headway may use."
        raise HeadwayError(msg)
    return Capabilities(
        trees=trees,
        pid_namespaces=facts.get("namespaces") == "1" if use_pid_namespaces is None else use_pid_namespaces,
        accounts=os.geteuid() == 0,
        adopts_orphans=facts.get("orphans") == "1",
        memory_bound=trees.bounds("memory"),
        process_bound=trees.bounds("pids"),
        programs={name: shutil.which(name, path=CLEAN_PATH) for name in PROGRAMS},
    )


def _ask_anchor(program: Path, machine: str) -> dict[str, str]:
    find_perl()
    with tempfile.TemporaryDirectory(prefix="headway-") as folder:
        opening = Opening(program, ("probe",), {"mode": "probe", "machine": machine}, Path(folder) / "errors")
        said = opening.everything()
        opening.abandon()
        os.waitpid(opening.pid, 0)
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def _usable(trees: LocalTrees) -> LocalTrees:
    """The trees without those into which we cannot move a process."""
    refused = {kind: None for kind, folder in trees.folders.items() if not _lets_us_in(folder)}
    return replace(trees, **refused) if refused else trees


def _lets_us_in(folder: Path) -> bool:
    group = folder / f"probe.{os.getpid()}"
    sleeper = subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text(str(sleeper.pid))
    except OSError:
        return False
    else:
        return True
    finally:
        sleeper.kill()
        sleeper.wait()
        cgroups.remove([group])
