"""No id of somebody else's is taken, in whatever field it is sent; every field that can carry one is tried."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from headway.api.operation import Operation
from headway.core.access import store
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.infra.db.tables.base import metadata
from headway.infra.db.transaction import Tx
from headway.operations import bare_registry
from tests.integration.http.access_rows import QUERY
from tests.integration.http.access_table import TABLE
from tests.integration.http.test_access_table import UPLOADS, given_to, things_of
from tests.integration.http.world import World, add_person, client_with, open_world
from tests.support.storages.archives import packed

ID_LIKE = re.compile(r"Ids?$|^id$|^accessed|^projects$|^selectedServices$")
KINDS = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")
FORGES = ("github", "gitlab", "gitea", "bitbucket")
# Which thing a field names. One that is in none of these fails the first test.
NAMES: Mapping[str, str] = {
    **{f"{each}Id": each for each in (*KINDS, *FORGES)},
    **{f"{each}Id": each for each in ("application", "compose", "project", "environment", "backup", "destination")},
    **{
        f"{each}Id": each
        for each in ("certificate", "delivery", "deployment", "domain", "invitation", "link", "member")
    },
    **{f"{each}Id": each for each in ("mount", "notice", "notification", "organization", "port", "redirect", "user")},
    **{f"{each}Id": each for each in ("registry", "release", "schedule", "security", "server", "session")},
    "accessedProjects": "project",
    "accessedServices": "application",
    "apiKeyId": "api_key",
    "buildRegistryId": "registry",
    "buildServerId": "server",
    "customGitSSHKeyId": "ssh_key",
    "deploymentIds": "deployment",
    "gitProviderId": "github",
    "groupRuleId": "group_rule",
    "id": "application",
    "jumpServerId": "server",
    "passkeyId": "passkey",
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
    *("containerId", "resourceId", "selectedServices"),  # not an id; a filter of own rows; see WITHIN
}
# What answers without a look at the thing, for the field is only kept or only filters the caller's own rows.
HARMLESS = {("certificates.create", "serverId"), ("certificates.create", "organizationId")}
# Which of several ids counts is said beside them; of the others nothing is kept.
NOT_LOOKED_AT = {"backup.create", "volumeBackups.create", "schedule.create"}


def _anything(theirs: Mapping[str, str]) -> Iterator[Any]:
    """An object that holds ids by every name, at once and each by itself further within."""
    named = {field: theirs[thing] for field, thing in NAMES.items()}
    yield named
    yield {**dict.fromkeys(KINDS, named), "Id": [named]}


# What is sent in a place within an object, or a list of objects, where a name can be any.
WITHIN: Mapping[str, Callable[[Mapping[str, str]], Iterator[Any]]] = {
    "selectedServices[].*": lambda theirs: (
        [{"id": theirs[kind], "type": kind}] for kind in ("application", "compose", *KINDS)
    ),
    **dict.fromkeys(("metadata.*", "connection.*", "options.*", "headers.*"), _anything),
    **dict.fromkeys(("healthCheckSwarm.*", "placementSwarm.*"), _anything),
}
# Those that an id in them is taken by; elsewhere it is words of the caller's own, in which nobody looks for one.
TAKES = {("project.duplicate", "selectedServices[].*"), ("user.createApiKey", "metadata.*")}

OWN = {
    "project.duplicate": {"selectedServices": [{"id": "ID", "type": "application"}], "duplicateInSameProject": True},
    "user.createApiKey": {"metadata": {"organizationId": "WHOSE"}},
}


def places() -> Iterator[tuple[Operation, str]]:
    """Every place within an object or a list that a procedure takes: ``build.start``, ``list[].*`` for any name."""
    for procedure in bare_registry():
        schema = procedure.input.model_json_schema()
        for field, told in schema.get("properties", {}).items():
            yield from ((procedure, f"{field}{path}") for path in _within(told, schema.get("$defs", {})))


def _within(told: Mapping[str, Any], defined: Mapping[str, Any]) -> Iterator[str]:
    told = defined[told["$ref"].rpartition("/")[2]] if "$ref" in told else told
    for each in (*told.get("anyOf", ()), *told.get("allOf", ())):
        yield from _within(each, defined)
    if "items" in told:
        yield from (f"[]{path}" for path in _within(told["items"], defined))
    for name, inner in told.get("properties", {}).items():
        yield f".{name}"
        yield from (f".{name}{path}" for path in _within(inner, defined))
    if told.get("additionalProperties"):
        yield ".*"


def fields() -> Iterator[tuple[Operation, str]]:
    """Every field of every procedure that can carry an id."""
    for procedure in bare_registry():
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


def test_every_place_within_an_object_that_can_carry_an_id_is_known() -> None:
    found = {path for _, path in places()}
    assert {path for path in found if path.endswith(".*")} == WITHIN.keys()
    assert {path for path in found if not path.endswith(".*") and ID_LIKE.search(path.rpartition(".")[2])} == set()
    assert "build.start" in found, "objects are looked into"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["owner of others", "admin of others", "member", "key for a project", "reader"])
async def test_no_foreign_id_is_taken_in_any_field(world: World, kind: str) -> None:
    theirs = await things_of(world)
    caller, mine = await _caller(world, kind, theirs)
    before = await _rows(world, set(theirs.values()) - set(mine.values()))
    taken = []
    async with caller as client:
        for procedure, field, value in _tries(theirs, mine):
            sent: dict[str, Any] = {**given_to(procedure.name, mine), field.partition(".")[0].rstrip("[]"): value}
            answer = await _ask(client, procedure, sent)
            takes = "." not in field or (procedure.name, field) in TAKES
            told = answer.text if takes else _without(answer.text, value)
            if answer.status_code == 200 and ((takes and _is_taken(procedure)) or _shows(told, theirs, mine)):
                taken.append((procedure.name, field, answer.text[:60]))
            assert answer.status_code < 500 or answer.status_code == 503, (procedure, field, answer.text)
        if kind.endswith("of others"):
            for name, given in OWN.items():
                own = json.loads(
                    json.dumps(given).replace("ID", mine["application"]).replace("WHOSE", mine["organization"])
                )
                answer = await client.post(f"/{name}", json={**given_to(name, mine), **own})
                assert answer.status_code == 200, ("one's own is taken there", answer.text)
    assert not taken, "\n".join(map(str, taken))
    after = await _rows(world, set(theirs.values()) - set(mine.values()))
    assert after == before, "theirs is as it was, and nothing new leads there"


def _tries(theirs: Mapping[str, str], mine: Mapping[str, str]) -> Iterator[tuple[Operation, str, Any]]:
    """Every call with something of theirs in one field, and each list of ids as a text too."""
    for procedure, field in fields():
        foreign = theirs[NAMES[field]]
        if (procedure.name, field) in HARMLESS or foreign == mine.get(NAMES[field]):
            continue  # the organisation's, of which the caller is one
        if not MANY.search(field):
            yield procedure, field, foreign
            continue
        yield procedure, field, [foreign]
        yield procedure, field, [mine[NAMES[field]], foreign]
        yield procedure, field, json.dumps([foreign])
    for procedure, path in places():
        if path in WITHIN:
            for value in WITHIN[path](theirs):
                opens = value["organizationId"] if path == "metadata.*" and "organizationId" in value else None
                if procedure.name != "user.createApiKey" or opens not in {None, mine["organization"]}:
                    yield procedure, path, value


def _without(text: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """An answer without the words of the caller's own that it gives back."""
    for id_ in re.findall(r'"([\w-]{8,})"', json.dumps(value)):
        text = text.replace(id_, "")
    return text


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


async def _ask(client: httpx.AsyncClient, procedure: Operation, sent: Mapping[str, Any]) -> httpx.Response:
    async with asyncio.timeout(10):  # what is let in where an answer has no end
        if TABLE[procedure.name].method == QUERY:
            return await client.get(f"/{procedure.name}", params=sent)
        if procedure.name in UPLOADS:
            files = {"zip": ("a.tar", packed({"app.py": "print(1)"}))}
            return await client.post(f"/{procedure.name}", data=sent, files=files)
        return await client.post(f"/{procedure.name}", json=sent)


def _is_taken(procedure: Operation) -> bool:
    return procedure.kind == "mutation" and procedure.name not in NOT_LOOKED_AT


def _shows(text: str, theirs: Mapping[str, str], mine: Mapping[str, str]) -> bool:
    """Whether an answer tells of anything that is theirs alone."""
    return any(id_ in text for id_ in set(theirs.values()) - set(mine.values()))


async def _rows(world: World, ids: set[str]) -> dict[str, set[str]]:
    """Every row that is one of these or leads to one, by its table, without what calls leave by themselves."""

    def read(tx: Tx) -> dict[str, set[str]]:
        kept = [table for table in metadata.sorted_tables if table.name not in {"audit_log", "api_keys", "hosts"}]
        return {table.name: {repr(row) for row in tx.execute(select(table)) if ids & _texts(row)} for table in kept}

    return await world.services.db.read(read)


def _texts(row: Iterable[object]) -> set[str]:
    return {each for each in row if isinstance(each, str)}
