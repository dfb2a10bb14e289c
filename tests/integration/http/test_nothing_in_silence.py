"""No write says yes and does nothing: a field that an update or a save takes is read afterwards, or was refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from headway.api.operation import Operation
from headway.operations import bare_registry
from tests.integration.http.access_table import TABLE
from tests.integration.http.test_access_table import things_of
from tests.integration.http.test_ignored_fields import IGNORED
from tests.integration.http.world import World
from tests.support.panel.today import turn

Json = Any
PROCEDURES = {each.name: each for each in bare_registry()}
WRITES = sorted(
    name for name in TABLE if re.search(r"\.(update$|save)", name) and f"{name.partition('.')[0]}.one" in TABLE
)
VALUES: Mapping[str, tuple[Json, Json]] = {
    "string": ("a", "b"),
    "number": (1, 2),
    "boolean": (True, False),
    "array": (["a"], ["b"]),
    "object": ({"a": "b"}, {"a": "c"}),
}
# Of what takes certain words only.
WORDS: Mapping[str, tuple[Json, Json]] = {
    "buildType": ("static", "dockerfile"),
    "triggerType": ("push", "tag"),
    "healthCheckPath": ("/a", "/b"),
}
# A pinned key, where none is pinned.
UNSEEN: Mapping[str, set[str]] = {"server.update": {"forgetHostKey"}}


@pytest.mark.slow
async def test_what_an_update_or_a_save_takes_is_read_afterwards(world: World) -> None:
    todays = turn(WRITES, 4)
    found = {name: await unseen_of(world, name) for name in todays}
    wrong = {f"{name} {field}" for name, fields in found.items() for field in fields ^ UNSEEN.get(name, set())}
    assert wrong == set()


async def unseen_of(world: World, name: str) -> set[str]:
    """The fields that a write takes with one value as with another, and that nobody reads afterwards."""
    things = await things_of(world, procedure=name)
    one = f"{name.partition('.')[0]}.one"
    given = {field: _filled(value, things) for field, value in TABLE[name].given.items()}
    ids = {field: given[field] for field in TABLE[one].given}
    unseen = set[str]()
    for field, values in _fields(PROCEDURES[name], ids):
        seen = []
        for value in values:
            answer = await world.owner.post(f"/{name}", json={**given, field: value})
            if answer.status_code == 200 and field not in answer.headers.get(IGNORED, ""):
                seen.append(await world.get(one, **ids))
        if len(seen) == len(values) and seen[0] == seen[-1]:
            unseen.add(field)
    return unseen


def _fields(procedure: Operation, ids: Mapping[str, Json]) -> Iterator[tuple[str, tuple[Json, Json]]]:
    """Those that say what is to be changed, but for the secret ones, which nobody is shown."""
    secret = secret_fields(procedure)
    for field, expected in procedure.expected.items():
        if field not in ids and field not in secret:
            yield field, WORDS.get(field, VALUES[expected.type])


def secret_fields(procedure: Operation) -> set[str]:
    """Those that nobody is shown afterwards."""
    return {field.alias or name for name, field in procedure.input.model_fields.items() if not field.repr}


def _filled(value: Json, things: Mapping[str, str]) -> Json:
    return things[value[1:-1]] if isinstance(value, str) and value[:1] == "{" else value
