"""No id of somebody else's is taken, in whatever field it is sent; every field that can carry one is tried."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from headway.core.access import store
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.faces.http.procedures import all_procedures
from headway.faces.http.registry import Procedure
from headway.infra.db.tables.base import metadata
from headway.infra.db.transaction import Tx
from tests.integration.http.access_rows import QUERY
from tests.integration.http.test_access_table import ENDLESS, TABLE, UPLOADS, given_to, things_of
from tests.integration.http.world import World, add_person, client_with, open_world

ID_LIKE = re.compile(r"Ids?$|^id$|^accessed|^projects$|^selectedServices$")
KINDS = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")
FORGES = ("github", "gitlab", "gitea", "bitbucket")
# Which thing a field names. One that is in none of these fails the first test.
NAMES: Mapping[str, str] = {
    **{f"{each}Id": each for each in (*KINDS, *FORGES)},
    **{f"{each}Id": each for each in ("application", "compose", "project", "environment", "backup", "destination")},
    **{f"{each}Id": each for each in ("certificate", "delivery", "deployment", "domain", "invitation", "member")},
    **{f"{each}Id": each for each in ("mount", "notice", "notification", "organization", "port", "redirect", "user")},
    **{f"{each}Id": each for each in ("registry", "release", "schedule", "security", "server")},
    "accessedProjects": "project",
    "accessedServices": "application",
    "apiKeyId": "api_key",
    "buildRegistryId": "registry",
    "buildServerId": "server",
    "customGitSSHKeyId": "ssh_key",
    "gitProviderId": "github",
    "id": "application",
    "jumpServerId": "server",
    "previewDeploymentId": "preview",
    "projectIds": "project",
    "projects": "project",
    "registryIds": "registry",
    "rollbackId": "kept",
    "rollbackRegistryId": "registry",
    "serviceId": "application",
    "serviceIds": "application",
    "sourceEnvironmentId": "environment",
    "sshKeyId": "ssh_key",
    "targetEnvironmentId": "environment",
    "volumeBackupId": "volume_backup",
}
MANY = re.compile(r"Ids$|^accessed|^projects$")
HIDDEN = {"application": ("buildRegistryId", "rollbackRegistryId")}  # which are kept as they come
NO_IDS = {
    *("chatId", "githubAppId", "githubInstallationId", "gitlabProjectId", "messageThreadId"),  # other systems' own
    *("accessedEnvironments", "accessedGitProviders", "accessedServers"),  # kept for clients; they decide nothing
    *("containerId", "resourceId", "selectedServices"),  # not an id; a filter of own rows; a list of pairs
}
# What answers without a look at the thing, for the field is only kept or only filters the caller's own rows.
HARMLESS = {("certificates.create", "serverId"), ("certificates.create", "organizationId")}
# Which of several ids counts is said beside them; of the others nothing is kept.
NOT_LOOKED_AT = {"backup.create", "volumeBackups.create", "schedule.create"}


def fields() -> Iterator[tuple[Procedure, str]]:
    """Every field of every procedure that can carry an id."""
    follows: Any = None
    for procedure in all_procedures(follows):
        hidden = HIDDEN.get(procedure.name.partition(".")[0], ()) if procedure.kind == "mutation" else ()
        changes = "registryId" in procedure.expected
        for field in (*procedure.expected, *(hidden if changes else ())):
            if ID_LIKE.search(field) and field not in NO_IDS:
                yield procedure, field


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


def test_every_field_that_can_carry_an_id_is_known() -> None:
    assert {f"{procedure.name}: {field}" for procedure, field in fields() if field not in NAMES} == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["owner of others", "admin of others", "member", "key for a project", "reader"])
async def test_no_foreign_id_is_taken_in_any_field(world: World, kind: str) -> None:
    theirs = await things_of(world)
    caller, mine = await _caller(world, kind, theirs)
    before = await _rows(world)
    taken = []
    async with caller as client:
        for procedure, field in fields():
            if procedure.name in ENDLESS | UPLOADS or (procedure.name, field) in HARMLESS:
                continue
            foreign = theirs[NAMES[field]]
            if foreign == mine.get(NAMES[field]):
                continue  # the organisation's, of which the caller is one
            sent: dict[str, Any] = {
                **given_to(procedure.name, mine),
                field: [foreign] if MANY.search(field) else foreign,
            }
            answer = await _ask(client, procedure, sent)
            if answer.status_code == 200 and (_is_taken(procedure) or _shows(answer.text, theirs, mine)):
                taken.append((procedure.name, field, answer.text[:60]))
            assert answer.status_code < 500 or answer.status_code == 503, (procedure.name, field, answer.text)
    assert not taken, "\n".join(map(str, taken))
    after = await _rows(world)
    assert {name for name, rows in before.items() if not rows <= after[name]} == set(), "theirs is as it was"


async def _caller(world: World, kind: str, theirs: Mapping[str, str]) -> tuple[httpx.AsyncClient, dict[str, str]]:
    """Somebody, and what is theirs by the same names."""
    if kind.endswith("of others"):
        own = replace(world, owner=world.stranger, stranger=world.owner)
        theirs_is = (await own.get("user.get"))["organizationId"]
        await world.post("organization.grantMachine", organizationId=theirs_is)  # else folders are refused, not ids
        mine = await things_of(own)
        if kind == "owner of others":
            return client_with(world.app, "s" * 64), mine
        organization_id = (await own.get("user.get"))["organizationId"]
        await world.services.db.run(lambda tx: add_person(tx, "their-admin", organization_id, Role.ADMIN))
        return client_with(world.app, "their-admin".ljust(64, "-")), mine
    mine = dict(await things_of(world))
    for name in OF_THE_ORGANISATION:
        mine[name] = theirs[name]
    key = kind.replace(" ", "-").ljust(64, "-")

    def add(tx: Tx) -> None:
        owner = store.first_owner(tx)
        assert owner is not None
        if kind == "member":
            _, member_id = add_person(tx, "member-of-one", owner[1], Role.MEMBER)
            store.give(tx, member_id, Grants(projects=frozenset({mine["project"]})))
            return
        scopes = Terms().scopes if kind == "key for a project" else frozenset({Scope.READ})
        terms = Terms(projects=frozenset({mine["project"]}), scopes=scopes)
        store.add_key(tx, key, name=kind, user_id=owner[0], organization_id=owner[1], terms=terms)

    await world.services.db.run(add)
    return client_with(world.app, "member-of-one".ljust(64, "-") if kind == "member" else key), mine


OF_THE_ORGANISATION = (
    *("registry", "ssh_key", "destination", "certificate", "notification", "notice", "organization"),
    *("user", "member", "invitation", "api_key", "server", *FORGES),
)


async def _ask(client: httpx.AsyncClient, procedure: Procedure, sent: Mapping[str, Any]) -> httpx.Response:
    if TABLE[procedure.name].method == QUERY:
        return await client.get(f"/{procedure.name}", params=sent)
    return await client.post(f"/{procedure.name}", json=sent)


def _is_taken(procedure: Procedure) -> bool:
    return procedure.kind == "mutation" and procedure.name not in NOT_LOOKED_AT


def _shows(text: str, theirs: Mapping[str, str], mine: Mapping[str, str]) -> bool:
    """Whether an answer tells of anything that is theirs alone."""
    return any(id_ in text for id_ in set(theirs.values()) - set(mine.values()))


async def _rows(world: World) -> dict[str, set[str]]:
    """Every row that there is, by its table, without what calls leave by themselves."""

    def read(tx: Tx) -> dict[str, set[str]]:
        kept = [table for table in metadata.sorted_tables if table.name not in {"audit_log", "api_keys", "hosts"}]
        return {table.name: {repr(row) for row in tx.execute(select(table))} for table in kept}

    return await world.services.db.read(read)
