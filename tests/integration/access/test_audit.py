"""The audit log on both databases: a row is there exactly when its mutation is, and holds no secret."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from headway.core.access import store
from headway.core.access.audit import Audit, Entry, forget_old
from headway.core.access.model import Actor, Credential, Role
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import audit_log, organizations
from headway.infra.db.transaction import Tx, companion
from headway.kernel.errors import Conflict
from headway.kernel.events import Events
from tests.support.panel.permissions import permission

KEPT = timedelta(hours=1)
OWNER = Actor(
    user_id="u", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k", "laptop"), name="Ona"
)


async def rows(database: SqlDatabase) -> list[Row[Any]]:
    return await database.read(lambda tx: list(tx.execute(select(audit_log).order_by(audit_log.c.seq))))


def entry(procedure: str = "project.create", **given: object) -> Entry:
    return Entry(OWNER, permission(procedure), given)


async def test_a_row_tells_who_did_what_with_which_key_and_when(database: SqlDatabase) -> None:
    async def work(actor: Actor) -> None:
        assert actor.witness is not None
        actor.witness("project", None)
        await database.run(lambda tx: store.add_organization(tx, "made"))

    await Audit(database, Events()).kept(entry("application.update", applicationId="app", name="shop"), work)
    (row,) = await rows(database)
    assert (row.user_id, row.user_name, row.user_role, row.api_key_id, row.api_key_name) == (
        "u",
        "Ona",
        "owner",
        "k",
        "laptop",
    )
    assert (row.procedure, row.subject_type, row.subject_id, row.subject_name, row.project_id) == (
        "application.update",
        "application",
        "app",
        "shop",
        "project",
    )
    made = await database.read(lambda tx: tx.execute(select(organizations.c.created_at)).scalar_one())
    assert row.created_at == made, "of the same transaction"


async def test_work_that_is_rolled_back_leaves_no_row(database: SqlDatabase) -> None:
    def fail(tx: Tx) -> None:
        store.add_organization(tx, "never")
        raise Conflict("no")

    with pytest.raises(Conflict):
        await Audit(database, Events()).kept(entry(), lambda _actor: database.run(fail))
    assert await rows(database) == []


async def test_several_transactions_of_one_call_leave_one_row(database: SqlDatabase) -> None:
    async def work(_actor: Actor) -> None:
        for number in range(3):
            await database.run(lambda tx, number=number: store.add_organization(tx, str(number)))  # type: ignore[misc]

    await Audit(database, Events()).kept(entry(), work)
    assert len(await rows(database)) == 1


async def test_a_call_that_fails_after_its_first_commit_keeps_its_row(database: SqlDatabase) -> None:
    async def work(_actor: Actor) -> None:
        await database.run(lambda tx: store.add_organization(tx, "made"))
        raise Conflict("later")

    with pytest.raises(Conflict):
        await Audit(database, Events()).kept(entry(), work)
    assert len(await rows(database)) == 1


async def test_a_call_that_writes_nothing_leaves_a_row_and_one_that_repeats_leaves_none(database: SqlDatabase) -> None:
    def repeat(tx: Tx) -> None:
        tx.repeats = True

    await Audit(database, Events()).kept(entry(), lambda _actor: database.run(repeat))
    assert await rows(database) == []
    await Audit(database, Events()).kept(entry("sshKey.generate"), lambda _actor: asyncio.sleep(0))
    assert [row.procedure for row in await rows(database)] == ["sshKey.generate"]


async def test_what_others_write_meanwhile_is_not_taken_for_the_calls_own(database: SqlDatabase) -> None:
    async def work(_actor: Actor) -> None:
        begun.set()
        await over.wait()
        await database.run(lambda tx: store.add_organization(tx, "made"))

    begun, over = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Audit(database, Events()).kept(entry(), work))
        await begun.wait()
        assert companion.get() is None
        await database.run(lambda tx: store.add_organization(tx, "another's"))
        assert await rows(database) == []
        over.set()
    assert len(await rows(database)) == 1


async def test_of_what_may_be_a_secret_only_the_name_is_kept(database: SqlDatabase) -> None:
    given = {
        "env": "PASSWORD=swordfish",
        "privateKey": "swordfish",
        "customGitUrl": "https://u:swordfish@git",
        "name": "n",
    }
    await Audit(database, Events()).kept(entry("application.update", **given), lambda _actor: asyncio.sleep(0))
    (row,) = await rows(database)
    assert "swordfish" not in repr(row)
    assert row.details == {"given": sorted(given), "name": "n"}


async def test_old_rows_are_forgotten(database: SqlDatabase) -> None:
    await Audit(database, Events()).kept(entry(), lambda _actor: asyncio.sleep(0))
    await database.run(lambda tx: forget_old(tx, KEPT))
    assert len(await rows(database)) == 1
    await database.run(lambda tx: forget_old(tx, -KEPT))
    assert await rows(database) == []
