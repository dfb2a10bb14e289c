"""The files that the settings of a Django project are made of: a module, and those that it imports."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.python_code import MOST_TEXT, source
from headway.drivers.buildplan.providers.python_readers import spelled_out
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_IMPORTS = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+(\.{0,3}\w[\w.]{0,100}|\.{1,3})(?:[ \t]+import[ \t]+\(?[ \t]*(\w{1,60}|\*))?",
    re.MULTILINE,
)
# What brings in files that the text does not name as a module, or sets what it does not name.
_BRINGS_OTHERS = re.compile(r"split_settings|import_module|__import__|\bexec(?:file)?\(|run_path|from_object")
_SETS_OTHERS = re.compile(r"\b(?:locals|globals|vars)\(\)|\bsetattr\(")
# `if os.getenv("SQLITE", "False") == "True":`, `if env.bool("SQLITE", default=False):`, `if "SQLITE" in os.environ:`
_READ = r"""(?:bool\()?(?:os\.)?(?:getenv|environ\.get|env(?:\.\w{1,20})?|config)\([ \t]*+["']\w{1,60}["']"""
_OTHERWISE = r"""(?:[ \t]*+,[ \t]*+(?:default[ \t]*+=[ \t]*+)?(?:["'](?P<default>[^"'\n]{0,20})["']|False|0|None))?"""
_COMPARED = r"""\)++(?:\.lower\(\))?[ \t]*+(?:==[ \t]*+["'](?P<wanted>[^"'\n]{0,20})["'])?"""
_SWITCHED = re.compile(
    rf"""[ \t]*+if[ \t(]++(?:{_READ}{_OTHERWISE}(?:[ \t]*+,[ \t]*+cast[ \t]*+=[ \t]*+bool)?[ \t]*+{_COMPARED}"""
    r"""|["']\w{1,60}["'][ \t]++in[ \t]++os\.environ)[ \t)]*+:[ \t]*+(?:#.*)?$"""
)
# `USE_S3 = env.bool("USE_S3", False)`, and then `if USE_S3 or USE_S3_FOR_MEDIA:`
_SWITCH = re.compile(
    rf"""^(?P<name>[A-Z]\w{{1,60}})[ \t]*+=[ \t]*+(?P<read>{_READ}{_OTHERWISE}(?:[ \t]*+,[ \t]*+cast"""
    rf"""[ \t]*+=[ \t]*+bool)?[ \t]*+{_COMPARED})[ \t]*+$"""
)
_BY_NAMES = re.compile(r"[ \t]*if[ \t]+([A-Z]\w{1,60}(?:[ \t]+or[ \t]+[A-Z]\w{1,60}){0,4})[ \t]*:[ \t]*$")
_SQLITE = re.compile(r"sqlite|spatialite", re.IGNORECASE)
_MOST_LINES: Final = 60
_OF_SETTINGS: Final = frozenset({"settings", "config", "conf"})
_SKIPPED: Final = ("test", "local", "urls", "wsgi", "asgi")
_BASES: Final = frozenset({"base.py", "common.py", "defaults.py"})  # all that begin with these by whatever way
_MOST_TEXT: Final = 256 << 10  # of all settings: real ones have a tenth of that
_MOST_FILES: Final = 40
_MOST_IMPORTS: Final = 400  # of one of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Their files with their texts, as far as these are read; ``is_whole`` where nothing else can set one of them."""

    texts: tuple[tuple[str, str], ...]
    is_whole: bool


def settings_of(tree: Tree, modules: Iterable[str]) -> Settings:
    """Those of these modules. Of a folder of settings a file that none of them imports is not theirs, unless a text
    brings in others by what is no import.
    """
    paths = [module.replace(".", "/") for module in modules if module]
    names, is_whole = _reached(tree, paths)
    if any(_BRINGS_OTHERS.search(source(tree, name)) for name in names) or not names:
        names = [*names, *(each for path in paths for each in _beside(tree, path))]
        is_whole = False
    bases = [each for path in paths for each in _beside(tree, path) if posixpath.basename(each) in _BASES]
    is_whole = is_whole and {*bases} <= {*names}
    texts, length = list[tuple[str, str]](), 0
    for name in dict.fromkeys((*names, *bases)):
        text = _usual(source(tree, name))
        length += len(text)
        if length > _MOST_TEXT:
            is_whole = False
            break
        texts.append((name, text))
        is_whole = is_whole and len(text) < MOST_TEXT and _SETS_OTHERS.search(text) is None
    spelled = spelled_out([text for _, text in texts])
    texts = [(name, text) for (name, _), text in zip(texts, spelled, strict=True)]
    return Settings(texts=tuple(texts), is_whole=is_whole and bool(texts))


def imported(file: str, text: str) -> Iterator[tuple[str, ...]]:
    """Of each module that a file imports the files that it could be, whether they are there or not."""
    for match in _IMPORTS.finditer(text):
        yield _files(file, match[1], match[2])


def _reached(tree: Tree, paths: Iterable[str]) -> tuple[list[str], bool]:
    """The files that the modules are made of, and whether these are all."""
    begins = dict.fromkeys(name for path in paths for name in _module_files(tree, path))
    found, waiting, is_whole = list[str](), [*begins], True
    known = {*waiting}
    for name in waiting:  # which grows
        if name not in tree.contents or (name not in begins and _is_skipped(name)) or len(found) == _MOST_FILES:
            is_whole = False
            continue
        found.append(name)
        for match in islice(_IMPORTS.finditer(source(tree, name)), _MOST_IMPORTS):
            files = [each for each in _files(name, match[1], match[2]) if each in tree]
            is_all = match[2] == "*"
            is_whole = is_whole and (not is_all or bool(files) or match[1].startswith("."))
            more = [each for each in files if is_all or (_is_of_settings(each) and each in tree.contents)]
            waiting += (each for each in more if each not in known)
            known.update(more)
    return found, is_whole


def _module_files(tree: Tree, path: str) -> Iterator[str]:
    """A module's own file, and that of the package of settings that it is in, which is begun with."""
    yield from (name for name in (f"{path}.py", f"{path}/__init__.py") if name in tree)
    above = posixpath.dirname(path)
    if posixpath.basename(above) in _OF_SETTINGS and f"{above}/__init__.py" in tree:
        yield f"{above}/__init__.py"


def _files(file: str, module: str, what: str | None) -> tuple[str, ...]:
    dots = len(module) - len(module.lstrip("."))
    above = "/".join(file.split("/")[:-dots]) if dots else ""
    path = posixpath.join(above, module.lstrip(".").replace(".", "/")).rstrip("/")
    own = (f"{path}.py", f"{path}/__init__.py") if path else ()
    return (*own, posixpath.join(path, f"{what}.py")) if what and what != "*" else own


def _is_of_settings(name: str) -> bool:
    return bool(_OF_SETTINGS & {*name.split("/")[:-1]}) or "settings" in posixpath.basename(name)


def _is_skipped(name: str) -> bool:
    return any(word in posixpath.basename(name) for word in _SKIPPED)


def _beside(tree: Tree, path: str) -> Iterator[str]:
    """All files of the folder of settings that a module is in."""
    folder = path if f"{path}/__init__.py" in tree else posixpath.dirname(path)
    if folder and (posixpath.basename(folder) in _OF_SETTINGS or folder == path):
        yield from (name for name in tree.matching(f"{folder}/*.py") if name in tree.contents and not _is_skipped(name))


def unconditional(text: str) -> str:
    """The text without what is read only where somebody sets a variable."""
    return _without(text, lambda _, __: True)


def _usual(text: str) -> str:
    """The text without databases of SQLite that are there only where somebody sets a variable, and another without."""
    return _without(text, lambda inner, is_other: is_other and any(_SQLITE.search(line) for line in inner))


def _without(text: str, is_left_out: Callable[[Sequence[str], bool], bool]) -> str:
    """The text without blocks below a condition that holds only where somebody sets a variable: ``is_left_out`` is told
    the lines of one, and whether another one follows that is taken in its place.
    """
    lines, kept, at = text.split("\n"), list[str](), 0
    switches = (match for line in lines if (match := _SWITCH.match(line)) is not None)
    off = {match["name"] for match in switches if not _is_on(f"if {match['read']}:")}
    while at < len(lines):
        kept.append(lines[at])
        named = _BY_NAMES.match(lines[at])
        is_off = {*named[1].split(" or ")} <= off if named else _SWITCHED.match(lines[at]) and not _is_on(lines[at])
        end = _block(lines, at) if is_off else 0
        is_other = end < len(lines) and lines[end].lstrip().startswith(("else:", "elif "))
        at = end if end and is_left_out(lines[at + 1 : end], is_other) else at + 1
    return "\n".join(kept)


def _is_on(line: str) -> bool:
    """Whether a condition that asks for a variable holds where nobody sets that."""
    match = _SWITCHED.match(line)
    default, wanted = (match["default"], match["wanted"]) if match is not None else (None, None)
    return bool(default) if wanted is None else (default or "").lower() == wanted.lower()


def _block(lines: Sequence[str], at: int) -> int:
    """Where the block ends that a line begins."""
    depth = len(lines[at]) - len(lines[at].lstrip())
    for end in range(at + 1, min(len(lines), at + _MOST_LINES)):
        if lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) <= depth:
            return end
    return min(len(lines), at + _MOST_LINES)
