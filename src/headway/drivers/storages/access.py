"""Makes a storage ready for the account that reaches it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from headway.drivers.storages.base import Storage
from headway.infra.hosts.command import Account
from headway.infra.hosts.privileges import belongs, give, is_open_to_all


def ready(storage: Storage, *, make: bool = False) -> Account | None:
    """The account that reaches the storage. A folder of this machine, made where it is to be, is given to it first,
    with all that lies there since a time when root wrote it. None where that cannot be: below a folder that lets nobody
    pass, or on a file system that knows no owners, root reaches its own folder. Blocks.
    """
    folder, account = storage.folder, storage.account
    if folder is None or account is None:
        if folder is not None and make:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        return account
    place = Path(folder)
    if make:
        place.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
    if not place.is_dir() or not is_open_to_all(place.parent):
        return None
    if not belongs(place, account):
        with suppress(OSError):
            give(place, account)
    return account if belongs(place, account) else None
