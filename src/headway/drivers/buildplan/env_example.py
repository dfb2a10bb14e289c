"""What a repository says of the variables that its application needs: the file of examples beside its README, or in
the folder of the package that is started.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import SECRETS

FILES: Final = (
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    ".env-example",
    ".env-sample",
    ".env.production.example",
    ".env.local.example",
    "example.env",
    "sample.env",
    "env.example",
    "env.sample",
    "env-example",
    ".example.env",
    "config-example.env",
)
# Beside a package of a repository of several; not in all of its folders, of which there may be any number.
_FOLDERS: Final = ("*/", "apps/*/", "packages/*/")
READS: Final = (*FILES, *(f"{folder}{name}" for folder in _FOLDERS for name in FILES))

_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{1,60})[ \t]*=[ \t]*([^\n]*)$", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{\{.*\}\}|x{3,}|\.{3}|\*{3,}|"
    r".{0,200}\b(?:your|change|replace|insert|todo|example|placeholder|sample|any)[\w .-]{0,200}",
    re.IGNORECASE,
)
# What only says that something is to stand there, where others have a value that is meant.
_STANDS_IN = re.compile(
    r"needs?[_ -]to[_ -]be[_ -](?:modified|changed|replaced|set)"
    r"|(?:please[_ -])?change[_ -]?(?:me|this|it)(?:[_ -].*|[!.]*)"
    r"|replace[_ -]?(?:me|this|it)(?:[_ -].*|[!.]*)|(?:put|insert|enter|add)[_ -](?:.*[_ -])?here"
    r"|(?:(?:put|insert|enter|add)[_ -])?your[_-][\w.-]*|your[_ -].*[_ -]here|<[^<>]*>|\.{3}|x{4,}|todo|fixme",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host\.docker\.internal)\b|^[a-z][\w+]{0,20}://(?:[^/@]{0,200}@)?[a-z][\w-]*(?::\d+)?(?:/|$)"
)
_SECRET = re.compile(r"(?:^|_)(?:SECRET|TOKEN|PASSWORD|PASS|API_KEY|PRIVATE_KEY|SECRET_KEY|ACCESS_KEY|APP_KEYS?|SALT)$")
_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,60}")  # of a network that is not here
_SIGNS: Final = ("SESSION_SECRET", "JWT_SECRET")
_SET_HERE: Final = frozenset({"PORT", "HOST", "HOSTNAME", "NODE_ENV", "PUBLIC_URL", "DATA_DIR", "TZ", "DEBUG"})
OF_PACKAGES: Final = frozenset({"node", "bun", "deno"})
_PACKAGE_NAME = re.compile(r"\"name\"\s{0,20}:\s{0,20}\"([^\"\n]{1,200})\"")
_MOST: Final = 8
_LONGEST: Final = 200
_LONGEST_LINE: Final = 4_000


def example(tree: Tree, plan: BuildPlan) -> str | None:
    """The file that has the variables of what is planned."""
    return next((name for name in FILES if name in tree.contents), None) or _of_package(tree, plan)


def example_note(tree: Tree, plan: BuildPlan, known: Collection[str]) -> str:
    """The variables of such a file that somebody has to give a value, beside those that are ``known``; "" where there
    are none.
    """
    file = example(tree, plan)
    names = [] if file is None else [name for name, value in _values(tree, file) if is_open(name, value)]
    return told(f"{file} leaves open", names, known)


def told(head: str, names: Iterable[str], known: Collection[str]) -> str:
    """The sentence for variables that are not ``known`` and need a value, "" for none."""
    names = [name for name in dict.fromkeys(names) if name not in known]
    if not names:
        return ""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return (
        f"{head} {', '.join(names[:_MOST])}{more}: set what is needed (headway env set APP {names[0]}=..., "
        "or all of a file by --env-file of 'headway deploy')."
    )


def stands_in(value: str) -> bool:
    """Whether a value only says that there has to be one."""
    return len(value) <= _LONGEST and _STANDS_IN.fullmatch(value.strip()) is not None


def is_open(name: str, value: str) -> bool:
    """Whether a value is none, stands for another one, or is of a developer's machine or a network of containers."""
    is_elsewhere = _HERE.search(value) or (name.endswith("_HOST") and _SERVICE.fullmatch(value))
    is_none = not value or _PLACEHOLDER.fullmatch(value) or _SECRET.search(name)
    return bool(is_none or is_elsewhere) and name not in _SET_HERE


def _of_package(tree: Tree, plan: BuildPlan) -> str | None:
    """The example in the folder of a package in JavaScript: the one that serves, else the one that is started or built
    by its folder or name, else the only one there is.
    """
    if plan.provider not in OF_PACKAGES:
        return None
    found = [name for name in sorted(tree.contents) if "/" in name and posixpath.basename(name) in FILES]
    found = [name for name in found if f"{posixpath.dirname(name)}/package.json" in tree]
    chosen = next((each.value for each in plan.choices if each.name == "package"), "")
    started = _words(each.command for each in plan.processes)
    built = _words(word for phase in plan.phases for word in (phase.folder, *phase.argv))
    for words in ({chosen}, started, built):
        for name in found:
            folder = posixpath.dirname(name)
            if words & {folder, f"./{folder}", _name(tree, folder)} - {""}:
                return name
    return found[0] if len(found) == 1 else None


def _words(lines: Iterable[str]) -> set[str]:
    return {word.rstrip("/") for line in lines for word in re.split(r"[\s=&|;\"']+", line[:_LONGEST_LINE])}


def _name(tree: Tree, folder: str) -> str:
    """The name of the package in a folder."""
    found = _PACKAGE_NAME.search(tree.text(f"{folder}/package.json")[:_LONGEST_LINE])
    return found[1] if found is not None else ""


def named_secrets(tree: Tree) -> tuple[str, ...]:
    """The variables of such a file that an application signs by, by their names: whatever value one has there is
    everybody's. What is called by its key may be what it has encrypted by, and is left to who has that.
    """
    names = (name for file in FILES if file in tree.contents for name, _ in _values(tree, file))
    return tuple(dict.fromkeys(name for name in names if name in SECRETS and name.startswith(_SIGNS)))


def flask_app(tree: Tree) -> tuple[str, str] | None:
    """The file that such an example names for Flask's own commands, where it is there, and the example."""
    for file in (name for name in FILES if name in tree.contents):
        for name, value in _values(tree, file):
            if name == "FLASK_APP" and value.partition(":")[0] in tree:
                return value, file
    return None


def _values(tree: Tree, file: str) -> Iterator[tuple[str, str]]:
    for name, raw in _LINE.findall(tree.text(file)):
        yield name, _COMMENT.sub("", raw[:_LONGEST]).strip().strip("\"'").strip()
