"""What a host says is on the disk is there after a power cut, here and on a server, and so is the log of an end."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from headway.infra.hosts.base import FileFailed, Host
from headway.infra.logs.logfile import close_log
from headway.infra.logs.mask import Masker
from tests.support.machines.local_hosts import local_host
from tests.support.machines.power_cut import forgetful_disk, lacks_loop_devices
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(lacks_loop_devices()), reason=lacks_loop_devices())]
FILES = [f"folder/file {number}" for number in range(50)]


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[Host]:
    if SSHD is None:
        pytest.skip("needs sshd (apt-get install openssh-server)")
    with ssh_server(folder) as server:
        async with ssh_host(server) as host:
            yield host


@pytest.mark.parametrize("form", ["local", "ssh"])
async def test_what_was_written_is_there_after_a_power_cut_once_it_was_synced(form: str, tmp_path: Path) -> None:
    made = local_host(tmp_path / "host") if form == "local" else remote(tmp_path / "host")
    with forgetful_disk(64) as disk:
        async with made as host:
            (disk.mounted / "draft").mkdir()
            for name in FILES:
                path = disk.mounted / name.replace("folder", "draft")
                path.write_text(name)
            (disk.mounted / "draft").rename(disk.mounted / "folder")
            with disk.after_a_power_cut() as left:
                assert whole(left) < len(FILES), "the disk forgets nothing"
            await host.sync(str(disk.mounted), str(disk.mounted / "nowhere"))
            with disk.after_a_power_cut() as left:
                assert whole(left) == len(FILES)


@pytest.mark.parametrize("form", ["local", "ssh"])
async def test_a_disk_that_cannot_keep_what_was_written_is_told(form: str, tmp_path: Path) -> None:
    made = local_host(tmp_path / "host") if form == "local" else remote(tmp_path / "host")
    async with made as host:
        # Even root opens a socket in vain: it stands for a disk that fails, and lies on none of those that do not.
        with TemporaryDirectory(dir="/dev/shm") as folder, socket.socket(socket.AF_UNIX) as bound:
            bound.bind(f"{folder}/s")
            with pytest.raises(FileFailed, match=r"Cannot put on the disk what was written"):
                await host.sync(f"{folder}/s")


async def test_the_log_of_an_end_is_there_after_a_power_cut() -> None:
    with forgetful_disk(64) as disk:
        path = disk.mounted / "logs" / "one.log"
        path.parent.mkdir()
        with disk.after_a_power_cut() as left:
            assert not (left / "logs").exists()
        await close_log(path, 0, "It serves.", Masker(()))
        with disk.after_a_power_cut() as left:
            assert (left / "logs" / "one.log").read_text() == "It serves.\n"


def whole(left: Path) -> int:
    """How many files are there with all that was in them."""
    return sum((left / name).exists() and (left / name).read_text() == name for name in FILES)
