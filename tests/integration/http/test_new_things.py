"""No write says yes and does nothing: what is made has all that was given for it, or that was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.attacks.test_foreign_ids import KINDS
from tests.integration.http.access_table import TABLE
from tests.integration.http.field_values import keys, shown, tries
from tests.integration.http.test_access_table import given_to, things_of
from tests.integration.http.test_ignored_fields import IGNORED
from tests.integration.http.test_nothing_in_silence import PROCEDURES, secret_fields
from tests.integration.http.world import World, as_it_was
from tests.support.panel.today import today, turn

Json = Any
MAKERS = sorted(name for name in TABLE if ".create" in name)
DAYS = 10  # in which each has its turn
# What is made, where no `one` beside it shows it: the list of the application that has it, with the thing it is.
WITHIN_APPLICATION = {
    "port.create": ("ports", "port"),
    "redirects.create": ("redirects", "redirect"),
    "security.create": ("security", "security"),
}
# The query that lists it, of which thing, and where it is known by its id.
LISTED: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "deployment.createLink": ("deployment.links", {"deploymentId": "deployment"}, "linkId"),
    "organization.create": ("organization.all", {}, "id"),
    "user.createApiKey": ("user.apiKeys", {}, "id"),
}
# What is shown as something else than it was sent.
OTHERWISE: Mapping[str, Callable[[Json, Json], bool]] = {
    "appName": lambda read, value: read["appName"].startswith(f"{value}-"),  # that it is nobody else's
    "application.create build": lambda read, value: value.items() <= read["build"].items(),
    "deployment.createLink expiresIn": lambda read, value: _seconds(read["createdAt"], read["endsAt"]) == value,
    "githubAppId": lambda read, value: str(read["githubAppId"]) == value,
    "mounts.create serviceId": lambda read, value: read["applicationId"] == value,
    "user.createApiKey expiresIn": lambda read, value: _seconds(read["createdAt"], read["expiresAt"]) == value,
}
# What is refused, whatever it holds, with words that say why.
REFUSED: Mapping[str, set[str]] = {
    **{
        f"{kind}.create": {"externalGRPCPort", "externalAdminPort", "sqldPrimaryUrl"}  # of libsql alone
        for kind in KINDS
        if kind != "libsql"
    },
    "backup.create": {"userId"},  # another's than the caller's
    "certificates.create": {"serverId"},  # they lie at this machine's edge
    "domain.create": {
        "customCertResolver",  # for HTTPS, which the panel of the test has not
        "middlewares",  # which have operations of their own
        "previewDeploymentId",  # whose names are made for it
    },
    "user.createApiKey": {"remaining", "refillAmount", "refillInterval"},  # bounds that no key has
}
# What is taken and not shown, for it says only what is so of any but libsql; what would say more is refused.
UNSEEN: Mapping[str, set[str]] = {
    f"{kind}.create": {"sqldNode", "enableNamespaces"} for kind in KINDS if kind != "libsql"
}


@pytest.mark.slow
async def test_what_is_given_for_something_new_is_read_of_it_afterwards(world: World) -> None:
    """A new field that is dropped fails it, and so does one of which nothing is taken, until a table says why."""
    things = {**await things_of(world), **keys()}
    todays = turn(MAKERS, DAYS)
    print(f"{today()}: {', '.join(todays)}")
    found = {name: await judged(world, name, things) for name in todays}
    assert found == {name: (REFUSED.get(name, set()), UNSEEN.get(name, set())) for name in todays}


async def judged(world: World, name: str, things: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The fields that are refused whatever they hold, and those that are taken and that nobody reads afterwards."""
    refused, unseen = set[str](), set[str]()
    for field in set(PROCEDURES[name].expected) - secret_fields(PROCEDURES[name]):
        taken = False
        for word, value, sent in tries(PROCEDURES[name], field, given_to(name, things), things):
            with as_it_was(world):
                answer = await world.owner.post(f"/{name}", json=sent)
                if answer.status_code == 200 and field not in answer.headers.get(IGNORED, ""):
                    taken = True
                    if not _shows(await _read(world, name, answer.json(), things), f"{name} {field}", value):
                        unseen.add(word)
        if not taken:
            refused.add(field)
    return refused, unseen


def _shows(read: Json, place: str, value: Json) -> bool:
    field = place.rpartition(" ")[2]
    otherwise = OTHERWISE.get(place) or OTHERWISE.get(field)
    return otherwise(read, value) if otherwise else value in shown(read, field)


async def _read(world: World, name: str, made: Json, things: Mapping[str, str]) -> Json:
    """What was made, as it is read."""
    if name in WITHIN_APPLICATION:
        listed, thing = WITHIN_APPLICATION[name]
        application = await world.get("application.one", applicationId=things["application"])
        (new,) = (each for each in application[listed] if each[f"{thing}Id"] != things[thing])
        return new
    if name in LISTED:
        query, of, key = LISTED[name]
        found = await world.get(query, **{field: things[thing] for field, thing in of.items()})
        (new,) = (each for each in (found["links"] if query == "deployment.links" else found) if each[key] == made[key])
        return new
    made = made["project"] if name == "project.create" else made
    one = f"{name.partition('.')[0]}.one"
    return await world.get(one, **{field: made[field] for field in TABLE[one].given})


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
