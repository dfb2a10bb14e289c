"""What a deploy would do, as the wire shows it."""

from __future__ import annotations

import shlex

from typing_extensions import TypedDict

from headway.domains.applications.detecting import Detected
from headway.kernel.phrase import plain
from headway.seams.builders.plan import Phase


class DetectedCommit(TypedDict):
    """What was looked at; of an archive the hash is that of the file that was sent."""

    hash: str
    message: str
    author: str
    branch: str


class DetectedPhase(TypedDict):
    """A command of the build, as one would type it in the folder that is built."""

    name: str
    command: str


class DetectedProcess(TypedDict):
    """A process type: how it is started, and how often it runs."""

    name: str
    command: str
    scale: int


class DetectedRow(TypedDict):
    """What would be built and started, and why; or the problem that a deploy would end with. ``port`` is the one that
    is fixed (null: Headway chooses one, and tells it in PORT), ``takesRequests`` whether there is one at all.
    """

    commit: DetectedCommit
    problem: str | None
    language: str | None
    reasons: list[str]
    phases: list[DetectedPhase]
    processes: list[DetectedProcess]
    releaseCommand: str | None
    staticFolders: list[str]
    takesRequests: bool
    port: int | None


def detected_row(found: Detected) -> DetectedRow:
    """The whole answer."""
    commit, plan = found.commit, found.plan
    processes = plan.processes if plan else ()
    return {
        "commit": {"hash": commit.hash, "message": commit.subject, "author": commit.author, "branch": commit.branch},
        "problem": found.problem,
        "language": plan.language if plan else None,
        "reasons": [plain(each) for each in plan.reasons] if plan else [],
        "phases": [{"name": phase.name, "command": _typed(phase)} for phase in (plan.phases if plan else ())],
        "processes": [{"name": each.name, "command": each.command, "scale": each.scale} for each in processes],
        "releaseCommand": plan.release_command if plan else None,
        "staticFolders": list(plan.static_folders) if plan else [],
        "takesRequests": plan is not None and (bool(plan.static_folders) or any(p.name == "web" for p in processes)),
        "port": found.fixed_port,
    }


def _typed(phase: Phase) -> str:
    if phase.argv[:2] == ("/bin/sh", "-c"):
        return phase.argv[2]
    if phase.name == "venv":
        return "python3 -m venv .venv"
    return shlex.join([phase.argv[0].replace("{folder}", "."), *phase.argv[1:]])
