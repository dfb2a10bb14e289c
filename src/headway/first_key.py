"""The owner's key, and links to a password, as whoever has the machine comes to them: at the first start, and anew
where they are lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from headway.core.access import links, people_store
from headway.core.access.reset import reset
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database, SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.seat import Seat
from headway.infra.db.transaction import Tx
from headway.infra.panel import metrics_port
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.whole_file import replace_file
from headway.kernel.errors import Forbidden
from headway.kernel.ids import new_key
from headway.kernel.settings import LOOPBACK, Settings

T = TypeVar("T")

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
    _require_machine(settings.data_dir, "The key is replaced")
    data_dir = DataDir.beside(settings.data_dir)
    key = new_key()
    former = await _beside(settings, lambda tx: reset(tx, key))
    await asyncio.to_thread(_write, data_dir.path, key)
    return key, former


async def signing_in(db: Database, settings: Settings) -> str | None:
    """What a start tells about signing in: the first link, once; then how another is made, until somebody has a
    password.
    """
    token = await db.run(links.first)
    if token is not None:
        return f"To sign in, open within an hour, once: {_address(settings, token)}"
    if await db.read(people_store.has_passwords):
        return None
    return f"Nobody signs in with a password yet. A link that sets the first one: {links.FIRST_COMMAND}"


async def first_link(settings: Settings) -> str:
    """Another first link, also while a panel runs. Raises Forbidden as ``replace`` does, NoOwner, and HasPassword."""
    _require_machine(settings.data_dir, "A link is made")
    return _address(settings, await _beside(settings, links.for_owner))


async def reset_link(settings: Settings, named: str, *, second_factor: bool) -> tuple[str, str]:
    """A link by which somebody sets another password, and their name; also while a panel runs. Raises Forbidden as
    ``replace`` does, NotFound, and InvalidInput.
    """
    _require_machine(settings.data_dir, "A link is made")
    token, person = await _beside(settings, lambda tx: links.for_person(tx, named, second_factor=second_factor))
    return _address(settings, token), person.name


async def _beside(settings: Settings, work: Callable[[Tx], T]) -> T:
    """Works in the database beside whatever panel uses it."""
    db = SqlDatabase(settings.database.reveal())
    try:
        return await db.run(work)
    finally:
        db.close()


def _address(settings: Settings, token: str) -> str:
    """Where a link is opened: at the panel's own name, else on its machine or through a tunnel to it."""
    host = LOOPBACK if settings.host in {"0.0.0.0", "::", ""} else settings.host  # noqa: S104 - all of them, not one
    shown = f"[{host}]" if ":" in host else host
    return f"{(settings.public_url or f'http://{shown}:{settings.port}').rstrip('/')}/link/{token}"


def _require_machine(folder: Path, what: str) -> None:
    if not _may_replace(folder):
        raise Forbidden(f"{what} by root, or by the account that has {folder}. Become one of them.")


def _may_replace(folder: Path) -> bool:
    try:
        return os.geteuid() in {0, folder.stat().st_uid}
    except FileNotFoundError:
        return True  # what is not there is told of elsewhere
    except PermissionError:
        return False


def _write(folder: Path, key: str) -> None:
    replace_file(folder / KEY_FILE, f"{key}\n")
