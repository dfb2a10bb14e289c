"""What Python packages a project requires: names and extras, out of requirement lines and the files that hold them."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_REQUIREMENT = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[([^\]\n]*)\])?")
_OPTION = re.compile(r"(?:-r|--requirement|-c|--constraint)[ \t=]*(\S+)")
_LOCAL = re.compile(r"(?:-e|--editable)[ \t=]|\.{1,2}(?:/|\\|$|\[)|file:|.*@[ \t]*file:|[\w.-]+/")
_EDITABLE_VCS = re.compile(r"(?:-e|--editable)[ \t=]+[a-z+]+://")
_PIN = re.compile(r"[^;#=]*==[ \t]*(\d+)(?:\.\d+)*[ \t]*(?:[;#\\]|--|$)")
_EGG = re.compile(r"#(?:.{0,400}&)?egg=([A-Za-z0-9._-]+)")
_MOST_FILES = 20

_BRINGS: Mapping[str, frozenset[str]] = {
    "fastapi[standard]": frozenset({"uvicorn", "fastapi-cli"}),
    "fastapi[all]": frozenset({"uvicorn"}),
    "fastapi-cli[standard]": frozenset({"uvicorn"}),
    "fastapi-cli": frozenset({"uvicorn"}),
    "litestar[standard]": frozenset({"uvicorn"}),
    "litestar[full]": frozenset({"uvicorn"}),
    "connexion[uvicorn]": frozenset({"uvicorn"}),
    "channels[daphne]": frozenset({"daphne"}),
    "python-fasthtml": frozenset({"uvicorn", "starlette"}),
    "nicegui": frozenset({"uvicorn", "fastapi"}),
    "gradio": frozenset({"uvicorn", "fastapi"}),
    "chainlit": frozenset({"uvicorn", "fastapi"}),
    "esmerald[standard]": frozenset({"uvicorn"}),
    "quart": frozenset({"hypercorn"}),
    "dash": frozenset({"flask"}),
    "apiflask": frozenset({"flask"}),
    "flask-socketio": frozenset({"flask"}),
    "flask-restful": frozenset({"flask"}),
    "django-channels": frozenset({"channels"}),
    "django-heroku": frozenset({"django", "whitenoise"}),
    "djangorestframework": frozenset({"django"}),
    "wagtail": frozenset({"django"}),
    "mkdocs-material": frozenset({"mkdocs"}),
    "apache-airflow": frozenset({"flask"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What is asked for: extras by the name that package indexes know it by ("Flask[async]>=3" is "flask"), the major
    versions of those that are pinned, the ``files`` that this was read in, and whether something of it lies in the
    repository itself.
    """

    extras: Mapping[str, frozenset[str]] = field(default_factory=dict)
    majors: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    is_local: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.extras

    def __bool__(self) -> bool:
        return bool(self.extras) or self.is_local

    def first(self, *names: str) -> str | None:
        """The first of these packages that is required."""
        return next((name for name in names if name in self.extras), None)


def of_lines(lines: Iterable[str], files: tuple[str, ...] = ()) -> Requirements:
    """The requirements that these lines ask for, with what the packages among them are known to bring along."""
    found: dict[str, frozenset[str]] = {}
    majors: dict[str, int] = {}
    is_local = False
    for line in lines:
        name, extras = _parsed(line)
        if pin := _PIN.match(line[:200]):
            majors[name] = int(pin[1][:9])
        is_local = is_local or bool(_LOCAL.match(line) and not _EDITABLE_VCS.match(line))
        if name:
            found[name] = found.get(name, frozenset()) | extras
    return Requirements(extras=_with_brought(found), majors=majors, files=files, is_local=is_local)


def of_names(names: Mapping[str, Iterable[str]], files: tuple[str, ...], *, is_local: bool = False) -> Requirements:
    """The requirements of a table by name, as Poetry and Pipenv write them."""
    found = {normal(name): frozenset(extras) for name, extras in names.items()}
    return Requirements(extras=_with_brought(found), files=files, is_local=is_local)


def of_file(tree: Tree, name: str) -> Requirements:
    """The requirements of a file of pip, and of those that it refers to."""
    files: list[str] = []
    return of_lines(_lines(tree, name, files), tuple(files))


def referred(tree: Tree) -> Iterator[str]:
    """The files that files of pip include, wherever they lie and whatever they are called."""
    for name in tree.contents:
        if "requirements" in name and name.endswith((".txt", ".in", ".pip")):
            files: list[str] = []
            _lines(tree, name, files)
            yield from files


def normal(name: str) -> str:
    """A package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def text_of(tree: Tree, name: str) -> str:
    """A file's text, also where Windows wrote it in UTF-16, as its shell does."""
    data = tree.contents.get(name, b"")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    return tree.text(name)


def _lines(tree: Tree, name: str, files: list[str]) -> list[str]:
    """The lines of a requirements file without comments, those of the files it includes in their place."""
    if name in files or name not in tree or len(files) >= _MOST_FILES:
        return []
    files.append(name)
    found: list[str] = []
    for raw in text_of(tree, name).replace("\\\n", " ").splitlines():
        line = re.split(r"(?:^|[ \t])#", raw, maxsplit=1)[0].strip()
        option = _OPTION.match(line)
        if option is not None:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), option[1]))
            lines = _lines(tree, other, files)
            found.extend(lines if line.startswith(("-r", "--requirement")) else [])
        elif line:
            found.append(line)
    return found


def _parsed(line: str) -> tuple[str, frozenset[str]]:
    egg = _EGG.search(line)
    if egg is not None:
        return normal(egg[1]), frozenset()
    if line.startswith("-") or _LOCAL.match(line):
        return "", frozenset()
    match = _REQUIREMENT.match(line)
    if match is None or line[match.end() :].lstrip().startswith(("://", "+")):
        return "", frozenset()
    return normal(match[1]), frozenset(extra.strip().lower() for extra in (match[2] or "").split(",") if extra.strip())


def _with_brought(found: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    brought = dict(found)
    for name, extras in found.items():
        for key in (name, *(f"{name}[{extra}]" for extra in extras)):
            for other in _BRINGS.get(key, frozenset()):
                brought.setdefault(other, frozenset())
    return dict(sorted(brought.items()))
