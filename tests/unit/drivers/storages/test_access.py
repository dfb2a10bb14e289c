"""A folder of the machine is the account's that reaches it, also where root has written before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.drivers.storages.access import ready
from headway.drivers.storages.base import Storage
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone import Rclone
from headway.infra.hosts.command import Account

OTHER = Account(uid=1_999_999_991, gid=1_999_999_991)
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="accounts are given by root"),
    pytest.mark.skipif(not Path(Rclone.installed().program).exists(), reason="rclone is not installed"),
]


@pytest.fixture
def above() -> Iterator[Path]:
    """A folder that lets everybody pass."""
    with tempfile.TemporaryDirectory(prefix="headway-reaching-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def test_what_root_wrote_is_read_and_removed_by_the_account(above: Path) -> None:
    folder = above / "d"
    (folder / "shop").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "shop" / "old").write_text("as before")
    (folder / "shop" / "old").chmod(0o600)
    storage, storages = Storage(root=str(folder), account=OTHER), Storages(rclone=Rclone.installed())
    assert [each.path for each in await storages.list(storage, "shop")] == ["shop/old"]
    assert ready(storage) == OTHER
    assert {each.lstat().st_uid for each in (folder, *folder.rglob("*"))} == {OTHER.uid}
    await storages.prove(storage)
    await storages.remove(storage, "shop/old")
    assert not (folder / "shop" / "old").exists()


async def test_below_a_closed_folder_root_reaches_its_own(above: Path) -> None:
    closed = above / "closed"
    closed.mkdir(mode=0o700)
    storage = Storage(root=str(closed / "d"), account=OTHER)
    assert ready(storage, make=True) is None
    await Storages(rclone=Rclone.installed()).prove(storage)
    assert (closed / "d").stat().st_uid == 0


def test_a_folder_that_is_made_is_nobody_elses(above: Path) -> None:
    assert ready(Storage(root=str(above / "new" / "d"), account=OTHER), make=True) == OTHER
    assert ((above / "new" / "d").stat().st_mode & 0o777, (above / "new").stat().st_mode & 0o777) == (0o700, 0o711)
