"""A kept file is read as it was written, whatever its backup's password is by now."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments import store
from headway.core.deployments.run import RunFailed
from headway.infra.db.tables.backups import kept_files
from headway.infra.db.transaction import Tx
from tests.integration.http.backup_rows import backed_up
from tests.integration.http.test_spare import compose_service
from tests.integration.http.world import World


async def storage_of_restore(world: World, *, sealed: bool, password: str | None) -> Any:  # noqa: ANN401 - JSON
    """The storage by which a restore reads a file that was written so, once the backup has this password."""
    compose = await compose_service(world)
    backup_id = (await backed_up(world, compose["composeId"], ["backup"]))["backup"]
    of_it = update(kept_files).where(kept_files.c.subject_id == backup_id).values(sealed=sealed)
    await world.services.db.run(lambda tx: tx.execute(of_it))
    if password is not None:
        await world.post("backup.update", backupId=backup_id, encryptionPassword=password)
    (file,) = (await world.owner.get("/backup.files", params={"backupId": backup_id})).json()
    sent = {"backupId": backup_id, "backupFile": file["path"], "databaseName": "copy"}
    answer = await world.owner.post("/backup.restoreBackupWithLogs", json=sent)
    kind = world.platform.engine._parts.registered.kinds["backup.restore"]

    def freeze(tx: Tx) -> Any:  # noqa: ANN401 - as above
        return kind.freeze(tx, store.find(tx, answer.headers["x-deployment-id"])).plan["place"]["storage"]

    return await world.services.db.run(freeze)


async def test_a_plain_file_is_read_as_it_is_after_a_password_was_set(world: World) -> None:
    assert (await storage_of_restore(world, sealed=False, password="set since"))["sealed"] is False


async def test_an_encrypted_file_is_read_by_the_password(world: World) -> None:
    assert (await storage_of_restore(world, sealed=True, password="the one and only"))["sealed"] is True


async def test_an_encrypted_file_without_a_password_is_told_of(world: World) -> None:
    with pytest.raises(RunFailed, match="is encrypted, and its backup has no encryptionPassword"):
        await storage_of_restore(world, sealed=True, password=None)
