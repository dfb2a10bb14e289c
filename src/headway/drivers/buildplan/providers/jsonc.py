"""JSON as people write it by hand: with comments, commas too many, single quotes and names without any."""

from __future__ import annotations

import json
import re
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.tree import Tree

# Each ends with the text at the latest: what has no end would be looked for again from every beginning.
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))"""
    r"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?<![\w$])(?P<name>[A-Za-z_$][\w$]*+)(?P<gap>\s*+)(?=:)",
    re.DOTALL,
)
_TRAILING = re.compile(r',(?=\s*[}\]])|("(?:[^"\\]|\\.)*(?:"|\Z))', re.DOTALL)


def parse_jsonc(tree: Tree, name: str) -> dict[str, Any]:
    """The object in such a file; empty where there is no such file. Raises BuildError for one that holds none."""
    if name not in tree.contents:
        return {}
    plain = _TOKEN.sub(_strict, tree.whole(name))
    try:
        found = json.loads(_TRAILING.sub(lambda match: match[1] or "", plain))
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{name} cannot be read: {str(error)[:300]}. Correct it and commit it.") from error
    if not isinstance(found, dict):
        raise BuildError(f"{name} holds no object. Correct it and commit it.")
    return found


def without_comments(source: str) -> str:
    """The text of a program in JavaScript without its comments; its strings stay, also those with slashes in them."""
    return _SOURCE.sub(lambda match: match[1] or " ", source)


_SOURCE = re.compile(
    r"""("(?:[^"\\\n]|\\.)*["\n]?|'(?:[^'\\\n]|\\.)*['\n]?|`(?:[^`\\]|\\.)*`?)|//[^\n]*|/\*.*?(?:\*/|\Z)""",
    re.DOTALL,
)


def _strict(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return " "
    if match["name"] is not None:
        return f'"{match["name"]}"{match["gap"]}'
    text = match["string"]
    return text if text[0] == '"' else json.dumps(text[1:-1].replace("\\'", "'"))
