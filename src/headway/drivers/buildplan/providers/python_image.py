"""What the Dockerfile, or the script of the repository that it names, starts of an application in Python."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from headway.drivers.buildplan import image_command, image_program
from headway.drivers.buildplan.image_command import Command
from headway.drivers.buildplan.image_stages import dockerfile
from headway.drivers.buildplan.plan import Confidence
from headway.drivers.buildplan.providers import python_code, python_scripts
from headway.drivers.buildplan.providers.python_code import in_folder
from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_PYTHON = re.compile(r"python(?:3(?:\.\d{1,2})?)?")
# Before the file or the module: those of the interpreter that take a word after them, and those that take none.
_WITH_WORD: Final = frozenset({"-W", "-X"})
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::([A-Za-z_][\w.]{0,80}(?:\([^()]{0,200}\))?))?")
# Of a repository's own tools, which start nothing that serves.
_TOOLS: Final = frozenset({"manage.py", "setup.py", "conftest.py", "tasks.py", "noxfile.py"})
_HOST: Final = "--host 127.0.0.1 --port $PORT"
_RUNS_MODULE = re.compile(r"-[a-zA-Z]{0,5}m")
_DEVELOPERS = re.compile(r"\b(?:app|application|server|web)\.run\(")
_ASIDE: Final = frozenset({"test", "tests", "docs", "doc", "examples"})
_LONGEST_LINE: Final = 200
_BIND: Final = "--bind 127.0.0.1:$PORT"
_WORKERS: Final = ("gevent", "eventlet")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """A program that serves: ``places`` are its options for where it listens, which ``led`` takes the place of;
    ``after`` is the word of it that has them, ``finds`` whether it looks for the application by itself.
    """

    places: frozenset[str]
    led: str
    package: str
    after: str = ""
    finds: bool = False
    runs_file: bool = False


def _server(
    led: str, *places: str, package: str, after: str = "", finds: bool = False, runs_file: bool = False
) -> _Server:
    return _Server(places=frozenset(places), led=led, package=package, after=after, finds=finds, runs_file=runs_file)


_SERVERS: Mapping[str, _Server] = {
    "gunicorn": _server(_BIND, "-b", "--bind", package="gunicorn"),
    "uvicorn": _server(_HOST, "--host", "--port", "--uds", "--fd", package="uvicorn"),
    "hypercorn": _server(_BIND, "-b", "--bind", "--insecure-bind", "--quic-bind", package="hypercorn"),
    "daphne": _server("-b 127.0.0.1 -p $PORT", "-b", "-p", "-u", "-e", "--bind", "--port", package="daphne"),
    "waitress-serve": _server(
        "--listen=127.0.0.1:$PORT", "--listen", "--host", "--port", "--unix-socket", package="waitress"
    ),
    "granian": _server(_HOST, "--host", "--port", "--uds", package="granian"),
    "litestar": _server(_HOST, "-H", "--host", "-p", "--port", "-U", package="litestar", after="run", finds=True),
    "flask": _server(_HOST, "-h", "--host", "-p", "--port", package="flask", after="run", finds=True),
    "fastapi": _server(_HOST, "--host", "--port", package="fastapi-cli", after="run", runs_file=True),
    "sanic": _server(_HOST, "-H", "--host", "-p", "--port", package="sanic"),
    "streamlit": _server(
        "--server.address 127.0.0.1 --server.port $PORT --server.headless true",
        *("--server.address", "--server.port", "--server.headless"),
        package="streamlit",
        after="run",
        runs_file=True,
    ),
    "chainlit": _server(_HOST, "--host", "--port", package="chainlit", after="run", runs_file=True),
}
_OF_MODULES: Mapping[str, str] = {"waitress": "waitress-serve"}
# For who develops it, or for a machine of its own: with no word after them, and with one.
_FLAGS: Final = frozenset({"--reload", "--debug", "--debugger", "-D", "--daemon", "--dev"})
_OPTIONS: Final = frozenset(
    {
        *("--worker-tmp-dir", "--pid", "--user", "--group", "-u", "-g", "--certfile", "--keyfile", "--ssl-certfile"),
        *("--ssl-keyfile", "--ca-certs", "--cert", "--key", "--reload-dir", "--reload-include", "--statsd-host"),
    }
)
_FOLDERS: Final = frozenset({"--chdir", "--pythonpath", "--app-dir"})
_APP_VARIABLES: Mapping[str, str] = {"litestar": "LITESTAR_APP", "flask": "FLASK_APP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStart:
    """How the image starts it, and what of the application that is: the ``module`` (as a path below ``folder``, where
    it is started) and the object in it, "" for a program that is run and where any may be meant; ``file`` is the
    program's; ``is_led`` says that it listens where PORT says, and is not for who develops it.
    """

    start: Start
    folder: str
    module: str
    name: str = ""
    file: str = ""
    is_led: bool = True


def image_start(project: PythonProject) -> ImageStart | None:
    """What the image starts; None where that is nothing in Python, or has no sense here. A server goes before a program
    of the application, which may only prepare that; the last of several is what goes on.
    """
    commands = list(reversed(image_command.commands(project.tree)))
    makes: Sequence[Callable[[PythonProject, Command], ImageStart | None]] = (_of_server, _of_program, _of_package)
    found = (made for make in makes for each in commands if (made := make(project, each)) is not None)
    return next(found, None)


def preferred(tree: Tree, found: Start, image: ImageStart | None) -> Start:
    """How a framework's application is started: as its image starts it, where that is another object or another folder,
    or ours was a guess; what serves for who develops it is none.
    """
    if image is None or not image.is_led:
        return found
    if _DEVELOPERS.search(python_code.source(tree, image.file)):
        return found
    if _is_same(found.command, image) and not found.questions:
        return found
    started = image.start
    return replace(
        found,
        command=started.command,
        reason=f"{found.framework}: {started.reason}",
        adds=started.adds,
        own_port=started.own_port,
        env={**found.env, **started.env},
        confidence=Confidence.SEEN,
        questions=(),
        notes=started.notes,
    )


def refused_line(tree: Tree) -> str:
    """What the image starts, for who is to say how it is started; "" where it starts nothing that is told."""
    found = [each for each in image_command.commands(tree) if each.file == dockerfile(tree)]
    words = [image_program.path_here(tree, word) or word for word in found[-1].words] if found else []
    line = " ".join(shlex.quote(word) for word in words)
    return line if len(line) < _LONGEST_LINE else ""


def _of_server(project: PythonProject, command: Command) -> ImageStart | None:
    tree, words = project.tree, _without_python(command.words)
    name = _OF_MODULES.get(posixpath.basename(words[0]), posixpath.basename(words[0])) if words else ""
    server = _SERVERS.get(name)
    if server is None or (server.after and server.after not in words):
        return None
    at = words.index(server.after) if server.after else 0
    head, rest = (_kept(tree, server, part) for part in (words[1:at], words[at + 1 :]))
    target = _target(project, server, name, command, (*words[1:at], *words[at + 1 :]))
    if head is None or rest is None or target is None:
        return None
    if name == "granian" and not any(word.startswith("--interface") for word in words):
        kind = image_command.variables(tree).get("GRANIAN_INTERFACE", "")
        rest = [*(["--interface", shlex.quote(kind)] if kind else []), *rest]
    before = _environment({**target.env, **command.env})
    line = " ".join((*before, name, *head, *((server.after,) if server.after else ()), server.led, *rest))
    adds = tuple(each for each in (server.package, *_workers(words)) if each not in project.requires)
    said = f", {' and '.join(adds)} {'are' if len(adds) > 1 else 'is'} installed for it" if adds else ""
    start = Start(
        command=in_folder(command.folder, line), reason=f"{target.shown}, as {command.file} starts it{said}", adds=adds
    )
    is_led = server.package != "flask"  # whose own server is one for who develops it
    return ImageStart(start=start, folder=command.folder, module=target.module, name=target.name, is_led=is_led)


def _of_program(project: PythonProject, command: Command) -> ImageStart | None:
    tree, folder = project.tree, command.folder
    words = command.words if command.words[0].endswith(".py") else _without_python(command.words)
    if not words or (words == command.words and not words[0].endswith(".py")):
        return None
    if words[0].endswith(".py"):
        file = image_command.file_of(tree, command, words[0])
        module = posixpath.relpath(file, folder or ".").removesuffix(".py")
        line = f"python3 {shlex.quote(f'{module}.py')}"
    else:
        module = words[0].replace(".", "/")
        places = ((above, end) for above in (folder, f"{folder}/src") for end in (".py", "/__main__.py"))
        found = next(
            (each for each in places if posixpath.join(each[0], f"{module}{each[1]}").lstrip("/") in tree), None
        )
        file = posixpath.join(found[0], f"{module}{found[1]}").lstrip("/") if found else ""
        line = f"python3 -m {words[0]}"
        if found and found[0] != folder and not project.is_package:
            line = in_folder("src", line)
    if file not in tree.contents or posixpath.basename(file) in _TOOLS or _ASIDE & {*file.split("/")}:
        return None
    text = python_code.source(tree, file)
    start = python_scripts.told(tree, file, text, line)
    is_led = "$PORT" in start.command or python_code.reads_port(text) or image_program.has_port(tree)
    line = " ".join((*_environment(command.env), start.command))
    start = replace(start, command=in_folder(folder, line), reason=f"{start.reason}, as {command.file} starts it")
    is_led = is_led and start.takes_requests
    return ImageStart(start=start, folder=folder, module=module, file=file, is_led=is_led)


def _environment(env: Mapping[str, str]) -> tuple[str, ...]:
    """What gives a command variables, without PORT, which is another here."""
    own = [f"{key}={shlex.quote(value)}" for key, value in env.items() if key != "PORT"]
    return ("env", *own) if own else ()


def _of_package(project: PythonProject, command: Command) -> ImageStart | None:
    """A command that the package installs, also where the interpreter is named before it."""
    names = (posixpath.basename(word) for word in command.words[:2])
    name = next((each for each in names if project.is_package and each in project.scripts), None)
    if name is None:
        return None
    start = python_scripts.of_command(project.tree, project, name)
    return ImageStart(start=start, folder="", module=name, is_led="$PORT" in start.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a server is told to serve."""

    module: str
    shown: str
    name: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def _target(
    project: PythonProject, server: _Server, name: str, command: Command, words: Sequence[str]
) -> _Target | None:
    tree = project.tree
    if server.runs_file:
        files = (word for word in words if word.endswith(".py"))
        found = next((word for word in files if image_command.file_of(tree, command, word) in tree), None)
        return _Target(module=found.removesuffix(".py"), shown=found) if found else None
    env = dict[str, str]()
    if server.finds and not {"--app", "-A"} & {word.partition("=")[0] for word in words}:
        variable = _APP_VARIABLES[name]
        own = {**image_command.variables(tree), **command.env}.get(variable, "")
        if not own:
            return None
        env, words = ({} if variable in command.env else {variable: own}), (own,)
    above = [command.folder]
    values = (value for word, value in _with_values(words) if word in _FOLDERS)
    above += [
        posixpath.normpath(posixpath.join(command.folder, image_program.path_here(tree, each) or each))
        for each in values
    ]
    known = [
        match
        for word in words
        if (match := _TARGET.fullmatch(word.rpartition("=")[2])) and _is_module(project, above, match[1])
    ]
    chosen = next((match for match in known if match[2]), known[-1] if known else None)
    if chosen is None:
        return None
    name = (chosen[2] or ("application" if server.package == "gunicorn" else "")).removesuffix("()")
    name = "" if server.finds else name
    return _Target(module=chosen[1].replace(".", "/"), shown=chosen[0], name=name, env=env)


def _is_module(project: PythonProject, above: Sequence[str], module: str) -> bool:
    """Whether the module is there: where the server looks for it, or below src where the project is installed."""
    path = module.replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__init__.py")
    places = (posixpath.normpath(posixpath.join(each, path)) for each in above)
    if any(f"{place}{end}" in project.tree for place in places for end in (".py", "/__init__.py")):
        return True
    return project.is_package and any(name.startswith("src/") and name.endswith(ends) for name in project.tree.names)


def _with_values(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word, after in zip(words, (*words[1:], ""), strict=True):
        option, sign, value = word.partition("=")
        yield option, value if sign else after


def _kept(tree: Tree, server: _Server, words: Sequence[str]) -> list[str] | None:
    """What a server is started with, without where it listens and what has no sense here; None where what is served has
    none.
    """
    kept, skips = list[str](), False
    for place, word in enumerate(words):
        option, sign, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if skips:
            skips = False
        elif option in server.places or option in _OPTIONS:
            skips = not sign
        elif word in _FLAGS or (word[:2] in server.places and word[1:2] != "-"):
            continue
        elif option and not sign:
            kept.append(shlex.quote(word))
        elif (led := _led(tree, value)) is not None:
            kept.append(f"{option}={led}" if option else led)
        elif not option:
            if place == 0 or not words[place - 1].startswith("-") or "=" in words[place - 1]:
                return None
            kept.pop()
    return kept


def _led(tree: Tree, value: str) -> str | None:
    """A value as it has to be here, None where it has no sense."""
    if value.startswith("/"):
        return image_program.path_here(tree, value) or None
    return None if "$" in value else shlex.quote(value)


def _workers(words: Sequence[str]) -> Iterator[str]:
    """The packages that a server's workers need."""
    for option, value in _with_values(words):
        if option in {"-k", "--worker-class"}:
            yield from (each for each in _WORKERS if each == value)
            yield from ("uvicorn",) if value.startswith("uvicorn.") else ()


def _without_python(words: Sequence[str]) -> tuple[str, ...]:
    """The words from the file, or from the module, on that the interpreter is given; all of another program."""
    if _PYTHON.fullmatch(posixpath.basename(words[0])) is None:
        return tuple(words)
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if _RUNS_MODULE.fullmatch(words[at]):
            return tuple(words[at + 1 :]) if _MODULE.fullmatch("".join(words[at + 1 : at + 2])) else ()
        at += 2 if words[at] in _WITH_WORD else 1
    return tuple(words[at:]) if words[at : at + 1] and words[at].endswith(".py") else ()


def _is_same(command: str, image: ImageStart) -> bool:
    """Whether a command of ours serves the same object, or anything of the file that is run, in the same folder."""
    folder, line = "", command
    if match := re.match(r"cd ([\w./-]{1,200}) && (?:exec )?", command):
        folder, line = match[1], command[match.end() :]
    try:
        words = shlex.split(line)
    except ValueError:
        return False
    for word in words:
        module, _, name = word.partition(":")
        module = module.removesuffix(".py") if module.endswith(".py") else module.replace(".", "/")
        is_named = not image.name or name.removesuffix("()") == image.name
        if folder == image.folder and module == image.module and is_named:
            return True
    return False
