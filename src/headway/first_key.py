"""The owner's key, as whoever has the machine comes to it: at the first start, and anew where it is lost."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from headway.core.access.reset import reset
from headway.core.access.service import AccessService
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migrate import migrate
from headway.infra.db.seat import Seat
from headway.infra.panel import metrics_port
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.whole_file import replace_file
from headway.kernel.errors import Forbidden
from headway.kernel.ids import new_key
from headway.kernel.settings import Settings

KEY_FILE = "owner.key"


async def first_owner(access: AccessService, settings: Settings, data_dir: DataDir) -> str | None:
    """The key of an owner that is made where there is none, also written to its file; None where there is one."""
    wanted = settings.owner_key or settings.api_key
    if not await access.has_owner():  # first, for what the power leaves of a start is a panel of before to the next one
        await asyncio.to_thread(metrics_port.close, data_dir.path)
    key = await access.bootstrap(None if wanted is None else wanted.reveal())
    if key is not None:
        await asyncio.to_thread(_write, data_dir.path, key)
    return key


async def prepare(settings: Settings) -> None:
    """Makes the data directory, and its owner with the key that is given, before the panel's first start: the key then
    stands in no file of settings. Where there is an owner nothing changes. Raises HeadwayError.
    """
    data_dir = DataDir.open(settings.data_dir)
    db = SqlDatabase(settings.database.reveal())
    seat = Seat(db)
    try:
        if settings.owner_key or settings.api_key:
            await asyncio.to_thread(seat.take)  # the database may be that of a panel which works elsewhere
            await asyncio.to_thread(migrate, db)
            await first_owner(AccessService(db), settings, data_dir)
    finally:
        db.close()
        seat.leave()
        data_dir.close()


async def replace(settings: Settings) -> tuple[str, list[str]]:
    """The owner's new key, and what those began with that it replaces; also while a panel runs. Raises Forbidden for an
    account that has neither the machine nor the data directory, and NoOwner.
    """
    folder = settings.data_dir
    if not _may_replace(folder):
        raise Forbidden(f"The key is replaced by root, or by the account that has {folder}. Become one of them.")
    data_dir = DataDir.beside(folder)
    db = SqlDatabase(settings.database.reveal())
    key = new_key()
    try:
        former = await db.run(lambda tx: reset(tx, key))
    finally:
        db.close()
    await asyncio.to_thread(_write, data_dir.path, key)
    return key, former


def _may_replace(folder: Path) -> bool:
    try:
        return os.geteuid() in {0, folder.stat().st_uid}
    except FileNotFoundError:
        return True  # what is not there is told of elsewhere
    except PermissionError:
        return False


def _write(folder: Path, key: str) -> None:
    replace_file(folder / KEY_FILE, f"{key}\n")
