"""The rows of the table of access that are about backups, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.access_rows import (
    ADMIN,
    DEPLOY,
    IN_PROJECT,
    MEMBER,
    MUTATION,
    ORGANISATION,
    OWN,
    QUERY,
    READ,
    SET,
    Row,
)
from tests.integration.http.world import World

A_LOCAL_ONE = {"name": "d", "provider": "local"}
A_REMOTE_ONE = {"name": "d", "provider": "AWS", "bucket": "b", "accessKey": "a", "secretAccessKey": "s"}
A_LOGIN_AT = {"registryUrl": "registry.invalid:1", "username": "u", "password": "p"}
A_REGISTRY = {"registryName": "r", **A_LOGIN_AT}
DESTINATION = {"destinationId": "{destination}"}

BACKUP = {"backupId": "{backup}"}
A_DATABASE = {"databaseType": "postgres", "database": "shop", "serviceName": "db"}
MANUAL = {
    f"backup.manualBackup{each}": Row(MUTATION, BACKUP, MEMBER, DEPLOY, IN_PROJECT)
    for each in ("Postgres", "MySql", "Mariadb", "Compose", "Mongo", "Libsql", "WebServer")
}

VOLUME_BACKUP = {"volumeBackupId": "{volume_backup}"}
A_VOLUME_BACKUP = {"name": "v", "volumeName": "kept", "serviceType": "compose", "composeId": "{compose}"}
A_FILE = {"backupFileName": "f"}

BACKUP_ROWS: Mapping[str, Row] = {
    "volumeBackups.create": Row(MUTATION, A_VOLUME_BACKUP, ADMIN, SET, IN_PROJECT, Noun.COMPOSE),
    "volumeBackups.delete": Row(MUTATION, VOLUME_BACKUP, ADMIN, SET, IN_PROJECT),
    "volumeBackups.files": Row(QUERY, VOLUME_BACKUP, MEMBER, READ, IN_PROJECT),
    "volumeBackups.list": Row(
        QUERY, {"id": "{compose}", "volumeBackupType": "compose"}, MEMBER, READ, IN_PROJECT, Noun.COMPOSE
    ),
    "volumeBackups.one": Row(QUERY, VOLUME_BACKUP, MEMBER, READ, IN_PROJECT),
    "volumeBackups.restoreVolumeBackupWithLogs": Row(MUTATION, VOLUME_BACKUP | A_FILE, ADMIN, SET, IN_PROJECT),
    "volumeBackups.runManually": Row(MUTATION, VOLUME_BACKUP, MEMBER, DEPLOY, IN_PROJECT),
    "volumeBackups.update": Row(MUTATION, VOLUME_BACKUP | {"prefix": "p"}, ADMIN, SET, IN_PROJECT),
    **MANUAL,
    "backup.all": Row(QUERY, {}, MEMBER, READ, OWN),
    "backup.create": Row(MUTATION, A_DATABASE | {"composeId": "{compose}"}, ADMIN, SET, IN_PROJECT, Noun.COMPOSE),
    "backup.drill": Row(MUTATION, BACKUP, MEMBER, DEPLOY, IN_PROJECT),
    "backup.files": Row(QUERY, BACKUP, MEMBER, READ, IN_PROJECT),
    "backup.listBackupFiles": Row(QUERY, DESTINATION | {"search": ""}, ADMIN, READ, ORGANISATION),
    "backup.one": Row(QUERY, BACKUP, MEMBER, READ, IN_PROJECT),
    "backup.overview": Row(QUERY, {}, MEMBER, READ, OWN),
    "backup.remove": Row(MUTATION, BACKUP, ADMIN, SET, IN_PROJECT),
    "backup.restoreBackupWithLogs": Row(MUTATION, BACKUP | {"backupFile": "f"}, ADMIN, SET, IN_PROJECT),
    "backup.update": Row(MUTATION, BACKUP | {"prefix": "p"}, ADMIN, SET, IN_PROJECT),
    "destination.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "destination.create": Row(MUTATION, A_REMOTE_ONE, ADMIN, SET, OWN),
    "destination.one": Row(QUERY, DESTINATION, ADMIN, READ, ORGANISATION),
    "destination.remove": Row(MUTATION, DESTINATION, ADMIN, SET, ORGANISATION),
    "destination.testConnection": Row(MUTATION, DESTINATION | A_LOCAL_ONE, ADMIN, SET, ORGANISATION),
    "destination.update": Row(MUTATION, DESTINATION | A_LOCAL_ONE, ADMIN, SET, ORGANISATION),
}


async def backed_up(world: World, compose_id: str, wanted: Collection[str] | None) -> dict[str, str]:
    """The ids of a backup of a database in a compose service, of which a file is kept, and of one of a volume, where
    they are wanted.
    """
    if wanted is not None and "volume_backup" in wanted:
        given = {**A_VOLUME_BACKUP, "composeId": compose_id}
        return {"volume_backup": (await world.post("volumeBackups.create", **given))["volumeBackupId"]}
    if wanted is not None and "backup" not in wanted:
        return {}
    of_volume = await world.post("volumeBackups.create", **{**A_VOLUME_BACKUP, "composeId": compose_id})
    made = await world.post("backup.create", **A_DATABASE, composeId=compose_id)

    def add(tx: Tx) -> None:
        file = KeptFile(
            kept_file_id=new_id(),
            subject_type=SubjectType.BACKUP,
            subject_id=made["backupId"],
            destination_id=made["destinationId"],
            deployment_id=new_id(),
            path=f"shop/{new_id()}.pgdump.zst",
            bytes=1,
            contents=1,
            sha256="0" * 64,
            sealed=False,
            made_at=tx.now,
            proven_at=None,
        )
        stored_backup_store.add(tx, file)

    await world.services.db.run(add)
    return {"backup": made["backupId"], "volume_backup": of_volume["volumeBackupId"]}


async def _registry(world: World) -> tuple[str, ...]:
    return ((await world.post("registry.create", **A_REGISTRY))["registryId"],)


async def _destination(world: World) -> tuple[str, ...]:
    return ((await world.post("destination.create", **A_LOCAL_ONE))["destinationId"],)


BACKUP_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    ("destination",): _destination,
    ("registry",): _registry,
}
