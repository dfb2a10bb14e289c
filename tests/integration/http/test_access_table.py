"""Every procedure as everybody who may call, from one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

import httpx
import pytest
from sqlalchemy import select

from headway.core.access.model import Role, Scope
from headway.infra.db.tables.edge import domains, logins, own_routings, redirects
from tests.integration.http.access_rows import (
    QUERY,
    Place,
    Row,
)
from tests.integration.http.access_table import TABLE
from tests.integration.http.backup_rows import BACKUP_THINGS, backed_up
from tests.integration.http.callers import CALLERS, PEOPLE_THINGS, Caller, admit_callers, give, key_of
from tests.integration.http.database_rows import databases_of
from tests.integration.http.fronts import attached_to, front_of
from tests.integration.http.hook_rows import delivery_to
from tests.integration.http.notification_rows import NOTIFICATION_THINGS
from tests.integration.http.preview_rows import previews_of
from tests.integration.http.provider_rows import PROVIDER_THINGS
from tests.integration.http.schedule_rows import schedule_of
from tests.integration.http.server_rows import SERVER_THINGS
from tests.integration.http.world import REPOSITORY, World, client_with
from tests.support.panel.permissions import PERMISSIONS
from tests.support.panel.today import today, turn
from tests.support.storages.archives import packed

FRONT = (domains, redirects, logins, own_routings)
LETS_IN, UNKNOWN, FORBIDS, MISSES = 200, 401, 403, 404

NOT_YET = {  # nothing of that kind is there
    *("docker.findInLog", "docker.log", "docker.logLines"),
    *("docker.one", "docker.readOutput", "docker.restartContainer"),
}
FILES = {"deployment.log", "service.log"}  # their answers are no JSON
# Whoever is let in is answered for ever.
ENDLESS = {"deployment.follow", "deployment.followLines", "deployment.followSharedLines"}
DAYS = 8  # in which everybody comes to call all that uses something up
UPLOADS = {"application.dropDeployment", "compose.dropDeployment"}  # calls whose body is a file


@pytest.mark.parametrize("name", CALLERS)
@pytest.mark.slow
async def test_a_caller_gets_what_the_table_says_and_leaves_no_trace_where_it_is_refused(
    world: World, name: str
) -> None:
    """Of what is made anew for each call, as it is used up, everybody calls what has its turn today. That the owner is
    let in to all of it, the table of the audit log shows; `script/prove access_table` has everybody call all.
    """
    turns = turn([each for each in TABLE if _uses_up(each)], DAYS)
    print(f"{today()}: {', '.join(turns)}")
    await gets_what_the_table_says(world, name, turns)


async def gets_what_the_table_says(world: World, name: str, turns: Collection[str]) -> None:
    """Calls every procedure; where it is let in, of those that use something up, these."""
    caller = CALLERS[name]
    members = await admit_callers(world)
    shared = await things_of(world, members.get(caller), caller)
    before = await _all_there_is(world)
    async with client_with(world.app, key_of(caller)) as client:
        for procedure, row in TABLE.items():
            if (status := expected(caller, row)) != LETS_IN:
                answer = await call(client, procedure, shared)
                assert answer.status_code == status, (procedure, answer.text)
                if status == MISSES:
                    assert answer.json()["message"] == f"{row.noun or PERMISSIONS[procedure].noun} not found", procedure
        assert await _all_there_is(world) == before
        for procedure, row in sorted(TABLE.items(), key=lambda each: (each[1].method != QUERY, not _keeps(each[0]))):
            left = procedure in ENDLESS or (_uses_up(procedure) and procedure not in turns)
            if expected(caller, row) == LETS_IN and not left:
                kept = row.method == QUERY or _keeps(procedure)
                things = shared if kept else await things_of(world, members.get(caller), caller, procedure)
                answer = await call(client, procedure, things)
                assert answer.status_code not in kept_out(procedure), (procedure, answer.text)


def kept_out(procedure: str) -> set[int]:
    """What is answered to nobody who is let in."""
    return {UNKNOWN, FORBIDS, 500} | (set() if procedure in NOT_YET else {MISSES})


def _keeps(procedure: str) -> bool:
    """Whether what a procedure is called with is there afterwards, for the next one."""
    return procedure.partition(".")[2].startswith(("create", "generate", "save", "test", "update", "validate"))


def _uses_up(procedure: str) -> bool:
    """Whether things are made for each call, or it tries what is elsewhere, which takes long."""
    return (TABLE[procedure].method != QUERY and not _keeps(procedure)) or ".test" in procedure


def expected(caller: Caller, row: Row) -> int:
    """What the table says that this caller gets."""
    if row.least is Role.GUEST:
        return LETS_IN
    if caller.refused:
        return UNKNOWN
    if caller.role < row.least or (row.scope is not None and caller.scope not in {row.scope, Scope.ADMIN}):
        return FORBIDS
    if row.place in {Place.MINE, Place.HELD, Place.ACCOUNT, Place.TRUSTED}:
        return _expected_of_the_person(caller, row.place)
    whole = row.place in {Place.OWN, Place.ORGANISATION}
    if caller.elsewhere:
        return (FORBIDS if row.least >= Role.ADMIN else LETS_IN) if whole else MISSES
    if caller.foreign:
        return LETS_IN if row.place is Place.OWN else MISSES
    if whole or caller.role >= Role.ADMIN or caller.given == "project":
        return LETS_IN
    return LETS_IN if caller.given == "service" and row.place in {Place.SERVICE, Place.GLIMPSED} else MISSES


def _expected_of_the_person(caller: Caller, place: Place) -> int:
    """Of what is in no project: it is the owner's own, or goes by who the caller is."""
    if place is Place.MINE:
        return MISSES if caller.foreign or caller.elsewhere or caller.role < Role.OWNER else LETS_IN
    if place is Place.HELD:
        if caller.foreign or caller.role is Role.MEMBER:
            return MISSES
        return FORBIDS if caller.elsewhere or caller.role < Role.OWNER else LETS_IN
    return FORBIDS if caller.elsewhere or (place is Place.TRUSTED and caller.foreign) else LETS_IN


async def call(client: httpx.AsyncClient, procedure: str, things: Mapping[str, str]) -> httpx.Response:
    """Calls a procedure as its row says."""
    sent = given_to(procedure, things)
    if TABLE[procedure].method == QUERY:
        return await client.get(f"/{procedure}", params=sent)
    if procedure in UPLOADS:
        return await client.post(f"/{procedure}", data=sent, files={"zip": ("a.tar", packed({"app.py": "print(1)"}))})
    return await client.post(f"/{procedure}", json=sent)


def given_to(procedure: str, things: Mapping[str, str]) -> dict[str, str | bool | int | list[str]]:
    """What the table says is sent, about these things."""
    given = TABLE[procedure].given.items()
    return {
        name: value.format_map(things) if isinstance(value, str) and value.startswith("{") else value
        for name, value in given
    }


async def things_of(
    world: World, member_id: str | None = None, caller: Caller = CALLERS["owner"], procedure: str | None = None
) -> dict[str, str]:
    """New things in the owner's organisation, of which the caller is given what it is to have: those that a procedure
    is called with, or all that there are.
    """
    made = await world.post("project.create", name="bench")
    project_id, environment_id = made["project"]["projectId"], made["environment"]["environmentId"]
    wanted = None if procedure is None else {str(text)[1:-1] for text in TABLE[procedure].given.values()}
    services = await databases_of(world, environment_id, wanted)
    if wanted is None or wanted & OF_AN_APPLICATION:
        where = {"environmentId": environment_id, "customGitUrl": REPOSITORY}
        services["application"] = (await world.post("application.create", name="trivial", **where))["applicationId"]
    if wanted is None or wanted & OF_A_COMPOSE:
        stack = {"environmentId": environment_id, "composeFile": "services: {web: {image: debian}}"}
        services["compose"] = (await world.post("compose.create", name="stack", **stack))["composeId"]
    if member_id is not None:
        await give(world, member_id, caller, project_id, *services.values())
    things = {**services, "project": project_id, "environment": environment_id}
    if "application" in services:
        things |= await _attached(world, services["application"], wanted)
    if "compose" in services:
        things |= await backed_up(world, services["compose"], wanted)
    for names, make in OTHER_THINGS.items():
        if wanted is None or wanted & set(names):
            things.update(zip(names, await make(world), strict=True))
    return things


async def _attached(world: World, application_id: str, wanted: Collection[str] | None) -> dict[str, str]:
    """What an application has, where it is wanted; it has a deployment in any case."""
    things = {"deployment": await world.deploy(application_id)}
    if wanted is None or {"release", "kept"} & set(wanted):
        things |= {"release": await world.release(application_id), "kept": await world.kept(application_id)}
    if wanted is None or {"link", "link_token"} & set(wanted):
        made = await world.post("deployment.createLink", deploymentId=things["deployment"])
        things |= {"link": made["linkId"], "link_token": made["token"]}
    for names, add in OF_IT.items():
        if wanted is None or set(names) & set(wanted):
            things |= await add(world, application_id)
    return things


OF_IT: Mapping[tuple[str, ...], Callable[[World, str], Awaitable[dict[str, str]]]] = {
    ("domain", "redirect", "security", "certificate"): front_of,
    ("mount", "port"): attached_to,
    ("preview", "fork"): previews_of,
    ("schedule",): schedule_of,
    ("delivery",): delivery_to,
}
OF_AN_APPLICATION = {
    *("application", "deployment", "release", "kept", "link", "link_token"),
    *(name for names in OF_IT for name in names),
}
OF_A_COMPOSE = {"compose", "backup", "volume_backup"}
OTHER_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    **BACKUP_THINGS,
    **SERVER_THINGS,
    **NOTIFICATION_THINGS,
    **PROVIDER_THINGS,
    **PEOPLE_THINGS,
}


async def _all_there_is(world: World) -> object:
    lists = ("project.all", "deployment.allCentralized", "sshKey.all", "user.all", "organization.allInvitations")
    edge_services = await world.services.db.read(lambda tx: [tx.execute(select(table)).all() for table in FRONT])
    return [await world.get(each) for each in (*lists, "certificates.all")], edge_services
