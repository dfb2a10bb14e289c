"""Python: what a project requires is installed into ``.venv`` at the build path, and what it has is started."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import image_command
from headway.drivers.buildplan.image_ports import port_choice
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase
from headway.drivers.buildplan.providers import (
    node_frontend,
    python_code,
    python_django,
    python_documentation,
    python_migrations,
    python_project,
    python_scripts,
    python_sites,
    python_versions,
)
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.node_frontend import Frontend, frontend
from headway.drivers.buildplan.providers.node_package import PACKAGE, read_package, seen_package
from headway.drivers.buildplan.providers.node_scripts import read_start
from headway.drivers.buildplan.providers.python_folder import (
    LOCKS,
    OTHERS,
    manage_files,
    manifests,
    named_folder,
    only_folder,
    project_folder,
)
from headway.drivers.buildplan.providers.python_frameworks import find_framework
from headway.drivers.buildplan.providers.python_locks import VENV, Installation, installation
from headway.drivers.buildplan.providers.python_packages import PACKAGES, asked_packages, system_packages
from headway.drivers.buildplan.providers.python_pins import oldest_pin
from headway.drivers.buildplan.providers.python_program import find_start
from headway.drivers.buildplan.providers.python_project import MANIFESTS, PythonProject, read_project, script_block
from headway.drivers.buildplan.providers.python_requirements import referred
from headway.drivers.buildplan.providers.python_start import Start, old_gunicorn_needs
from headway.drivers.buildplan.providers.python_versions import Asked, python_need
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process

NAME = "python"

_OF_SPACES = ("Gradio", "Streamlit")
_CONDA = ("environment.yml", "environment.yaml", "conda.yml")
_PYTHON_LINE = re.compile(r"\b(?:python3?|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|streamlit|celery|flask)\b")
_NODE_LINE = re.compile(
    r"(?:(?:[A-Za-z_]\w*=\S+|cross-env|env|exec)\s+)*"
    r"(?:node|nodemon|tsx|ts-node|next|nest|nuxt|remix-serve|react-router-serve|strapi|medusa|keystone)\s"
)
_NO_FRONT_END = Frontend(folder="", reason="", needs=(), phases=(), path=())
_OLD_GUNICORN = (
    "The gunicorn that is pinned needs setuptools below 82, which is installed for it; gunicorn 21 needs none.",
)


def _recognise(tree: Tree) -> str | None:
    if _documents_node(tree) or _helps_node(tree):
        return None
    found = manifests(tree)
    django = next((name for name in manage_files(tree)), None)
    if found or django:
        return " and ".join(dict.fromkeys((*([django] if django else []), *found[:2])))
    folder = named_folder(tree, "") or only_folder(tree)
    if folder:
        return f"{folder}/{manifests(tree.below(folder))[0]}"
    if _PYTHON_LINE.search(tree.text("Procfile")):
        return "Procfile"
    script = python_scripts.first_script(tree)
    if OTHERS & tree.names == {PACKAGE} and _is_site_alone(tree):
        return python_sites.is_site(tree)
    if OTHERS & tree.names:
        return script if script is not None and python_code.listens(python_code.source(tree, script)) else None
    conda = next((name for name in _CONDA if name in tree), None)
    return python_sites.is_site(tree) or script or conda or python_scripts.module_to_run(tree)


def _is_site_alone(tree: Tree) -> bool:
    """Whether there is a site that Python generates, and a package.json that has tools for it and nothing to run."""
    package = seen_package(tree)
    runs = package is None or any(package.script(name) for name in ("start", "build", "dev", "serve"))
    return not runs and any(name in tree for name in (*python_sites.MKDOCS, python_sites.PELICAN))


def _documents_node(tree: Tree) -> bool:
    """Whether all that Python does here is to generate the documentation of an application in Node, whose package.json
    says how that is started.
    """
    if PACKAGE not in tree or python_sites.is_site(tree) is None:
        return False
    try:
        starts = read_start(read_package(tree), tree).line is not None
        return starts and find_start(read_project(tree), BuildSettings()).site is not None
    except BuildError:
        return False


def _helps_node(tree: Tree) -> bool:
    """Whether Python is what an application in Node calls: the package.json says how that is started, and nothing in
    Python is an application or listens.
    """
    if PACKAGE not in tree or any(manage_files(tree)) or _PYTHON_LINE.search(tree.text("Procfile")):
        return False
    try:
        line = read_start(read_package(tree), tree).line
        if line is None or _NODE_LINE.match(line.text) is None:
            return False
        project = read_project(tree)
        if find_framework(tree, project.requires) is not None:
            return False
        script = python_scripts.find_script(tree, project)
    except BuildError:
        return False
    return script is None or not (script.takes_requests or script.framework)


def _plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    member, folder = _member(tree, settings)
    shares_lock = bool(member) and "uv.lock" in tree
    app = read_project(tree, folder or project_folder(tree, settings))
    project = read_project(tree) if shares_lock else app
    script = python_scripts.first_script(app.tree) or ""
    python, notes = _python(tree, settings, project, script)
    install = installation(tree, project, settings, script=script, member=member if shares_lock else "")
    is_told = settings.start is not None
    start = replace(find_start(app, settings), site=None) if is_told else find_start(app, settings)
    if not install.manager and settings.install is None:
        _require_installed(app, start, script)
    old = old_gunicorn_needs(project.requires) if install.manager == "pip" else ()
    server = _told_server(project, settings) if is_told else start.adds
    front = _front_end(tree, settings, project, start)
    first, later = front.parted(project.requires.extras)
    packages, lines = _system_packages(app, project, start)
    release = None if is_told else start.release
    keep = tuple(app.at(folder) for folder in start.keep)
    processes = () if is_told or not start.command else (_process(app, start),)
    told, of_old = _told(settings, front, start.keep_reason, keep), _OLD_GUNICORN if old else ()
    return BuildPlan(
        provider=NAME,
        framework=start.framework,
        confidence=Confidence.TOLD if is_told else start.confidence,
        needs=(python, *install.needs, *front.needs),
        phases=(
            *_inside(app, start.before),
            *first,
            *install.with_packages(project, (*server, *old), start.follows),
            *install.own,
            *later,
            *_inside(app, start.phases),
        ),
        processes=processes,
        release_command=python_code.in_folder(app.folder, release) if release else None,
        site=start.site,
        path=(project.at(f"{VENV}/bin"), *front.path),
        env={"PYTHONUNBUFFERED": "1", **start.env},
        build_env={**front.build_env, **start.build_env},
        run_env=start.run_env,
        keep=keep,
        port=start.own_port[0] if processes and start.own_port is not None else None,
        takes_requests=start.takes_requests or (is_told and start.confidence is not Confidence.SEEN),
        packages=packages,
        choices=(*told, *_choices(python, install, start, processes, release=release, server=server)),
        questions=() if is_told else start.questions,
        notes=(*front.notes, *notes, *install.notes, *lines, *start.notes, *of_old, *_further(app, start, settings)),
    )


def _python(tree: Tree, settings: BuildSettings, project: PythonProject, script: str) -> tuple[Need, tuple[str, ...]]:
    """The interpreter, and what is to be said of its version."""
    python, notes = python_need(tree, settings, (*_script_asks(project, script), *project.asks))
    pin = oldest_pin(project)
    return (python, notes) if pin is None else python_versions.bounded(python, notes, pin.below, pin.told)


def _system_packages(
    app: PythonProject, project: PythonProject, start: Start
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Debian's packages that it needs, by what it requires and by a file of them, and the lines that say so."""
    needed, lines = system_packages(project.requires)
    asked, told = asked_packages(app.tree) if start.framework in _OF_SPACES else ((), ())
    return tuple(dict.fromkeys((*needed, *asked))), (*lines, *told)


def _front_end(tree: Tree, settings: BuildSettings, project: PythonProject, start: Start) -> Frontend:
    """What its pages are built by; not where that is only tools for who writes a site."""
    front = (frontend(tree, settings) if not project.folder else None) or _NO_FRONT_END
    is_built = start.site is None or any(each.name == "frontend build" for each in front.phases)
    return front if is_built else _NO_FRONT_END


def _member(tree: Tree, settings: BuildSettings) -> tuple[str, str]:
    """The name and the folder of the package that is set, if one is. Raises BuildError where there is none such."""
    if settings.package is None:
        return "", ""
    found = python_project.members(tree)
    wanted = settings.package.strip().strip("/")
    for name, folder in found.items():
        if wanted in {name, folder}:
            return name, folder
    if any(f"{wanted}/{name}" in tree for name in MANIFESTS):
        return "", wanted
    named = ", ".join(found) or "none was found"
    raise BuildError(
        f"There is no package {wanted[:60]} (headway apps set APP --package FOLDER) with a pyproject.toml. There "
        f"are: {named}."
    )


def _inside(project: PythonProject, phases: Sequence[Phase]) -> tuple[Phase, ...]:
    return tuple(
        replace(phase, folder=posixpath.join(project.folder, phase.folder) if phase.folder else project.folder)
        for phase in phases
    )


def _process(project: PythonProject, start: Start) -> Process:
    return Process(
        name="web" if start.takes_requests else "worker", command=python_code.in_folder(project.folder, start.command)
    )


def _script_asks(project: PythonProject, script: str) -> tuple[Asked, ...]:
    block = script_block(python_code.source(project.tree, script)) if script else None
    asked = block.get("requires-python") if block else None
    return (Asked(text=asked, source=project.at(script)),) if isinstance(asked, str) else ()


def _require_installed(project: PythonProject, start: Start, script: str) -> None:
    """Raises BuildError where nothing is installed that is imported, naming what would be."""
    conda = next((name for name in _CONDA if name in project.tree), None)
    if conda is not None:
        raise BuildError(
            f"{conda} is for conda, which Headway does not build with. Write the packages into a requirements.txt "
            "(pip list --format=freeze > requirements.txt), commit and push it, then deploy again."
        )
    if start.framework == "Django":
        raise BuildError(
            "There is a manage.py, and no file says what is to be installed. Add a requirements.txt with a line "
            "'Django', commit and push it, then deploy again."
        )
    for name in python_code.entries(project.tree)[:5] * bool(start.adds or start.framework):
        python_scripts.require_declared(project.tree, name)
    if script and script_block(python_code.source(project.tree, script)) is None:
        python_scripts.require_declared(project.tree, script)


def _told_server(project: PythonProject, settings: BuildSettings) -> tuple[str, ...]:
    """The server that the start command names, where nothing requires it."""
    words = (settings.start or "").replace("&&", " ").split()
    found = next((word for word in words if word in python_documentation.SERVERS), None)
    package = "waitress" if found == "waitress-serve" else found
    return (package,) if package and package not in project.requires else ()


def _told(settings: BuildSettings, front: Frontend, why: str, keep: Sequence[str]) -> Iterator[Choice]:
    if why and keep and not settings.keep:
        yield Choice(name="keep", value=", ".join(keep), reason=why)
    if settings.package is not None:
        yield Choice(name="package", value=settings.package, reason="as it is set", is_set=True)
    if front.phases:
        lines = " && ".join(" ".join(phase.argv) for phase in front.phases)
        yield Choice(name="frontend", value=lines, reason=front.reason)


def _choices(
    python: Need,
    install: Installation,
    start: Start,
    processes: Sequence[Process],
    *,
    release: str | None,
    server: tuple[str, ...],
) -> Iterator[Choice]:
    if python.wanted:
        is_set = python.source == python_versions.SETTINGS
        yield Choice(name="versions.python", value=python.wanted, reason=python.source, is_set=is_set)
    shown = next((phase.argv for phase in install.phases if phase.name == "install"), None)
    if shown is not None:
        line = " ".join(shown).removeprefix("python3 -m ").replace(" --no-input --progress-bar off", "")
        yield Choice(name="install", value=line, reason=install.reason)
    if server and start.site is None and not processes:
        yield Choice(
            name="server", value=" ".join(server), reason="the start command names it, and no file requires it"
        )
    for process in processes:
        yield Choice(name="start", value=process.command, reason=start.reason)
        if start.own_port is not None:
            yield port_choice(*start.own_port)
    if start.site is not None:
        line = " ".join(start.phases[0].argv)
        yield Choice(name="build", value=line, reason=start.reason)
        yield Choice(name="publish", value=start.site.folders[0], reason="where it writes the site")
    if release:
        yield Choice(name="release", value=release, reason=f"{start.release_reason}, before the new release takes over")


def _further(project: PythonProject, start: Start, settings: BuildSettings) -> Iterator[str]:
    """Where its data stays, and what is not done by itself."""
    is_told = settings.start is not None
    if note := start.note_told if is_told else start.note_started:
        yield note
    if is_told and start.release and "release:" not in project.tree.text("Procfile"):
        yield f"Migrations are not run: headway apps set APP --release '{start.release}'"
    if start.takes_requests and not is_told and (note := python_scripts.worker_note(project.tree, project.requires)):
        yield note
    told = f"{settings.start} {settings.release} {project.tree.text('Procfile')}"
    ours = "" if is_told else f"{start.command} {start.release}"
    if note := python_migrations.note(project.tree, project.requires, f"{told} {ours}"):
        yield note
    if "playwright" in project.requires:
        yield "playwright needs a browser: let the build command be 'playwright install --only-shell'."


def _further_files(tree: Tree) -> Iterator[str]:
    """What the files that were read refer to."""
    yield from referred(tree)
    yield from image_command.named_files(tree)
    yield from python_sites.referred(tree)


PROVIDER = Provider(
    name=NAME,
    reads=tuple(
        dict.fromkeys(
            (
                "Procfile",
                PACKAGES,
                f"*/{PACKAGES}",
                *LOCKS,
                *node_frontend.FILES,
                *python_versions.READS,
                *python_project.READS,
                *python_django.READS,
                *python_migrations.READS,
                *python_sites.READS,
                *python_code.READS,
            )
        )
    ),
    recognise=_recognise,
    plan=_plan,
    further=_further_files,
)
