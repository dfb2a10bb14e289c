"""No write says yes and does nothing: a field that an update or a save takes is read afterwards, or was refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from headway.api.operation import Operation
from headway.operations import bare_registry
from tests.attacks.test_foreign_ids import KINDS
from tests.integration.http.access_table import TABLE
from tests.integration.http.field_values import keys, shown, tries
from tests.integration.http.test_access_table import given_to, things_of
from tests.integration.http.test_ignored_fields import IGNORED
from tests.integration.http.world import World, as_it_was
from tests.support.panel.today import today, turn

Json = Any
PROCEDURES = {each.name: each for each in bare_registry()}
# The query that lists what is written, where it is known by its id, and the thing it is.
LISTED: Mapping[str, tuple[str, str, str]] = {
    "user.assignPermissions": ("user.all", "userId", "user"),
    "user.updateApiKey": ("user.apiKeys", "id", "api_key"),
}
WRITES = sorted(
    name
    for name in TABLE
    if name in LISTED
    or (re.search(r"\.(update$|save)|notification\.update", name) and f"{name.partition('.')[0]}.one" in TABLE)
)
DAYS = 12  # in which each has its turn
OF_LIBSQL = {"externalGRPCPort", "externalAdminPort", "sqldPrimaryUrl"}
OTHERS = [kind for kind in KINDS if kind != "libsql"]
# What is refused, whatever it holds here, with words that say why.
REFUSED: Mapping[str, set[str]] = {
    **{f"{each}.saveEnvironment": {"envWas"} for each in ("application", "compose", *KINDS)},  # it was another
    **{f"{each}.saveExternalPort": OF_LIBSQL - {"sqldPrimaryUrl"} for each in OTHERS},
    **{f"{each}.update": {"connection", *OF_LIBSQL} for each in OTHERS},  # it runs here, and stays
    "application.update": {"serverId"},  # where it runs is said when it is made
    "certificates.update": {"certificateData"},  # without its key
    "destination.update": {"provider"},  # of a folder
    "domain.update": {"customCertResolver", "middlewares"},  # as of a new one
    "environment.update": {"envWas", "name"},  # it was another, and the name of the first one stays
    "github.update": {"githubAppId", "githubInstallationId"},  # without a private key
    "libsql.update": {"connection"},
    "mounts.update": {"content", "hostPath"},  # of a volume
    "project.update": {"envWas"},
    "registry.update": {"registryUrl"},  # without its password
    "schedule.update": {"composeId", "serverId"},  # what it runs in is said when it is made
    "server.update": {"jumpServerId"},  # itself
    "volumeBackups.update": {f"{each}Id" for each in ("application", *KINDS)},  # as of a schedule
}
# What is taken and not shown.
UNSEEN: Mapping[str, set[str]] = {
    **{f"{each}.update": {"enableNamespaces", "sqldNode"} for each in OTHERS},  # it says what is so of these anyway
    "server.update": {"forgetHostKey"},  # a pinned key, where none is pinned
}


@pytest.mark.slow
async def test_what_an_update_or_a_save_takes_is_read_afterwards(world: World) -> None:
    """A new field that is dropped fails it, and so does one of which nothing is taken, until a table says why."""
    things = {**await things_of(world), **keys()}
    todays = turn(WRITES, DAYS)
    print(f"{today()}: {', '.join(todays)}")
    found = {name: await judged(world, name, things) for name in todays}
    assert found == {name: (REFUSED.get(name, set()), UNSEEN.get(name, set())) for name in todays}


async def judged(world: World, name: str, things: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The fields that are refused whatever they hold, and those that are taken and that nobody reads afterwards."""
    given = given_to(name, things)
    refused, unseen = set[str](), set[str]()
    for field in set(PROCEDURES[name].expected) - _ids(name) - secret_fields(PROCEDURES[name]):
        taken = False
        with as_it_was(world):
            await world.post(name, **given)
            before = await _read(world, name, things)
            for word, value, sent in tries(PROCEDURES[name], field, given, things):
                answer = await world.owner.post(f"/{name}", json=sent)
                if answer.status_code == 200 and field not in answer.headers.get(IGNORED, ""):
                    taken = True
                    after = await _read(world, name, things)
                    if after == before and value not in shown(after, field):
                        unseen.add(word)
                    before = after
        if not taken:
            refused.add(field)
    return refused, unseen


def _ids(name: str) -> set[str]:
    """The fields that say what is written."""
    if name in LISTED:
        thing = LISTED[name][2]
        return {field for field, value in TABLE[name].given.items() if value == f"{{{thing}}}"}
    return set(TABLE[f"{name.partition('.')[0]}.one"].given)


async def _read(world: World, name: str, things: Mapping[str, str]) -> Json:
    """What is written, as it is read."""
    if name in LISTED:
        query, key, thing = LISTED[name]
        (read,) = (each for each in await world.get(query) if each[key] == things[thing])
        return read
    one = f"{name.partition('.')[0]}.one"
    return await world.get(one, **given_to(one, things))


def secret_fields(procedure: Operation) -> set[str]:
    """Those that nobody is shown afterwards."""
    return {field.alias or name for name, field in procedure.input.model_fields.items() if not field.repr}
