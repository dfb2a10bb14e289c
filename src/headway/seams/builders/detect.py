"""Decides how an application is built and started, from its settings and the files at its build path alone."""

from __future__ import annotations

import posixpath
import re

from headway.kernel.artifacts import Process
from headway.seams.builders.base import BuildError, BuildSpec
from headway.seams.builders.languages import python, static
from headway.seams.builders.plan import VENV, Listing, Phase, Plan
from headway.seams.builders.procfile import WEB, Procfile, parse_procfile

PROCFILE = "Procfile"
# Known by name only, to say why what looks buildable is not built.
FOREIGN = ("Dockerfile", "package.json", "go.mod", "Gemfile", "Cargo.toml", "composer.json", "Pipfile")
FILES = (PROCFILE, *python.FILES, *static.FILES, *FOREIGN)

_PYTHON_WORD = re.compile(r"(?:^|[\s;&|(])python(?=\s)")
_HOW = (
    "Add a Procfile with a line such as 'web: python3 app.py', or set the start command (startCommand), or set the "
    "build path to the folder that holds the application."
)


def detect(listing: Listing, spec: BuildSpec) -> Plan:
    """The plan: own settings first, then the Procfile, then what the files are. Raises BuildError when none tells."""
    install = spec.line(None, "NIXPACKS_INSTALL_CMD")
    build = spec.line(spec.build_command, "NIXPACKS_BUILD_CMD")
    start = spec.line(spec.start_command, "NIXPACKS_START_CMD")
    procfile = parse_procfile(listing.files[PROCFILE]) if PROCFILE in listing else Procfile(processes={})
    app = python.recognise(listing)
    phases = _phases(app, install, build)
    processes, folders, reasons = _results(listing, spec, app, procfile, start=start, is_built=build is not None)
    lines = [process.command for process in processes] + [line for line in (install, build, procfile.release) if line]
    has_venv = any(phase.name == "venv" for phase in phases)
    return Plan(
        phases=phases,
        processes=processes,
        release_command=procfile.release,
        path=(f"{VENV}/bin",) if has_venv else (),
        env={"PYTHONUNBUFFERED": "1"} if app or any("python" in line for line in lines) else {},
        static_folders=folders,
        needs_python_link=not has_venv and any(_PYTHON_WORD.search(line) for line in lines),
        reasons=reasons,
    )


def _phases(app: python.PythonApp | None, install: str | None, build: str | None) -> tuple[Phase, ...]:
    phases = app.phases if app else ()
    if install is not None:
        venv = (python.make_venv(),) if app else ()
        phases = (*venv, Phase.of_user("install", install))
    return (*phases, Phase.of_user("build", build)) if build is not None else phases


def _results(
    listing: Listing,
    spec: BuildSpec,
    app: python.PythonApp | None,
    procfile: Procfile,
    *,
    start: str | None,
    is_built: bool,
) -> tuple[tuple[Process, ...], tuple[str, ...], tuple[str, ...]]:
    """The processes or else the folders to serve, and why."""
    commands = dict(procfile.processes)
    if start is not None:
        commands = {WEB: start} | {name: line for name, line in commands.items() if name != WEB}
        return _processes(commands), (), ("Start command: from the settings",)
    if commands:
        return _processes(commands), (), (f"Processes from the Procfile: {', '.join(commands)}",)
    if spec.output_folder:
        folder = _output_folder(spec.output_folder)
        return (), (folder,), (f"Static site: the folder {folder}",)
    if app is not None:
        line = python.start_command(app, listing)
        if line is None:
            raise BuildError(f"This is a Python application, but nothing says how it is started. {_HOW}")
        return _processes({WEB: line}), (), (f"Python application, started with: {line}",)
    if is_built:
        return (), static.after_build(), ("Static site: what the build makes",)
    folders = static.recognise(listing)
    if folders:
        return (), folders, (f"Static site: {folders[0] if folders[0] != static.ROOT else 'the folder itself'}",)
    raise BuildError(_no_way(listing))


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
        "No way to build this was found: there is no Procfile, requirements.txt, pyproject.toml, app.py, main.py, "
        f"manage.py or index.html at its build path.{also} {_HOW}"
    )
