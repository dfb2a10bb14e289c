"""What the source files of a Python application tell about what it serves: read by line, never parsed or run."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

NAMES: Sequence[str] = (
    "main",
    "app",
    "wsgi",
    "asgi",
    "application",
    "server",
    "run",
    "api",
    "start",
    "web",
    "webapp",
    "bot",
    "hello",
    "index",
    "__main__",
    "__init__",
    "factory",
    "streamlit_app",
    "Home",
    "worker",
)
READS: Sequence[str] = (
    "*.py",
    *(f"{folder}/{name}.py" for folder in ("*", "*/*", "src/*/*") for name in NAMES if not name.startswith("_")),
    "*/__init__.py",
    "*/__main__.py",
    "src/*/__init__.py",
    "src/*/__main__.py",
    "*/cli.py",
    "src/*/cli.py",
    "*/config.py",
    "*/constants.py",
    *(f"{folder}/{name}.py" for folder in ("*", "*/*") for name in ("db", "database", "models")),
    "*/db/*.py",
    "*/database/*.py",
    "cogs/*.py",
    "*/cfg.py",
    "*/configs/*.py",
    "*/config/*.py",
    "*/core/config.py",
    "*/settings.py",
    "*/*_settings.py",
    "*/settings_*.py",
    "*/*/settings/*.py",
)

# Of a repository, never of the application itself.
_ASIDE = frozenset(
    {
        "tests",
        "test",
        "testing",
        "docs",
        "doc",
        "examples",
        "example",
        "samples",
        "scripts",
        "script",
        "tools",
        "bin",
        "benchmarks",
        "migrations",
        "alembic",
        "notebooks",
        "node_modules",
        "venv",
        "env",
        "site-packages",
        "build",
        "dist",
        "tutorials",
        "ci",
        "templates",
        "static",
        "frontend",
        "client",
        "deploy",
        "hooks",
        "infra",
        "e2e",
    }
)
_NOT_STARTED = frozenset(
    {
        "setup",
        "conftest",
        "tasks",
        "noxfile",
        "fabfile",
        "config",
        "settings",
        "conf",
        "models",
        "utils",
        "manage",
        "gunicorn.conf",
        "gunicorn_config",
        "gunicorn_conf",
        "test",
        "tests",
        "constants",
        "database",
        "db",
        "forms",
        "pelicanconf",
        "publishconf",
        "versioneer",
        "celeryconfig",
        "locustfile",
        "dodo",
        "helpers",
        "schemas",
    }
)
_MOST_ENTRIES = 40
MOST_TEXT = 128 << 10
_LONGEST_LINE = 400
_ASSIGNED = re.compile(
    r"^([A-Za-z_]\w*)([^=\n]{0,120})=[ \t]*(?:await[ \t]+)?((?:\w+\.)*\w+)(?:\[[^\]\n]{0,80}\])?\(", re.MULTILINE
)
_MAIN = re.compile(r"^if[ \t(]+__name__[ \t]*==", re.MULTILINE)
_READS_PORT = re.compile(
    r"(?:environ(?:\.get)?[ \t]*[\[(]|getenv\(|env(?:\.\w+)?\(|config\()[ \t]*[\"'](?:SERVER_|HTTP_)?PORT[\"']"
    r"|^[ \t]*(?:PORT|port)[ \t]*:[ \t]*int\b[ \t]*(?:=[ \t]*(?:\d|\w*Field\b)|#|$)",
    re.MULTILINE,
)
_LISTENS = re.compile(
    r"\b(?:HTTPServer|TCPServer|socketserver|http\.server|run_app|make_server|create_server|start_server|serve_forever"
    r"|uvicorn|hypercorn|waitress|websockets|grpc|cherrypy|wsgiref|socket\.socket|nicegui|web\.application"
    r"|run\(.{0,80}\bport\b|listen\()"
)
_PORT = re.compile(
    r"\bport[ \t]*=[ \t]*(\d{2,5})\b|\(\(?[ \t]*[\"'][\w.]*[\"'][ \t]*,[ \t]*(\d{4,5})\b|\blisten\([ \t]*(\d{4,5})\b"
)
_FACTORY = re.compile(
    r"^(?:async[ \t]+)?def[ \t]+((?:create|make|build|get|init)_(?:app|application|server|api)|app_factory)"
    r"\(([^)]{0,600})\)",
    re.MULTILINE,
)
_FACTORY_CALL = r"(?:\w+\.)*(?:\w+_app|\w+_application|create|make_app|app_factory|create_\w+)\("
_RELATIVE = re.compile(r"^[ \t]*from[ \t]+\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """A module as it is named to a server that is started in ``folder``."""

    folder: str
    module: str

    def command(self, line: str) -> str:
        """The command line that starts something there."""
        return in_folder(self.folder, line)


def in_folder(folder: str, line: str) -> str:
    """The command line as it is started in a folder below the build path."""
    if not folder:
        return line
    return f"cd {shlex.quote(folder)} && {line if ' && ' in line else f'exec {line}'}"


def entries(tree: Tree) -> tuple[str, ...]:
    """The files that an application could be started by, the likeliest first: by how deep they lie (``src`` does not
    count), then by name.
    """
    found = (name for name in tree.contents if name.endswith(".py") and _is_entry(name))
    return tuple(sorted(found, key=lambda name: (*rank(name), name)))[:_MOST_ENTRIES]


def rank(name: str) -> tuple[int, int]:
    """How likely a file is what is started; equal for those of which none is likelier."""
    stem = posixpath.basename(name).removesuffix(".py")
    depth = name.removeprefix("src/").count("/")
    return depth, NAMES.index(stem) if stem in NAMES else len(NAMES)


def source(tree: Tree, name: str) -> str:
    """A source file's text as far as it is looked at: its beginning, and that of each line."""
    return "\n".join(line[:_LONGEST_LINE] for line in tree.text(name)[:MOST_TEXT].split("\n"))


def imports(text: str, module: str) -> bool:
    """Whether a line imports the module, or something of it."""
    line = rf"^[ \t]*(?:from|import)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*{re.escape(module)}\b"
    return re.search(line, text, re.MULTILINE) is not None


def assigned(text: str, makers: Sequence[str]) -> str | None:
    """The module's own variable that what one of these makes is assigned to: the first of several in one line."""
    for match in _ASSIGNED.finditer(text):
        between = match[2].strip()
        if match[3].rpartition(".")[2] in makers and (not between or between[0] in ",:"):
            return match[1]
    return None


def bound(text: str, *, is_for_servers: bool = False) -> str | None:
    """A variable for servers that is made by a factory, or comes from another module. In a file that is there for
    servers alone it may be called what it likes.
    """
    for name in ("application", "app", "server", "api"):
        if re.search(rf"^{name}[ \t]*(?::[^=\n]+)?=[ \t]*{_FACTORY_CALL}", text, re.MULTILINE):
            return name
        if re.search(
            rf"^from[ \t]+[\w.]++[ \t]++import[ \t]++(?:[\w, ]*[ ,])?(?:\w++[ \t]++as[ \t]++)?{name}\b(?![ \t]+as)",
            text,
            re.MULTILINE,
        ):
            return name
    made = re.search(rf"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=[ \t]*{_FACTORY_CALL}", text, re.MULTILINE)
    return made[1] if made is not None and is_for_servers else None


def factory(text: str) -> str | None:
    """A function that makes the application and can be called with nothing."""
    return next((match[1] for match in _FACTORY.finditer(text) if _is_callable(match[2])), None)


def runs_itself(text: str) -> bool:
    """Whether the file is made to be run, and listens where PORT says."""
    return bool(_MAIN.search(text) and _READS_PORT.search(text))


def is_made_to_run(text: str) -> bool:
    """Whether the file has a part for when it is run."""
    return _MAIN.search(text) is not None


def reads_port(text: str) -> bool:
    """Whether it listens where PORT says."""
    return _READS_PORT.search(text) is not None


def listens(text: str) -> bool:
    """Whether it seems to serve something."""
    return bool(_LISTENS.search(text) or _READS_PORT.search(text))


def own_port(text: str) -> str | None:
    """The port that is written in it, where it does not read PORT."""
    match = None if reads_port(text) else _PORT.search(text)
    return next((group for group in match.groups() if group), None) if match else None


def place(tree: Tree, name: str) -> Place:
    """Where a file is to be started, and under which name: in the folder from which its own imports are found."""
    folder, rest = "", name
    while "/" in rest:
        top, _, below = rest.partition("/")
        if top == "src" and not folder and _is_installed_from_src(tree, below):
            rest = below
            break
        if not _is_started_in(tree, folder, top, name):
            break
        folder, rest = posixpath.join(folder, top), below
    module = rest.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Place(folder, module)


def _is_installed_from_src(tree: Tree, below: str) -> bool:
    """Whether a module below src is found wherever it is started, since its package is installed."""
    project = tree.text("pyproject.toml")
    is_package = "[build-system]" in project and "poetry" not in project
    return is_package and f"src/{below.split('/', maxsplit=1)[0]}/__init__.py" in tree


def _is_started_in(tree: Tree, above: str, top: str, name: str) -> bool:
    """Whether a file below a folder is started in it, rather than as part of a package of that name."""
    here = posixpath.join(above, top)
    inside = [each for each in sorted(tree.contents) if each.startswith(f"{here}/") and each.endswith(".py")]
    if any(imports(source(tree, each), top) for each in inside[:_MOST_ENTRIES]):
        return False
    if top == "src":
        return True
    if f"{here}/__init__.py" in tree or _RELATIVE.search(source(tree, name)):
        return False
    text = source(tree, name)
    return any(imports(text, module) for module in _siblings(tree, here, name))


def _siblings(tree: Tree, folder: str, name: str) -> Iterator[str]:
    """The modules that lie in a folder, the package that the file itself is in among them, but not the file."""
    tops = {each.removeprefix(f"{folder}/").split("/")[0] for each in tree.names if each.startswith(f"{folder}/")}
    for top in sorted(tops - {name.removeprefix(f"{folder}/")}):
        module = top.removesuffix(".py")
        if module.isidentifier() and (top.endswith(".py") or "." not in top):
            yield module


def _is_entry(name: str) -> bool:
    *folders, file = name.split("/")
    stem = file.removesuffix(".py")
    if _ASIDE & set(folders) or any(each.startswith((".", "test_")) for each in folders):
        return False
    if stem in _NOT_STARTED or stem.startswith("test_") or stem.endswith(("_test", "_tests")):
        return False
    return stem in NAMES or not folders or (len(folders) == 1 and folders[0] == "src")


def _is_callable(parameters: str) -> bool:
    parts = [part.strip() for part in re.sub(r"\[[^\]]{0,400}\]", "", parameters).split(",")]
    return all("=" in part or part.startswith("*") or part in {"", "/"} for part in parts)
