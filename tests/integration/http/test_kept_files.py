"""What a backup does not keep any longer is removed, whatever becomes of the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import update

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.core.engine.run_end import take_back
from headway.core.engine.troubles import Troubles
from headway.drivers.storages.rclone import Rclone
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import Keep, KeptFile
from headway.features.destinations.stored_backup_retention import RetentionRule, StoredBackupRetention
from headway.features.destinations.transfer import UNDO_OBJECT, BackupTransfer
from headway.infra.db.tables.backups import destinations, kept_files
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Limits
from headway.kernel.ids import new_id
from tests.integration.http.backup_rows import A_LOCAL_ONE, A_REMOTE_ONE, backed_up
from tests.integration.http.test_spare import compose_service
from tests.integration.http.world import World


async def test_a_destination_that_is_broken_holds_up_no_other_and_is_told_of(world: World, tmp_path: Path) -> None:
    compose = await compose_service(world)
    made = [(await backed_up(world, compose["composeId"], ["backup"]))["backup"] for _ in range(4)]
    broken = (await world.post("destination.create", **A_LOCAL_ONE))["destinationId"]

    def break_the_first(tx: Tx) -> None:
        for older, newer in zip(made[:2], made[2:], strict=True):  # two of each, since the newest stays
            tx.execute(update(kept_files).where(kept_files.c.subject_id == newer).values(subject_id=older))
        tx.execute(update(kept_files).where(kept_files.c.subject_id == made[0]).values(destination_id=broken))
        tx.execute(update(destinations).where(destinations.c.destination_id == broken).values(reach="{"))

    await world.services.db.run(break_the_first)
    wanted = [RetentionRule(subject_type=SubjectType.BACKUP, subject_id=each, keep=Keep(number=0)) for each in made[:2]]
    troubles = Troubles()
    retention = StoredBackupRetention(
        db=world.services.db, transfer=_transfer(world, tmp_path), every=lambda _: wanted, troubles=troubles
    )

    await retention.keep_round()

    def left(tx: Tx) -> list[int]:
        return [len(stored_backup_store.of_subject(tx, SubjectType.BACKUP, each)) for each in made[:2]]

    assert await world.services.db.read(left) == [2, 1]
    (trouble,) = troubles.all()
    assert (trouble.loop, broken in trouble.item) == ("kept files", True)

    wanted.clear()
    await retention.keep_round()

    assert troubles.all() == [], "nobody wants it removed any more"


async def test_a_file_that_is_to_be_restored_stays_until_it_was(world: World, tmp_path: Path) -> None:
    backup_id, older = await two_files(world)
    given = {"backupId": backup_id, "backupFile": older.path, "databaseName": "copy"}
    answer = await world.owner.post("/backup.restoreBackupWithLogs", json=given)
    assert answer.status_code == 200, answer.text
    retention = keeping(world, tmp_path, backup_id)

    await retention.keep_round()
    assert len(await files(world, backup_id)) == 2

    await world.end(await world.claim(), Status.ERROR, "It has failed.")
    await retention.keep_round()
    assert [each.path for each in await files(world, backup_id) if each.path == older.path] == []


async def test_what_was_made_while_the_clock_was_ahead_does_not_outlive_what_comes_after(
    world: World, tmp_path: Path
) -> None:
    backup_id, older = await two_files(world)
    ahead = datetime.now(UTC) + timedelta(days=400)
    values = {"made_at": ahead, "proven_at": ahead}
    is_older = kept_files.c.kept_file_id == older.kept_file_id
    await world.services.db.run(lambda tx: tx.execute(update(kept_files).where(is_older).values(**values)))
    all_are_kept = replace(keeping(world, tmp_path, backup_id), every=lambda _: [])

    await all_are_kept.keep_round()

    (put_right, _) = await files(world, backup_id)
    now = datetime.now(UTC)
    assert (put_right.kept_file_id, put_right.made_at <= now) == (older.kept_file_id, True)
    assert put_right.proven_at is not None
    assert put_right.proven_at <= now
    third = replace(put_right, kept_file_id=new_id(), path="shop/third", made_at=datetime.now(UTC), proven_at=None)
    await world.services.db.run(lambda tx: stored_backup_store.add(tx, third))
    await keeping(world, tmp_path, backup_id).keep_round()
    assert third in await files(world, backup_id)


async def test_a_destination_that_was_removed_is_no_trouble(world: World, tmp_path: Path) -> None:
    backup_id, older = await two_files(world)
    is_older = kept_files.c.kept_file_id == older.kept_file_id
    where = (await world.post("destination.create", **A_LOCAL_ONE))["destinationId"]
    await world.services.db.run(lambda tx: tx.execute(update(kept_files).where(is_older).values(destination_id=where)))

    await world.post("backup.manualBackupCompose", backupId=backup_id)
    run = await world.claim()
    owed = json.dumps({"destination_id": where, "path": "shop/cut-off"})
    await world.services.db.run(lambda tx: store.add_undo(tx, run.deployment_id, UNDO_OBJECT, owed))
    await world.end(run, Status.ERROR, "It has failed.")

    await world.post("destination.remove", destinationId=where)

    assert older.kept_file_id not in {each.kept_file_id for each in await files(world, backup_id)}
    deployment = await world.services.db.read(lambda tx: store.find(tx, run.deployment_id))
    assert await take_back(world.platform.engine._parts, deployment, None) is None


async def test_a_storage_that_says_nothing_holds_up_no_other_and_is_asked_once_a_round(
    world: World, tmp_path: Path
) -> None:
    dumb = await a_backup_at(world, A_REMOTE_ONE | {"endpoint": "http://127.0.0.1:9"}, number=6)
    well = await a_backup_at(world, A_LOCAL_ONE, number=3)
    troubles = Troubles()
    wanted = [
        RetentionRule(subject_type=SubjectType.BACKUP, subject_id=each, keep=Keep(number=1)) for each in (dumb, well)
    ]
    transfer = _transfer(world, tmp_path)
    storages = replace(transfer.storages, rclone=silent_rclone(tmp_path), seconds=1.0)
    retention = StoredBackupRetention(
        db=world.services.db,
        transfer=replace(transfer, storages=storages),
        every=lambda _: wanted,
        troubles=troubles,
    )
    began = monotonic()

    await retention.keep_round()

    assert monotonic() - began < 4, "six seconds if each file of the one were asked for, one by one"
    assert (len(await files(world, dumb)), len(await files(world, well))) == (6, 1)
    (trouble,) = troubles.all()
    assert "did not answer within" in trouble.sentence


async def a_backup_at(world: World, destination: Mapping[str, object], number: int) -> str:
    """A backup that has so many files at a destination of its own."""
    compose = await compose_service(world)
    made = [(await backed_up(world, compose["composeId"], ["backup"]))["backup"] for _ in range(number)]
    where = (await world.post("destination.create", **destination))["destinationId"]
    is_of_it = kept_files.c.subject_id.in_(made)
    values = {"subject_id": made[0], "destination_id": where}
    await world.services.db.run(lambda tx: tx.execute(update(kept_files).where(is_of_it).values(**values)))
    return made[0]


def silent_rclone(folder: Path) -> Rclone:
    """One that an S3 storage never answers; of a folder nothing has to be asked."""
    program = folder / "rclone"
    program.write_text('#!/bin/sh\ncase "$*" in *dest:*) sleep 30;; esac\n')
    program.chmod(0o755)
    return Rclone(program=str(program))


async def two_files(world: World) -> tuple[str, KeptFile]:
    """A backup that has two files and wants to keep one; the older of them."""
    compose = await compose_service(world)
    kept, other = [(await backed_up(world, compose["composeId"], ["backup"]))["backup"] for _ in range(2)]
    is_other = kept_files.c.subject_id == other
    await world.services.db.run(lambda tx: tx.execute(update(kept_files).where(is_other).values(subject_id=kept)))
    return kept, (await files(world, kept))[-1]


async def files(world: World, backup_id: str) -> list[KeptFile]:
    """What a backup has left, the newest first."""
    return await world.services.db.read(lambda tx: stored_backup_store.of_subject(tx, SubjectType.BACKUP, backup_id))


def keeping(world: World, folder: Path, backup_id: str, troubles: Troubles | None = None) -> StoredBackupRetention:
    """What keeps one file of a backup."""
    wanted = [RetentionRule(subject_type=SubjectType.BACKUP, subject_id=backup_id, keep=Keep(number=1))]
    return StoredBackupRetention(
        db=world.services.db,
        transfer=_transfer(world, folder),
        every=lambda _: wanted,
        troubles=troubles or Troubles(),
    )


def _transfer(world: World, folder: Path) -> BackupTransfer:
    of = world.services.destinations
    return BackupTransfer(
        vault=of.vault,
        storages=of.storages,
        folder=of.folder,
        passing=folder,
        uid_base=of.uid_base,
        outward=of.outward,
        home=str(folder),
        limits=Limits(),
    )
