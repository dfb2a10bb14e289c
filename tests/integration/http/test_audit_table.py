"""Every mutation leaves one row in the audit log, with its own commit: driven from the table of all procedures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Row, func, select, text

from headway.core.access.policy import Noun
from headway.infra.db.tables import metadata
from headway.infra.db.tables.access import audit_log
from headway.infra.db.transaction import Tx
from tests.integration.http.access_rows import MUTATION, Place
from tests.integration.http.access_table import TABLE
from tests.integration.http.backup_rows import MANUAL
from tests.integration.http.database_rows import DATABASE_ROWS, NEED_A_RELEASE
from tests.integration.http.notification_rows import FORMS
from tests.integration.http.test_access_table import call, given_to, kept_out, things_of
from tests.integration.http.world import World
from tests.support.panel.permissions import PERMISSIONS

# What cannot succeed while no engine runs, or while an organisation has something. A refusal changes nothing, and
# leaves nothing in the log.
REFUSED = {
    *(MANUAL.keys() - {"backup.manualBackupPostgres", "backup.manualBackupCompose"}),
    *(name for name in DATABASE_ROWS if name.endswith(NEED_A_RELEASE)),
    # What only who has signed in may do, and a key may not.
    *(f"account.{name}" for name in ("beginSecondFactor", "confirmSecondFactor", "newRecoveryCodes")),
    *(f"account.{name}" for name in ("removeSecondFactor", "setPassword", "beginPasskey", "addPasskey")),
    "application.exec",
    "application.reload",
    "application.start",
    "compose.exec",
    "compose.start",
    "deployment.killProcess",
    "docker.restartContainer",
    "bitbucket.testConnection",
    "gitea.testConnection",
    "github.testConnection",
    "gitlab.testConnection",
    "notification.test",
    *(f"notification.test{form}Connection" for form in FORMS),
    "organization.delete",
    "registry.testRegistry",
    "registry.testRegistryById",
}
# What they make or tell is kept nowhere.
ABOUT_NOTHING = {
    "settings.getUpdateData",
    "disk.clean",
    "sshKey.generate",
    "domain.generateDomain",
    "domain.validateDomain",
}
# Nothing is being built here, and nobody sets a status.
CHANGES_NOTHING = {
    *ABOUT_NOTHING,
    *("application.killBuild", "compose.killBuild"),
    *(name for name in DATABASE_ROWS if name.endswith(("changeStatus", "reload"))),
}
MUTATIONS = sorted(name for name, row in TABLE.items() if row.method == MUTATION)


async def rows(world: World) -> list[Row[Any]]:
    """The whole log."""
    return await world.services.db.read(lambda tx: list(tx.execute(select(audit_log).order_by(audit_log.c.seq))))


async def staged(world: World, procedure: str) -> Mapping[str, str]:
    """Things with which the procedure succeeds."""
    things = await things_of(world, procedure=procedure)
    if procedure == "project.remove":
        made = await world.post("project.create", name="empty")
        things["project"] = made["project"]["projectId"]
    if procedure == "environment.remove":
        made = await world.post("environment.create", name="empty", projectId=things["project"])
        things["environment"] = made["environmentId"]
    return things


@pytest.mark.parametrize("procedure", MUTATIONS)
@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_a_mutation_leaves_one_row_and_changes_nothing_without_it(one_world: World, procedure: str) -> None:
    world = one_world
    things = await staged(world, procedure)
    if procedure not in REFUSED | CHANGES_NOTHING:
        await _changes_nothing_without_its_row(world, procedure, things)
    before = len(await rows(world))
    answer = await call(world.owner, procedure, things)
    added = (await rows(world))[before:]
    if procedure in REFUSED:
        assert (answer.status_code, added) == (answer.status_code, []), answer.text
        assert answer.status_code >= 400, "it is not refused any more"
        assert answer.status_code not in kept_out(procedure), "its caller is"
        return
    assert answer.status_code == 200, answer.text
    (row,) = added
    by = ("member", "first key") if procedure == "organization.acceptInvitation" else ("owner", "owner")
    assert (row.procedure, row.user_role, row.api_key_name) == (procedure, *by)
    noun = PERMISSIONS[procedure].noun
    assert row.subject_type == noun.field.removesuffix("Id")
    assert (row.subject_id is None) == (procedure in ABOUT_NOTHING), "the thing is in the input or in what was made"
    given = TABLE[procedure].given.get(noun.field)
    assert given is None or row.subject_id == given_to(procedure, things)[noun.field]
    if TABLE[procedure].place in {Place.SERVICE, Place.PROJECT}:
        assert row.project_id == things["project"]
    elif noun is Noun.PROJECT:
        assert row.project_id == row.subject_id


async def _changes_nothing_without_its_row(world: World, procedure: str, things: Mapping[str, str]) -> None:
    before = await _contents(world)
    await world.services.db.run(lambda tx: tx.execute(text("ALTER TABLE audit_log RENAME TO elsewhere")))
    try:
        answer = await call(world.owner, procedure, things)
    finally:
        await world.services.db.run(lambda tx: tx.execute(text("ALTER TABLE elsewhere RENAME TO audit_log")))
    assert answer.status_code == 500
    assert await _contents(world) == before


async def _contents(world: World) -> Mapping[str, Any]:
    """How many rows each table has, and what changes in rows that stay."""

    def look(tx: Tx) -> dict[str, Any]:
        counts = {table.name: tx.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables}
        kept = ("services", "projects", "environments", "deployments", "members", "grants", "api_keys", "users")
        return counts | {f"{name}.": tx.execute(select(metadata.tables[name])).all() for name in kept}

    return await world.services.db.read(look)
