"""Python programs that no framework starts: bots, workers, commands of a package, scripts."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import image_ports, image_program
from headway.drivers.buildplan.image_ports import Declared
from headway.drivers.buildplan.image_program import Arguments
from headway.drivers.buildplan.plan import Confidence, Question
from headway.drivers.buildplan.providers import python_address, python_code
from headway.drivers.buildplan.providers.python_frameworks import port_note
from headway.drivers.buildplan.providers.python_project import MANIFESTS, PythonProject, script_block
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

_SCHEDULER = "scheduler"
# What a program that imports these is called; it asks others, and nobody asks it.
_BOTS: Sequence[tuple[str, str]] = (
    ("discord", "Discord bot"),
    ("nextcord", "Discord bot"),
    ("disnake", "Discord bot"),
    ("interactions", "Discord bot"),
    ("hikari", "Discord bot"),
    ("aiogram", "Telegram bot"),
    ("telegram", "Telegram bot"),
    ("telebot", "Telegram bot"),
    ("telethon", "Telegram bot"),
    ("pyrogram", "Telegram bot"),
    ("slack_bolt", "Slack bot"),
    ("twitchio", "Twitch bot"),
    ("nio", "Matrix bot"),
    ("apscheduler", _SCHEDULER),
    ("schedule", _SCHEDULER),
)
# What does work that requests leave, and how a process of it is started where its own files do not tell.
_WORKERS: Mapping[str, str] = {
    "celery": "celery --app MODULE worker",
    "django-rq": "python3 manage.py rqworker default",
    "rq": "rq worker --url $REDIS_URL",
    "django-q2": "python3 manage.py qcluster",
    "django-q": "python3 manage.py qcluster",
    "dramatiq": "dramatiq MODULE",
    "huey": "huey_consumer MODULE.huey",
    "arq": "arq MODULE.WorkerSettings",
}
_CELERY = re.compile(r"^([A-Za-z_]\w*)[ \t]*=[ \t]*(?:celery\.)?Celery\(", re.MULTILINE)
_FIRST = ("main.py", "app.py", "start.py", "run.py", "server.py", "bot.py", "worker.py", "hello.py", "__main__.py")
_RUN = frozenset({"main.py", "app.py", "wsgi.py", "asgi.py", "server.py", "bot.py"})
_SERVER_MODULES = frozenset(
    {
        "flask",
        "fastapi",
        "django",
        "starlette",
        "litestar",
        "quart",
        "sanic",
        "aiohttp",
        "tornado",
        "bottle",
        "falcon",
        "streamlit",
        "gradio",
        "dash",
        "fasthtml",
        "chainlit",
        "panel",
        "nicegui",
        "requests",
        "discord",
        "aiogram",
    }
)
# Modules that have what the others of a program are told.
_CONSTANTS = frozenset({"constants.py", "const.py", "consts.py", "config.py", "cfg.py", "settings.py", "defaults.py"})
_BY_ITSELF = "whose own option or variable leads it to PORT"
_BY_ITS_OPTION = "whose own option leads it to PORT"
_AS_THE_IMAGE = "with what the Dockerfile starts it with"
_PACKAGES: Mapping[str, str] = {"fasthtml": "python-fasthtml", "discord": "discord.py"}


def find_script(tree: Tree, project: PythonProject) -> Start | None:
    """The program that is started; None where nothing says which."""
    return (
        _notebook(tree, project.requires)
        or _of_file(tree)
        or _of_package(tree, project)
        or _celery(tree)
        or _only_script(tree)
    )


def first_script(tree: Tree) -> str | None:
    """The script that a tree without any manifest is started by, if it is started by one."""
    found = next((name for name in _FIRST if name in tree), None)
    if found is None:
        alone = [name for name in tree.matching("*.py") if name not in {"setup.py", "conftest.py", "conf.py"}]
        marked = [name for name in alone if script_block(python_code.source(tree, name)) is not None]
        found = marked[0] if len(marked) == 1 else alone[0] if len(alone) == 1 else None
    return found


def module_to_run(tree: Tree) -> str | None:
    """What a tree without any manifest is started by, where that is a module of a folder."""
    if any(name.count("/") == 1 and posixpath.basename(name) in MANIFESTS for name in tree.names):
        return None  # several projects, of which none is likelier
    found = [name for name in tree.matching("*/__main__.py") if not name.startswith(("tests/", "docs/"))]
    framework = [name for name in python_code.entries(tree) if name.count("/") < 2]
    return found[0] if found else next((name for name in framework if posixpath.basename(name) in _RUN), None)


def bot_of(text: str) -> str:
    """What a program that asks others is called, by what it imports; "" for none and for a scheduler."""
    named = (label for module, label in _BOTS if label != _SCHEDULER and python_code.imports(text, module))
    return next(named, "")


def require_declared(tree: Tree, name: str) -> None:
    """Raises BuildError for a script that imports a known package where nothing says that it is to be installed."""
    text = python_code.source(tree, name)
    missing = sorted(
        module for module in _SERVER_MODULES if python_code.imports(text, module) and not _is_own(tree, module)
    )
    if missing and script_block(text) is None:
        raise BuildError(
            f"{name} imports {' and '.join(missing)}, and no file says what is to be installed. Add a requirements.txt "
            f"with a line such as '{_PACKAGES.get(missing[0], missing[0])}', commit and push it, then deploy again."
        )


def _is_own(tree: Tree, module: str) -> bool:
    return f"{module}.py" in tree or any(name.startswith(f"{module}/") for name in tree.names)


def _of_file(tree: Tree) -> Start | None:
    """A script by a name that says that it is the one; those with a part for when they are run before others."""
    places = [name for name in (*_FIRST, *(f"src/{name}" for name in _FIRST)) if name in tree]
    if not places:
        places = [
            name
            for name in python_code.entries(tree)
            if name.endswith(("/main.py", "/bot.py", "/app.py", "/run.py"))
            and python_code.is_made_to_run(python_code.source(tree, name))
        ]
    return _script(tree, places[0]) if places else None


def _only_script(tree: Tree) -> Start | None:
    name = first_script(tree)
    return _script(tree, name) if name is not None else None


def _script(tree: Tree, name: str) -> Start:
    """A script by its name, or as a module where it is part of a package."""
    place = python_code.place(tree, name)
    module = place.module.removesuffix(".__main__")
    line = place.command(f"python3 -m {module}") if "." in place.module else f"python3 {shlex.quote(name)}"
    return told(tree, name, python_code.source(tree, name), line)


def told(tree: Tree, name: str, text: str, line: str) -> Start:
    """How a program that is run by ``line`` is started, with what leads it to its port."""
    bot = next((label for module, label in _BOTS if python_code.imports(text, module)), "")
    if not bot and not python_code.listens(text):
        bot = next(
            (
                label
                for module, label in _BOTS
                for each in python_code.entries(tree)
                if python_code.imports(python_code.source(tree, each), module)
            ),
            "",
        )
    serves = python_code.listens(text) if bot else python_code.listens(text) or _listens_below(tree, name, text)
    ports = image_ports.declared(tree)
    if bot == _SCHEDULER and (ports.ports or python_address.led(text, line) is not None):
        bot, serves = "", True  # who is told its port serves, whatever is done by the clock beside
    if bot and not python_code.reads_port(text):
        return Start(
            framework=bot, command=line, reason=f"{bot}: {name}, which takes no requests", takes_requests=False
        )
    image = image_program.arguments(tree, (posixpath.basename(name), line.rpartition(" -m ")[2]))
    is_seen = serves or image.is_led
    serves = is_seen or bool(ports.ports)
    command, how = _led(text, line, image, _BY_ITSELF) if serves else (line, "")
    why = (
        name
        if is_seen
        else f"{name}, as {ports.file} declares"
        if serves
        else f"{name}, in which nothing listens for requests"
    )
    is_led = how == _BY_ITSELF or image.is_led
    own = python_address.own_port(text, name) if serves and not is_led else None
    if serves and not is_led and own is None and not _reads_port(tree):
        if (variable := image_program.led_variable(tree)) is not None:
            command, how, is_led = _with_variable(command, *variable), _AS_THE_IMAGE, True
        else:
            own = ports.only or (_constant_port(tree, name, text) if is_seen else None)
    notes = () if is_led or own is not None else port_note(name, text)
    return Start(
        command=command,
        reason=f"{why}, {how}" if how else why,
        takes_requests=serves,
        own_port=own,
        confidence=Confidence.GUESSED,
        notes=notes or _ports_notes(tree, ports, is_told=is_led or own is not None),
    )


def _with_variable(line: str, name: str, value: str) -> str:
    """The command line with a variable that leads to PORT unless somebody sets it."""
    return f'env {name}="${{{name}:-{value}}}" {line}'


def _declared(tree: Tree, ports: Declared) -> tuple[int, str] | None:
    """The only port that is declared for a program of which nothing reads PORT."""
    return None if _reads_port(tree) else ports.only


def _constant_port(tree: Tree, name: str, text: str) -> tuple[int, str] | None:
    """The port that a constant of the program has, or one of the module for such beside it that it imports."""
    modules = [each for each in tree.contents if posixpath.basename(each) in _CONSTANTS and each.count("/") < 2]
    mine = [each for each in modules if python_code.imports(text, each.split("/", maxsplit=1)[0].removesuffix(".py"))]
    sources = {each: python_code.source(tree, each) for each in tree.contents if each.endswith(".py")}
    return python_address.constant_port({each: sources[each] for each in (name, *mine)}, sources.values())


def _ports_notes(tree: Tree, ports: Declared, *, is_told: bool) -> tuple[str, ...]:
    return () if is_told or not ports.ports or _reads_port(tree) else (image_ports.ports_note(ports),)


def _reads_port(tree: Tree) -> bool:
    """Whether something of the application listens where PORT says, as far as its files are known."""
    texts = (python_code.source(tree, name) for name in tree.contents if name.endswith(".py"))
    return image_program.has_port(tree) or any(python_code.reads_port(text) for text in texts)


def _led(text: str, line: str, image: Arguments, by_itself: str) -> tuple[str, str]:
    """The command line of a program with what leads it to PORT and to the folder that stays, and by what; "" where
    nothing does.
    """
    own = python_address.led(text, line)
    if own is not None and not (image.is_led and image.folders):
        is_of_option = own.startswith("env ") or own.removeprefix(line).startswith(" -")
        more = f" {image.line}" if image.folders and is_of_option else ""  # which says where its data is
        return f"{own}{more}", by_itself
    return (f"{line} {image.line}", _AS_THE_IMAGE) if image.line else (line, "")


def _listens_below(tree: Tree, name: str, text: str) -> bool:
    """Whether something listens in a module of the tree that the script imports."""
    for other in python_code.entries(tree):
        module = other.removeprefix("src/").split("/")[0].removesuffix(".py")
        if other != name and python_code.imports(text, module) and python_code.listens(python_code.source(tree, other)):
            return True
    return False


def _of_package(tree: Tree, project: PythonProject) -> Start | None:
    """A command that the package installs, or the package itself where it can be run."""
    scripts = list(project.scripts) if project.is_package else []
    if scripts:
        chosen = next(
            (name for name in ("web", "serve", "server", "start", project.name) if name in scripts), scripts[0]
        )
        question = Question(
            name="start", text="The package installs several commands: which is started?", choices=tuple(scripts[:10])
        )
        is_sure = len(scripts) == 1 or chosen == project.name
        return replace(of_command(tree, project, chosen), questions=() if is_sure else (question,))
    mains = (*tree.matching("*/__main__.py"), *tree.matching("src/*/__main__.py"))
    found = next((name for name in mains if name in tree and not name.startswith(("test", "docs"))), None)
    if found is None:
        return None
    module = found.removeprefix("src/").removesuffix("/__main__.py").replace("/", ".")
    line = (
        f"python3 -m {module}"
        if project.is_package or not found.startswith("src/")
        else python_code.in_folder("src", f"python3 -m {module}")
    )
    return told(tree, found, python_code.source(tree, found), line)


def of_command(tree: Tree, project: PythonProject, name: str) -> Start:
    """How a command that the package installs is started."""
    own = _source_of(tree, project.scripts[name])
    texts = (own, *(python_code.source(tree, each) for each in python_code.entries(tree)))
    image = image_program.arguments(tree, (name,))
    ports = image_ports.declared(tree)
    is_seen = image.is_led or any(python_code.listens(text) for text in texts)
    listens = is_seen or bool(ports.ports)
    command, how = _led(own, name, image, _BY_ITS_OPTION) if listens else (name, "")
    port = _declared(tree, ports) if "$PORT" not in command else None
    why = f"the command {name} in pyproject.toml" + ("" if is_seen or not listens else f", as {ports.file} declares")
    return Start(
        command=command,
        reason=f"{why}, {how}" if how else why,
        takes_requests=listens,
        own_port=port,
        confidence=Confidence.GUESSED,
        notes=_ports_notes(tree, ports, is_told="$PORT" in command or port is not None),
    )


def _source_of(tree: Tree, entry: str) -> str:
    """The text of the module that a command of a package is in."""
    path = entry.partition(":")[0].strip().replace(".", "/")
    places = (f"{above}{path}{end}" for above in ("", "src/") for end in (".py", "/__init__.py"))
    return next((python_code.source(tree, name) for name in places if name in tree.contents), "")


def worker_note(tree: Tree, requires: Requirements) -> str:
    """What is to be said of work beside requests, of which no process is started; "" where there is none."""
    package = requires.first(*_WORKERS)
    if package is None:
        return ""
    celery = _celery(tree) if package == "celery" else None
    line = celery.command if celery is not None else _WORKERS[package]
    return (
        f"{package} is required, and no worker is started: add a Procfile with a line for web and one for worker "
        f"(worker: {line})."
    )


def _celery(tree: Tree) -> Start | None:
    for name in sorted(tree.contents):
        match = _CELERY.search(python_code.source(tree, name)) if name.endswith(".py") and name.count("/") < 3 else None
        if match is not None:
            place = python_code.place(tree, name)
            line = place.command(f"celery --app {place.module} worker --loglevel INFO")
            return Start(
                framework="Celery", command=line, reason=f"Celery: {name} has {match[1]}", takes_requests=False
            )
    return None


def _notebook(tree: Tree, requires: Requirements) -> Start | None:
    notebooks = tree.matching("*.ipynb")
    if not notebooks or python_code.entries(tree):
        return None
    if "voila" in requires:
        what = shlex.quote(notebooks[0]) if len(notebooks) == 1 else "."
        line = f"voila {what} --no-browser --Voila.ip=127.0.0.1 --port=$PORT"
        return Start(framework="Voila", command=line, reason=f"Voila: {notebooks[0]}")
    server = requires.first("jupyterlab", "notebook", "jupyter")
    if server is None:
        return None
    line = f"jupyter {'notebook' if server == 'notebook' else 'lab'} --no-browser --ip=127.0.0.1 --port=$PORT"
    note = "Jupyter asks for the token that it writes to its log; as root it needs --allow-root."
    return Start(framework="Jupyter", command=line, reason=f"Jupyter: {notebooks[0]} and {server}", notes=(note,))
