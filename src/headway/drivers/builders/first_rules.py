"""The first rules of detection, by which stays planned what was released before there were others."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.languages import node, python, static
from headway.drivers.builders.languages.node import NodeApp
from headway.drivers.builders.languages.python import PythonApp
from headway.drivers.builders.plan import VENV, Listing, Phase, Plan
from headway.drivers.builders.scale import scaled
from headway.drivers.buildplan.procfile import WEB, Procfile, parse_procfile
from headway.kernel.artifacts import Process
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

PROCFILE = "Procfile"
# Known by name only, to say why what looks buildable is not built.
FOREIGN = ("Dockerfile", "go.mod", "Gemfile", "Cargo.toml", "composer.json", "Pipfile")
FILES = (PROCFILE, *python.FILES, *node.FILES, *static.FILES, *FOREIGN)

App = PythonApp | NodeApp
_NO_BUILD = frozenset({"true", ":"})  # the user's word that what is there is to be served as it is

_ANY_PYTHON = re.compile(r"\b(?:python3?|gunicorn|uvicorn|flask|celery)\b")
_NODE_WORD = re.compile(r"(?:^|[\s;&|(])(?:node|npm|npx|yarn|pnpm)(?=\s)")
_HOW: Mapping[str, str] = {
    "Python": (
        "Add a Procfile with a line such as 'web: python3 app.py', or set the start command (headway apps set "
        "APP --start LINE), or set the "
        "build path to the folder that holds the application."
    ),
    "Node": (
        'Add a start script to package.json ("start": "node server.js"), or a Procfile with a line such as '
        "'web: node server.js', or set the start command (headway apps set APP --start LINE). For a site that is "
        "built, add a build script."
    ),
}


def detect(listing: Listing, spec: BuildSpec) -> Plan:
    """The plan: own settings first, then the Procfile, then what the files are. Raises BuildError when none tells."""
    install = spec.line(None, "NIXPACKS_INSTALL_CMD")
    build = spec.line(spec.build_command, "NIXPACKS_BUILD_CMD")
    start = spec.line(spec.start_command, "NIXPACKS_START_CMD")
    procfile = parse_procfile(listing.files[PROCFILE]) if PROCFILE in listing else Procfile(processes={})
    app = _application(listing, procfile, is_told=bool(install or build or start or procfile.processes))
    phases = _phases(app, install, build)
    is_built = any(phase.name in {"build", node.BUILD} for phase in phases)
    outcome = _outcome(listing, spec, app, procfile, start=start, is_built=is_built)
    outcome = replace(outcome, processes=scaled(outcome.processes, spec.scale))
    lines = [process.command for process in outcome.processes]
    lines += [line for line in (install, build, procfile.release) if line]
    has_venv = any(phase.name == "venv" for phase in phases)
    return Plan(
        language=_language(app, outcome),
        phases=phases,
        processes=outcome.processes,
        release_command=procfile.release,
        path=_path(app, has_venv=has_venv),
        env=_env(app, lines),
        static_folders=outcome.folders,
        is_built=is_built and (build or "") not in _NO_BUILD,
        reasons=(*(app.notes if app is not None else ()), outcome.reason),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """The processes, or else the folders to serve, and why."""

    processes: tuple[Process, ...] = ()
    folders: tuple[str, ...] = ()
    reason: str


def _application(listing: Listing, procfile: Procfile, *, is_told: bool) -> App | None:
    """What the files are. A package.json beside a Python application is its front end's, unless Node is what runs."""
    app = python.recognise(listing)
    if app is None or (_runs_node(procfile) and node.PACKAGE in listing):
        return node.recognise(listing, is_told=is_told)
    return app


def _runs_node(procfile: Procfile) -> bool:
    line = procfile.processes.get(WEB, "")
    return bool(_NODE_WORD.search(line)) and not _ANY_PYTHON.search(line)


def _phases(app: App | None, install: str | None, build: str | None) -> tuple[Phase, ...]:
    phases = app.phases if app else ()
    if install is not None:
        venv = (python.make_venv(),) if isinstance(app, PythonApp) else ()
        own = tuple(phase for phase in phases if phase.name == node.BUILD)
        phases = (*venv, Phase.of_user("install", install), *own)
    if build is None:
        return phases
    return (*(phase for phase in phases if phase.name != node.BUILD), Phase.of_user("build", build))


def _outcome(
    listing: Listing, spec: BuildSpec, app: App | None, procfile: Procfile, *, start: str | None, is_built: bool
) -> _Outcome:
    commands = dict(procfile.processes)
    if start is not None:
        commands = {WEB: start} | {name: line for name, line in commands.items() if name != WEB}
        return _Outcome(processes=_processes(commands), reason=phrase("Start command: from the settings"))
    if commands:
        reason = phrase("Processes from the Procfile: {}", ", ".join(commands))
        return _Outcome(processes=_processes(commands), reason=reason)
    if spec.output_folder:
        folder = _output_folder(spec.output_folder)
        return _Outcome(folders=(folder,), reason=phrase("Static site: the folder {}", folder))
    if app is not None and (found := _of_language(app, listing)) is not None:
        return found
    if is_built:
        return _Outcome(folders=static.after_build(), reason=phrase("Static site: what the build makes"))
    if folders := static.recognise(listing):
        where = folders[0] if folders[0] != static.ROOT else phrase("the folder itself")
        return _Outcome(folders=folders, reason=phrase("Static site: {}", where))
    if app is not None:
        language = "Python" if isinstance(app, PythonApp) else "Node"
        raise BuildError(f"This is a {language} application, but nothing says how it is started. {_HOW[language]}")
    raise BuildError(_no_way(listing))


def _of_language(app: App, listing: Listing) -> _Outcome | None:
    if isinstance(app, NodeApp):
        if app.start is None:
            return None
        reason = phrase("Node application, started with: {} ({})", app.start, app.start_reason)
        return _Outcome(processes=_processes({WEB: app.start}), reason=reason)
    line = python.start_command(app, listing)
    if line is None:
        raise BuildError(f"This is a Python application, but nothing says how it is started. {_HOW['Python']}")
    return _Outcome(processes=_processes({WEB: line}), reason=phrase("Python application, started with: {}", line))


def _language(app: App | None, outcome: _Outcome) -> str:
    if outcome.folders:
        return "static"
    if app is None:
        return "commands"
    return "python" if isinstance(app, PythonApp) else "node"


def _path(app: App | None, *, has_venv: bool) -> tuple[str, ...]:
    if isinstance(app, NodeApp):
        return (node.BIN,)
    return (f"{VENV}/bin",) if has_venv else ()


def _env(app: App | None, lines: list[str]) -> dict[str, str]:
    if isinstance(app, NodeApp):
        return dict(node.ENV)
    return {"PYTHONUNBUFFERED": "1"} if app or any("python" in line for line in lines) else {}


def _processes(commands: dict[str, str]) -> tuple[Process, ...]:
    return tuple(Process(name=name, command=line) for name, line in commands.items())


def _output_folder(path: str) -> str:
    relative = posixpath.normpath(path.strip().lstrip("/") or ".")
    if relative == ".." or relative.startswith("../"):
        raise BuildError("The output folder leads out of the application. Give a folder inside it, such as 'dist'.")
    return relative


def _no_way(listing: Listing) -> str:
    foreign = [name for name in FOREIGN if name in listing]
    also = f" (It has {' and '.join(foreign)}, which the native builder does not use by itself.)" if foreign else ""
    return (
        "No way to build this was found: there is no Procfile, package.json, requirements.txt, pyproject.toml, app.py, "
        f"main.py, manage.py or index.html at its build path.{also} {_HOW['Python']}"
    )
