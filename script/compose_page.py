"""docs/compose-keys.md: every key of the Compose Specification, by its own schema, with what is said to it and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.compose.keys import CONDITIONS, READ, UNKNOWN, reason
from script.markdown import NOTE, page, table

SCHEMA = Path(__file__).resolve().parent / "references" / "compose-spec" / "compose-spec.json"
Json = Any


def compose_page() -> str:
    """The page."""
    rows = [(f"`{place}`", *verdict(place)) for place in places(schema())]
    return page(
        NOTE.format(source="src/headway/drivers/runtimes/compose/keys.py and script/references/compose-spec"),
        "# The keys of a compose file",
        """
        Every key of the Compose Specification, as its own schema has them (`*` stands for any name, `[]` for each of a
        list), and what Headway says to it in a file whose compose service was not given the machine
        (`allowHostAccess`). *needs the machine* is refused without that. A key that is not here, and what nobody has
        judged yet, is refused as well; keys that begin with `x-` say nothing. A file is judged as Compose has resolved
        it, so anchors, `extends`, `include`, short spellings and `${NAME}` hide nothing.
        """,
        table(("key", "verdict", "why, or what it may say"), rows),
    )


def schema() -> Json:
    """The schema as it was published."""
    return json.loads(SCHEMA.read_text())


def verdict(place: str) -> tuple[str, str]:
    """What is said to a key, and why."""
    why = reason(place)
    if why is None:
        read = next(
            (text for key, text in READ.items() if place == key or place.startswith((f"{key}.", f"{key}["))), ""
        )
        return "allowed", read or CONDITIONS.get(place, "")
    return "refused" if why == UNKNOWN else "needs the machine", why


def places(told: Json) -> list[str]:
    """Every key that a schema has, by its place."""
    found: set[str] = set()
    definitions = told.get("definitions") or told.get("$defs") or {}
    for place in _places(told, "", definitions, frozenset()):
        found.add(place)
    return sorted(found)


def _places(node: Json, place: str, definitions: Mapping[str, Json], seen: frozenset[str]) -> Iterator[str]:
    named = str(node.get("$ref", "")).rpartition("/")[2]
    if named and named not in seen:
        yield from _places(definitions[named], place, definitions, seen | {named})
    for form in ("oneOf", "anyOf", "allOf"):
        for each in node.get(form) or ():
            yield from _places(each, place, definitions, seen)
    for key, each in (node.get("properties") or {}).items():
        here = f"{place}.{key}".lstrip(".")
        yield here
        yield from _places(each, here, definitions, seen)
    for pattern, each in (node.get("patternProperties") or {}).items():
        if not pattern.startswith("^x-"):
            yield from _places(each, f"{place}.*", definitions, seen)
    if isinstance(more := node.get("additionalProperties"), Mapping):
        yield from _places(more, f"{place}.*", definitions, seen)
    if isinstance(items := node.get("items"), Mapping):
        yield from _places(items, f"{place}[]", definitions, seen)
