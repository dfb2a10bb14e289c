"""The rows of the table of access that are about databases, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headway.core.access.policy import Noun
from headway.features.services.database.model import DatabaseKind
from tests.integration.http.access_rows import (
    ADMIN,
    DEPLOY,
    IN_PROJECT,
    MEMBER,
    MUTATION,
    OWN,
    QUERY,
    READ,
    SET,
    Row,
)
from tests.integration.http.world import World

A_DATABASE = {"databaseName": "shop", "databaseUser": "keeper", "databasePassword": "s3cret-of-it"}
A_REDIS = {"databaseName": "shop", "databasePassword": "s3cret-of-it"}  # which has no users
NEED_A_RELEASE = ("start",)


def _rows(kind: str) -> Mapping[str, Row]:
    one = {f"{kind}Id": f"{{{kind}}}"}
    new = {"environmentId": "{environment}", "name": f"new {kind}", **(A_REDIS if kind == "redis" else A_DATABASE)}
    elsewhere = {**one, "targetEnvironmentId": "{environment}"}
    rows = {
        "changeStatus": Row(MUTATION, one | {"applicationStatus": "idle"}, ADMIN, SET),
        "create": Row(MUTATION, new, ADMIN, SET, IN_PROJECT, Noun.ENVIRONMENT),
        "deploy": Row(MUTATION, one, MEMBER, DEPLOY),
        "move": Row(MUTATION, elsewhere, ADMIN, SET),
        "one": Row(QUERY, one, MEMBER, READ),
        "readLogs": Row(QUERY, one, MEMBER, READ),
        "rebuild": Row(MUTATION, one, ADMIN, SET),
        "reload": Row(MUTATION, one, MEMBER, DEPLOY),
        "remove": Row(MUTATION, one, ADMIN, SET),
        "saveEnvironment": Row(MUTATION, one | {"env": "A=1"}, ADMIN, SET),
        "start": Row(MUTATION, one, MEMBER, DEPLOY),
        "stop": Row(MUTATION, one, MEMBER, DEPLOY),
        "update": Row(MUTATION, one | {"name": "renamed"}, ADMIN, SET),
    }
    port = Row(MUTATION, one | {"externalPort": 15432}, ADMIN, SET)
    if kind == DatabaseKind.LIBSQL:
        rows["saveExternalPorts"] = port
    else:
        rows["saveExternalPort"] = port
        rows["search"] = Row(QUERY, {}, MEMBER, READ, OWN)
        rows["changePassword"] = Row(MUTATION, one | {"password": "another-s3cret"}, ADMIN, SET)
    return {f"{kind}.{name}": row for name, row in rows.items()}


DATABASE_ROWS: Mapping[str, Row] = {name: row for kind in DatabaseKind for name, row in _rows(kind).items()}


async def databases_of(world: World, environment_id: str, wanted: Collection[str] | None) -> dict[str, str]:
    """The ids of a database of each kind that is wanted."""
    found = {}
    for kind in DatabaseKind:
        if wanted is None or kind in wanted:
            made = await world.post(f"{kind}.create", environmentId=environment_id, name=kind, **A_DATABASE)
            found[kind.value] = made[f"{kind}Id"]
    return found
