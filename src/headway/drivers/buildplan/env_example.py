"""What a repository says of the variables that its application needs: the file of examples beside its README."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

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
)

_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{1,60})[ \t]*=[ \t]*([^\n]*)$", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{\{.*\}\}|x{3,}|\.{3}|"
    r".*\b(?:your|change|replace|insert|todo|example|placeholder|sample|any)[\w .-]*",
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
_SIGNS: Final = ("SESSION_SECRET", "JWT_SECRET")
_SET_HERE: Final = frozenset({"PORT", "HOST", "HOSTNAME", "NODE_ENV", "PUBLIC_URL", "DATA_DIR", "TZ", "DEBUG"})
_MOST: Final = 8
_LONGEST: Final = 200


def example_note(tree: Tree, known: Collection[str]) -> str:
    """The variables of such a file that somebody has to give a value, beside those that are ``known``; "" where there
    are none.
    """
    file = next((name for name in FILES if name in tree.contents), None)
    names = [] if file is None else [each for each in dict.fromkeys(_open(tree.text(file))) if each not in known]
    if not names:
        return ""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return (
        f"{file} leaves open {', '.join(names[:_MOST])}{more}: set what is needed (headway env set APP {names[0]}=..., "
        "or all of a file by --env-file of 'headway deploy')."
    )


def stands_in(value: str) -> bool:
    """Whether a value only says that there has to be one."""
    return len(value) <= _LONGEST and _STANDS_IN.fullmatch(value.strip()) is not None


def named_secrets(tree: Tree) -> tuple[str, ...]:
    """The variables of such a file that an application signs by, by their names: whatever value one has there is
    everybody's. What is called by its key may be what it has encrypted by, and is left to who has that.
    """
    names = (name for file in FILES if file in tree.contents for name, _ in _LINE.findall(tree.text(file)))
    return tuple(dict.fromkeys(name for name in names if name in SECRETS and name.startswith(_SIGNS)))


def flask_app(tree: Tree) -> tuple[str, str] | None:
    """The file that such an example names for Flask's own commands, where it is there, and the example."""
    for file in (name for name in FILES if name in tree.contents):
        for name, raw in _LINE.findall(tree.text(file)):
            value = raw[:_LONGEST].strip().strip("\"'")
            if name == "FLASK_APP" and value.partition(":")[0] in tree:
                return value, file
    return None


def _open(text: str) -> Iterator[str]:
    """The names without a value, with one that stands for another, or with one that is of a developer's machine."""
    for name, raw in _LINE.findall(text):
        value = _COMMENT.sub("", raw[:_LONGEST]).strip().strip("\"'").strip()
        is_open = not value or _PLACEHOLDER.fullmatch(value) or _HERE.search(value) or _SECRET.search(name)
        if is_open and name not in _SET_HERE:
            yield name
