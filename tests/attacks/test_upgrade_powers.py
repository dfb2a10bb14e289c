"""What reached the machine before anybody wrote down who allowed it goes on, is listed, and is refused when changed."""

from __future__ import annotations

import shutil
from asyncio import to_thread
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, update

from headway import surveys
from headway.core.access.allowances import refusal
from headway.core.access.machine import Need, Power
from headway.core.access.survey import Line
from headway.core.deployments.model import SubjectType
from headway.features.edge import domains_store
from headway.features.edge.domains_model import Domain, DomainRequest
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.infra.db.tables.access import machine_allowances, organizations
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.settings import Facts, Settings
from headway.upkeep import look_ahead
from tests.integration.http.world import World, open_world
from tests.support.certificates.certificates import certificate_for

BIND = Need(power=Power.BIND, value="/srv")
A_BIND = {"type": "bind", "hostPath": "/srv", "mountPath": "/srv"}


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def bound(world: World, client: httpx.AsyncClient, name: str) -> str:
    """An application with a bind mount, in an organisation of the client's."""
    place = (await client.post("/project.create", json={"name": f"of {name}"})).json()["environment"]
    made = await client.post("/application.create", json={"name": name, "environmentId": place["environmentId"]})
    application_id: str = made.json()["applicationId"]
    answer = await client.post("/mounts.create", json={"serviceId": application_id, **A_BIND})
    assert answer.status_code == 200, answer.text
    return application_id


async def before_the_upgrade(world: World) -> tuple[str, str, str]:
    """(an application of the first organisation, one of another, that organisation), as earlier versions had them."""
    rows = await world.get("organization.machine")
    other = next(each["organizationId"] for each in rows if not each["owns"])
    await world.post("organization.grantMachine", organizationId=other)
    first, second = await bound(world, world.owner, "ours"), await bound(world, world.stranger, "theirs")
    await world.post("organization.withdrawMachine", organizationId=other)

    def forget(tx: Tx) -> None:
        tx.execute(delete(machine_allowances))
        tx.execute(update(organizations).values(owns_machine=False))

    await world.services.db.run(forget)
    return first, second, other


async def test_what_was_there_goes_on_and_is_told_of_at_the_first_start_alone(world: World) -> None:
    first, second, other = await before_the_upgrade(world)
    vault, db, settings = world.platform.data_dir.vault, world.services.db, world.platform.base.settings

    told = await db.run(lambda tx: surveys.begin(tx, vault, settings))

    assert {each.sentence: each.refused for each in told if not is_of_people(each)} == {
        f"application ours ({first}): A bind mount of /srv was set by somebody who is not known, and counts as "
        "allowed.": False,
        f"application theirs ({second}): A bind mount of /srv reaches the machine, which this organisation was not "
        "given: it goes on as it is, and is refused when it is changed next.": True,
    }
    assert await db.run(lambda tx: surveys.begin(tx, vault, settings)) == []
    assert await db.read(lambda tx: refusal(tx, other, second, [BIND])) is None
    lines = await db.read(lambda tx: list(surveys.lines(tx, vault, settings)))
    assert [each.refused for each in lines if not is_of_people(each)] == [False, True]

    mounted = (await world.stranger.get("/application.one", params={"applicationId": second})).json()["mounts"]
    mount = mounted[0]["mountId"]
    changed = {"mountId": mount, "type": "bind", "hostPath": "/srv/else", "mountPath": "/srv"}
    assert (await world.stranger.post("/mounts.update", json=changed)).status_code == 403
    answer = await world.stranger.post("/application.update", json={"applicationId": second, "memoryLimit": "512M"})
    assert answer.status_code == 200, "what is about something else is changed as before"

    await world.post("organization.withdrawMachine", organizationId=other)  # which ends what was so before, too
    assert await db.read(lambda tx: refusal(tx, other, second, [BIND], serving=True)) is not None


async def test_it_is_listed_before_the_upgrade_from_the_schema_that_there_is(world: World) -> None:
    first, second, _ = await before_the_upgrade(world)
    folder = world.platform.data_dir.path
    pem, key = certificate_for("ours.example", addresses=["203.0.113.7"])
    await world.post("certificates.create", name="ours", certificateData=pem, privateKey=key)

    def as_it_was(tx: Tx) -> None:
        for statement in (
            "DROP TABLE machine_grants",
            "DROP TABLE machine_allowances",
            "DROP INDEX uq_organizations_one_owns_machine",
            "ALTER TABLE organizations DROP COLUMN owns_machine",
            "CREATE TABLE applications AS SELECT *, service_id AS application_id FROM services WHERE kind <> 'compose'",
            "CREATE TABLE composes AS SELECT *, service_id AS compose_id FROM services WHERE kind = 'compose'",
            "CREATE TABLE compose_releases AS SELECT *, service_id AS compose_id FROM releases WHERE false",
            "ALTER TABLE releases RENAME COLUMN service_id TO application_id",
            "ALTER TABLE releases RENAME COLUMN record TO spec",
            "ALTER TABLE applications DROP COLUMN host_name",
            "ALTER TABLE services RENAME TO services_later",
        ):
            tx.connection.exec_driver_sql(statement)

    await world.services.db.run(as_it_was)
    facts = Facts(is_root=True, home=folder, cwd=folder, cores=2, memory_bytes=8 << 30)

    def looked() -> list[tuple[str, bool]]:
        found = look_ahead(Settings.from_env({}, facts, data_dir=folder))
        return [(each.what, each.refused) for each in found.left if not is_of_people(each)]

    assert await to_thread(looked) == [
        (f"application ours ({first})", False),
        (f"application theirs ({second})", True),
    ]


async def test_names_and_watch_paths_that_are_taken_no_more_are_listed(world: World) -> None:
    vault, db, settings = world.platform.data_dir.vault, world.services.db, world.platform.base.settings
    project = (await world.post("project.create", name="names"))["environment"]["environmentId"]
    made = (await world.post("application.create", name="names", environmentId=project))["applicationId"]
    theirs = await unbound(world, world.stranger, "theirs")
    await world.post("domain.create", applicationId=made, host="panel.example.org")
    deep = "a/**/b/**/c/**/d"

    def as_it_was(tx: Tx) -> None:
        application = store.find(tx, made, vault)
        watched = replace(application.settings, hooks=replace(application.settings.hooks, watch_paths=(deep,)))
        services_store.set_fields(tx, made, settings=services_store.kept(watched, vault), description="d" * 1_025)
        stranger = store.find(tx, theirs, vault)
        wish = DomainRequest(host="localhost", path="/theirs")
        domains_store.put(
            tx,
            Domain(
                domain_id=new_id(),
                organization_id=stranger.organization_id,
                subject_type=SubjectType.APPLICATION,
                subject_id=theirs,
                wish=wish,
                created_at=tx.now,
            ),
        )

    await db.run(as_it_was)
    given = replace(settings, public_url="https://panel.example.org")
    found = await db.read(lambda tx: list(surveys.lines(tx, vault, given)))
    assert {(each.what, each.setting, each.refused) for each in found if not is_of_people(each)} == {
        (f"domain panel.example.org/ of application {made}", "its host", False),
        (f"domain localhost/theirs of application {theirs}", "its host", True),
        (f"application names ({made})", "its watch paths", True),
        (f"application names ({made})", "its description", True),
    }
    assert "more than 2 times **" in next(each.sentence for each in found if each.setting == "its watch paths")


async def unbound(world: World, client: httpx.AsyncClient, name: str) -> str:
    """An application in an organisation of the client's."""
    place = (await client.post("/project.create", json={"name": f"of {name}"})).json()["environment"]
    made = await client.post("/application.create", json={"name": name, "environmentId": place["environmentId"]})
    return str(made.json()["applicationId"])


def is_of_people(line: Line) -> bool:
    """Whether it tells of keys or members, which the attacks on secrets are about."""
    return line.setting == "values of variables"
