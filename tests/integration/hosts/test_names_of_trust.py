"""What is trusted by its name alone is whole on the disk under that name, or not there under it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from headway.drivers.builders.languages.venv_maker import unpack_pip
from headway.drivers.buildplan.toolchains.entries import place
from headway.drivers.buildplan.toolchains.store import Store, Turns
from headway.drivers.edge.traefik import EdgeAccounts
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.drivers.runtimes.remote.contract import Setting
from headway.infra.hosts.work import Work
from headway.infra.panel.archive import check_archive, write_archive
from tests.support.machines.local_hosts import local_host
from tests.support.machines.power_cut import ForgetfulDisk, forgetful_disk, lacks_loop_devices
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(lacks_loop_devices()), reason=lacks_loop_devices())]


@pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)")
async def test_the_code_that_keeps_applications_up_on_a_server(tmp_path: Path) -> None:
    with forgetful_disk(64) as disk, ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            folder = Path(await RuntimeAgentClient(host, setting(disk.mounted / "work"))._sent())
            assert whole_under_its_name(disk, folder)


def test_what_every_later_build_copies(tmp_path: Path) -> None:
    packages, environment = tmp_path / "packages", tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python3").symlink_to("/bin/true")  # what unpacks has done so already
    packages.mkdir()
    for number in range(40):
        (packages / f"module_{number}.py").write_text(f"NUMBER = {number}\n" * 100)
    with forgetful_disk(64) as disk:
        unpack_pip(str(disk.mounted / "kept"), str(packages), str(environment))
        assert whole_under_its_name(disk, disk.mounted / "kept")


async def test_a_toolchain_that_every_build_may_use(tmp_path: Path) -> None:
    with forgetful_disk(64) as disk:
        store = Store(folder=str(disk.mounted / "toolchains"), attempt="one", account=None, turns=Turns())
        made, entry = Path(store.beside("node", "99.1.0")), Path(store.entry("node", "99.1.0"))
        for folder in (made, entry.parent):
            folder.mkdir(parents=True)
        for number in range(40):
            (made / f"program_{number}").write_text(f"echo {number}\n" * 100)
        async with local_host(tmp_path / "host") as host:
            work = SimpleNamespace(host=host, fence=no_fence)
            await place(cast("Work", work), store, "node", "99.1.0")
        assert whole_under_its_name(disk, entry)


def test_a_backup_that_is_told_as_made(tmp_path: Path) -> None:
    (tmp_path / "member").write_bytes(b"x" * 100_000)
    with forgetful_disk(64) as disk:
        made = disk.mounted / "backup.tar.gz"
        write_archive(made, {}, [("member", tmp_path / "member")])
        with disk.after_a_power_cut() as left:  # of which nothing was asked since
            assert check_archive(left / made.name).members == {"member": 100_000}


def whole_under_its_name(disk: ForgetfulDisk, folder: Path) -> bool:
    """Whether all is there after a power cut, where the disk has the new name and was asked for nothing else since."""
    other = disk.mounted / "other"
    with other.open("wb") as file:
        os.fsync(file)  # which has the journal of names on the disk, and nothing that is in other files
    with disk.after_a_power_cut() as left:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert len(files) > 20
        return all(
            (left / path.relative_to(disk.mounted)).read_bytes() == path.read_bytes()
            for path in files
            if (left / folder.relative_to(disk.mounted)).exists()
        )


@asynccontextmanager
async def no_fence() -> AsyncIterator[None]:
    """Nobody else has the run."""
    yield


def setting(root: Path) -> Setting:
    """As much of a setting as says where the code goes."""
    return Setting(
        root=str(root),
        panel_id="panel",
        use_cgroups=None,
        edge_host="127.0.0.1",
        edge_port=80,
        https_port=None,
        certificate_mail=None,
        certificate_authority=None,
        certificate_roots=None,
        edge="/nowhere/traefik",
        site="/nowhere/caddy",
        engine="/nowhere/docker.sock",
        edge_accounts=EdgeAccounts(serving=1, trying=2),
    )
