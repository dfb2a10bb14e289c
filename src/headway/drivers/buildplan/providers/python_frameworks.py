"""Web frameworks whose application is an object that a server is given, or a script that a command of theirs runs."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Confidence, Question
from headway.drivers.buildplan.providers import python_address, python_code
from headway.drivers.buildplan.providers.python_code import Place
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Interface, Served, Start, serve, serve_sockets
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_HOST = "--host 127.0.0.1 --port $PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """``makers`` are the calls whose result is served, of ``module``; ``package`` is its name in an index."""

    name: str
    module: str
    package: str
    makers: tuple[str, ...]
    interface: Interface


def _framework(name: str, interface: Interface, *makers: str, module: str = "", package: str = "") -> Framework:
    module = module or name.lower()
    return Framework(name=name, module=module, package=package or module, makers=makers or (name,), interface=interface)


_FRAMEWORKS: Sequence[Framework] = (
    _framework("FastHTML", Interface.ASGI, "FastHTML", "fast_app", "FastHTMLWithLiveReload", package="python-fasthtml"),
    _framework("FastAPI", Interface.ASGI),
    _framework("Litestar", Interface.ASGI),
    _framework("Quart", Interface.ASGI),
    _framework("BlackSheep", Interface.ASGI, "Application"),
    _framework("Esmerald", Interface.ASGI, "Esmerald", "Gateway"),
    _framework("Connexion", Interface.ASGI, "AsyncApp", "FlaskApp"),
    _framework("APIFlask", Interface.WSGI),
    _framework("Flask-OpenAPI3", Interface.WSGI, "OpenAPI", module="flask_openapi3", package="flask-openapi3"),
    _framework("Flask", Interface.WSGI),
    _framework("Falcon", Interface.ASGI, "App", module="falcon.asgi", package="falcon"),
    _framework("Falcon", Interface.WSGI, "App", "API"),
    _framework("Bottle", Interface.WSGI, "Bottle", "default_app"),
    _framework("Pyramid", Interface.WSGI, "make_wsgi_app"),
    _framework("Starlette", Interface.ASGI),
)

# Frameworks that start a script by a command of their own: name, module, command.
_RUNNERS: Sequence[tuple[str, str, str]] = (
    (
        "Streamlit",
        "streamlit",
        "streamlit run {} --server.address 127.0.0.1 --server.port $PORT --server.headless true",
    ),
    ("Chainlit", "chainlit", f"chainlit run {{}} {_HOST} --headless"),
    ("Marimo", "marimo", f"marimo run {{}} {_HOST} --headless"),
    ("Shiny", "shiny", f"shiny run {_HOST} {{}}"),
    ("Solara", "solara", f"solara run {{}} {_HOST} --production"),
    ("Panel", "panel", "panel serve {} --address 127.0.0.1 --port $PORT --allow-websocket-origin='*'"),
    ("Bokeh", "bokeh", "bokeh serve {} --address 127.0.0.1 --port $PORT --allow-websocket-origin='*'"),
    ("Gradio", "gradio", "env GRADIO_SERVER_NAME=127.0.0.1 GRADIO_SERVER_PORT=$PORT python3 {}"),
)
_SANIC = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=[ \t]*(?:sanic\.)?Sanic\(", re.MULTILINE)
_AIOHTTP = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=[ \t]*(?:aiohttp\.)?web\.Application\(", re.MULTILINE)
_DASH_SERVER = re.compile(r"^([A-Za-z_]\w*)[ \t]*=[ \t]*\w+\.server\b", re.MULTILINE)
_README = "README.md"
_README_RUNS = re.compile(
    r"(?<![\w.-])(?P<module>streamlit|chainlit|marimo|shiny|solara)[ \t]+run[ \t]+(?:--?\w[\w-]{0,40}[ \t]+){0,4}"
    r"(?P<file>[\w.-][\w./-]{0,200}\.py)(?![\w./-])"
)
_EXAMPLES = frozenset({"docs", "doc", "examples", "example", "tests", "test"})
_MOST_NAMED = 20
_TORNADO_PORT = re.compile(r"""define\([ \t]*["']port["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An entry of a framework, and how it is served."""

    file: str
    start: Start
    rank: tuple[int, ...]


def find_framework(tree: Tree, requires: Requirements) -> Start | None:
    """How what is likeliest the application is served; None where no file makes one that is known. Where another entry
    is as likely, it is asked which.
    """
    if "rxconfig.py" in tree:
        raise BuildError(
            "This is a Reflex application, which starts a front end and a back end on two ports and fetches tools of "
            "its own. Headway does not build that natively: deploy it by a Dockerfile, or as an image."
        )
    found = _found(tree, requires)
    first = next(found, None)
    if first is None or first.start.framework in {label for label, _, _ in _RUNNERS}:
        named = next(_named(tree, requires), None)
        if first is None or named is not None:
            return named
    equal = [each for each in found if each.rank == first.rank]
    if not equal:
        return first.start
    choices = tuple(each.start.command for each in (first, *equal))[:10]
    files = " and ".join(each.file for each in (first, *equal)[:10])
    question = Question(name="start", text=f"{files} could each be the application: which is started?", choices=choices)
    return replace(first.start, questions=(question,), confidence=Confidence.GUESSED)


def _found(tree: Tree, requires: Requirements) -> Iterator[_Found]:
    """The entries that are made for servers, then objects by file, then factories."""
    files = python_code.entries(tree)
    named = [name for name in files if posixpath.basename(name) in {"wsgi.py", "asgi.py"} and name.count("/") < 2]
    later: list[_Found] = []
    known = _known(tree, requires)
    for name in dict.fromkeys((*named, *files)):
        text = python_code.source(tree, name)
        start = _of_file(tree, name, text, requires)
        if start is None and known is not None and (name in named or "/" not in name):
            variable = python_code.bound(text, is_for_servers=name in named)
            start = _served(known, tree, name, variable, requires) if variable else None
        if start is not None:
            yield _Found(file=name, start=start, rank=(1 - (name in named), *python_code.rank(name)))
        else:
            later.extend(_factories(tree, name, text, requires))
    yield from later


def _of_file(tree: Tree, name: str, text: str, requires: Requirements) -> Start | None:
    if python_code.imports(text, "dash") and (variable := python_code.assigned(text, ("Dash", "DashProxy"))):
        return _dash(tree, name, text, variable, requires)
    for framework in _FRAMEWORKS:
        if python_code.imports(text, framework.module) and (variable := python_code.assigned(text, framework.makers)):
            return _served(framework, tree, name, variable, requires)
    own = _sanic(tree, name, text) or _aiohttp(tree, name, text, requires) or _tornado(name, text)
    if posixpath.basename(name) == "__init__.py":
        return own  # which is imported, and never run
    return own or next(
        (_run(each, name, text, requires) for each in _RUNNERS if python_code.imports(text, each[1])), None
    )


def _named(tree: Tree, requires: Requirements) -> Iterator[Start]:
    """How the scripts are started that the README has a command of theirs run."""
    for match in islice(_README_RUNS.finditer(tree.text(_README)), _MOST_NAMED):
        name = posixpath.normpath(match["file"])
        runner = next(each for each in _RUNNERS if each[1] == match["module"])
        if name in tree and not _EXAMPLES & {*name.split("/")}:
            start = _run(runner, name, python_code.source(tree, name), requires)
            yield replace(start, reason=f"{runner[0]}: {name}, as {_README} has it")


def _factories(tree: Tree, name: str, text: str, requires: Requirements) -> Iterator[_Found]:
    made = python_code.factory(text)
    framework = next((each for each in _FRAMEWORKS if python_code.imports(text, each.module)), None)
    if made is not None and framework is not None:
        start = _served(framework, tree, name, made, requires, is_factory=True)
        yield _Found(file=name, start=start, rank=(2, *python_code.rank(name)))


def _known(tree: Tree, requires: Requirements) -> Framework | None:
    """The framework of an application whose object is made elsewhere than where it is served."""
    texts = [python_code.source(tree, name) for name in python_code.entries(tree)]
    seen = (each for each in _FRAMEWORKS if any(python_code.imports(text, each.module) for text in texts))
    return next(seen, None) or next((each for each in _FRAMEWORKS if each.package in requires), None)


def _served(
    framework: Framework, tree: Tree, name: str, variable: str, requires: Requirements, *, is_factory: bool = False
) -> Start:
    text = python_code.source(tree, name)
    place = python_code.place(tree, name)
    is_socket = "flask-socketio" in requires and framework.interface is Interface.WSGI
    if is_socket:
        served = serve_sockets(place, variable, requires, is_factory=is_factory)
    else:
        served = serve(framework.interface, place, variable, requires, is_factory=is_factory)
    if served.adds and not is_socket and not is_factory and python_code.runs_itself(text):
        served = Served(command=_run_by_python(place, name), reason="which listens on PORT itself")
    made = f"{name} has {variable}()" if is_factory else f"{name} has {variable}"
    return Start(
        framework=framework.name,
        command=served.command,
        reason=f"{framework.name}: {made}, {served.reason}",
        adds=served.adds,
    )


def _run_by_python(place: Place, name: str) -> str:
    """A script by its name, or as a module where its package is imported by it."""
    return place.command(f"python3 -m {place.module}") if "." in place.module else f"python3 {shlex.quote(name)}"


def _dash(tree: Tree, name: str, text: str, variable: str, requires: Requirements) -> Start:
    server = _DASH_SERVER.search(text)
    if server is None:  # it reads HOST and PORT itself
        return Start(
            framework="Dash",
            command=f"env HOST=127.0.0.1 python3 {shlex.quote(name)}",
            reason=f"Dash: {name} has {variable} and no server for gunicorn",
            own_port=python_address.own_port(text, name),
        )
    served = serve(Interface.WSGI, python_code.place(tree, name), server[1], requires)
    reason = f"Dash: {name} has {server[1]}, {served.reason}"
    return Start(framework="Dash", command=served.command, reason=reason, adds=served.adds)


def _sanic(tree: Tree, name: str, text: str) -> Start | None:
    match = _SANIC.search(text) if python_code.imports(text, "sanic") else None
    if match is None:
        return None
    place = python_code.place(tree, name)
    command = place.command(f"sanic {shlex.quote(f'{place.module}:{match[1]}')} {_HOST} --single-process")
    return Start(framework="Sanic", command=command, reason=f"Sanic: {name} has {match[1]}")


def _aiohttp(tree: Tree, name: str, text: str, requires: Requirements) -> Start | None:
    if not python_code.imports(text, "aiohttp") or "web" not in text:
        return None
    if python_code.reads_port(text) and python_code.is_made_to_run(text):
        reason = f"aiohttp: {name}, which listens on PORT itself"
        return Start(framework="aiohttp", command=f"python3 {shlex.quote(name)}", reason=reason)
    place = python_code.place(tree, name)
    match = _AIOHTTP.search(text)
    if match is not None:
        options = "--worker-class aiohttp.GunicornWebWorker"
        served = serve(Interface.WSGI, place, match[1], Requirements(extras={"gunicorn": frozenset()}), options=options)
        adds = () if "gunicorn" in requires else ("gunicorn",)
        reason = f"aiohttp: {name} has {match[1]}, served by gunicorn with aiohttp's worker"
        return Start(framework="aiohttp", command=served.command, reason=reason, adds=adds)
    if "run_app(" not in text:
        return None
    line = f"python3 {shlex.quote(name)}"
    own = python_address.own_port(text, name)
    notes = port_note(name, text, "8080") if own is None else ()
    return Start(framework="aiohttp", command=line, reason=f"aiohttp: {name}", own_port=own, notes=notes)


def _tornado(name: str, text: str) -> Start | None:
    is_program = python_code.is_made_to_run(text) or "/" not in name
    if not is_program or not python_code.imports(text, "tornado") or ".listen(" not in text:
        return None
    option = " --port=$PORT" if _TORNADO_PORT.search(text) else ""
    own = python_address.own_port(text, name) if not option else None
    return Start(
        framework="Tornado",
        command=f"python3 {shlex.quote(name)}{option}",
        reason=f"Tornado: {name}",
        own_port=own,
        notes=port_note(name, text) if not option and own is None else (),
    )


def _run(runner: tuple[str, str, str], name: str, text: str, requires: Requirements) -> Start:
    label, module, line = runner
    is_required = module in requires or requires.is_local or not requires.files
    told = f"{label}: {name} imports {module}"
    return Start(
        framework=label,
        command=line.format(shlex.quote(name)),
        reason=told if is_required else f"{told}, which is installed for it, since no file requires it",
        adds=() if is_required else (module,),
        own_port=python_address.own_port(text, name) if line.endswith("python3 {}") else None,
    )


def port_note(name: str, text: str, default: str | None = None) -> tuple[str, ...]:
    """What is to be said of a script that listens where it likes, ``default`` where it names no port."""
    port = python_code.own_port(text) or (None if python_code.reads_port(text) else default)
    if port is None:
        return ()
    mend = f"take it from os.environ['PORT'], or tell Headway: headway env set APP PORT={port}"
    return (f"{name} listens on port {port}, whatever PORT says: {mend}",)
