"""Python: a virtual environment where there are requirements, and a start command where it is sure."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.plan import VENV, Listing, Phase
from headway.drivers.buildplan.tree import parse_toml
from headway.kernel.dataclass import dataclass

FILES = ("requirements.txt", "pyproject.toml", "manage.py", "app.py", "main.py", "wsgi.py", "asgi.py")

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_SETTINGS_MODULE = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([A-Za-z_][\w.]*)["']""")
_PIP_INSTALL = ("-m", "pip", "install", "--no-input", "--progress-bar", "off")
_BIND = "127.0.0.1:$PORT"
_VENV_MAKER = Path(__file__).with_name("venv_maker.py").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonApp:
    """A Python application as far as its files tell: what pip is to install, and the names of what it requires."""

    install: tuple[str, ...] | None
    requires: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The making of the virtual environment, and the installation into it."""
        if self.install is None:
            return ()
        install = Phase(name="install", argv=(f"{{folder}}/{VENV}/bin/python3", *_PIP_INSTALL, *self.install))
        return (make_venv(), install)


def make_venv() -> Phase:
    """Makes a virtual environment of the system's Python at the build path, its final place."""
    return Phase(name="venv", argv=("/usr/bin/python3", "-I", "-c", _VENV_MAKER, VENV))


def recognise(listing: Listing) -> PythonApp | None:
    """The Python application in the listing, None when there is none. Raises BuildError for files that are broken."""
    if not any(name in listing for name in FILES):
        return None
    required = _requirements(listing.text("requirements.txt"))
    if required:
        names = frozenset(_name(line) for line in required if not line.startswith("-"))
        return PythonApp(install=("-r", "requirements.txt"), requires=names)
    project = _project(listing)
    if project is not None:
        return PythonApp(install=(".",), requires=project)
    is_code = any(name in listing for name in FILES if name.endswith(".py")) or "requirements.txt" in listing
    return PythonApp(install=None, requires=frozenset()) if is_code else None


def start_command(app: PythonApp, listing: Listing) -> str | None:
    """How to start it, where the files leave no doubt; None elsewhere. Servers listen on $PORT of the loopback."""
    if "manage.py" in listing:
        settings = _SETTINGS_MODULE.search(listing.text("manage.py"))
        if settings and "gunicorn" in app.requires:
            return f"gunicorn {settings[1].rpartition('.')[0] or settings[1]}.wsgi --bind {_BIND}"
        return None
    for module in ("app", "main", "wsgi", "asgi"):
        text = listing.text(f"{module}.py")
        if "gunicorn" in app.requires and (name := _assigned(text, "Flask")):
            return f"gunicorn {module}:{name} --bind {_BIND}"
        if "uvicorn" in app.requires and (name := _assigned(text, "FastAPI") or _assigned(text, "Starlette")):
            return f"uvicorn {module}:{name} --host 127.0.0.1 --port $PORT"
    return next((f"python3 {name}" for name in ("app.py", "main.py") if name in listing), None)


def _requirements(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _name(requirement: str) -> str:
    """The name that a requirement begins with, as package indexes write it: "Flask[async]>=3" is "flask"."""
    match = _REQUIREMENT.match(requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def _project(listing: Listing) -> frozenset[str] | None:
    """What the project in pyproject.toml requires; None when the file only configures tools."""
    if "pyproject.toml" not in listing:
        return None
    try:
        data = parse_toml(listing.text("pyproject.toml"))
    except tomllib.TOMLDecodeError as error:
        raise BuildError(
            f"The pyproject.toml cannot be read: {error}. Correct it, or add a requirements.txt."
        ) from error
    if "build-system" not in data and "project" not in data:
        return None
    project = data.get("project")
    required = project.get("dependencies") if isinstance(project, dict) else None
    return frozenset(_name(line) for line in required or () if isinstance(line, str))


def _assigned(text: str, factory: str) -> str | None:
    """The name of the module's own variable that an application object is assigned to."""
    match = re.search(rf"^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?{factory}\(", text, re.MULTILINE)
    return match[1] if match else None
