"""What is trusted by its name alone is whole on the disk under that name, or not there under it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from headway.drivers.builders import install_cache_script
from headway.drivers.builders.languages.venv_maker import unpack_pip
from headway.drivers.buildplan.toolchains.entries import place
from headway.drivers.buildplan.toolchains.store import Store, Turns
from headway.drivers.edge.traefik import EdgeAccounts
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.drivers.runtimes.remote.contract import Setting
from headway.features.backups.volume.machine import VolumeMachine
from headway.features.backups.volume.restore import VolumeRestore
from headway.features.services.application.artifact_transfer import ArtifactTransfer
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Account, Command
from headway.infra.hosts.work import Work
from headway.infra.panel.archive import check_archive, write_archive
from tests.support.machines.local_hosts import local_host
from tests.support.machines.power_cut import ForgetfulDisk, forgetful_disk, lacks_loop_devices
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

if TYPE_CHECKING:
    from headway.core.deployments.run import Run
    from headway.features.services.application.stream_relay import RelayedStream

T = TypeVar("T")
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


@pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)")
async def test_a_program_that_a_server_is_given(tmp_path: Path) -> None:
    with forgetful_disk(64) as disk, ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            given = disk.mounted / "programs" / "sed"
            await RuntimeAgentClient(host, setting(disk.mounted / "work")).provide("sed", str(given))
            assert whole_under_its_name(disk, given)


def test_what_an_installation_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "node_modules")
    monkeypatch.chdir(tmp_path)
    with forgetful_disk(64) as disk:
        bounds = {"most": 3, "most_bytes": 1 << 30, "most_seconds": 86_400.0, "least_free": 0}
        cache = disk.mounted / "installed"
        asked = {"cache": str(cache), "makes": ["node_modules"], "run": "one", "key": "key", "fresh": False, **bounds}
        assert install_cache_script.kept(asked)["bytes"]
        assert whole_under_its_name(disk, cache / "key")


async def test_what_was_built_on_another_machine(tmp_path: Path) -> None:
    with forgetful_disk(64) as disk:
        built, arriving = disk.mounted / "builds" / "built", disk.mounted / "arriving"
        async with local_host(tmp_path / "host") as host:
            target = SimpleNamespace(
                folders=SimpleNamespace(arriving=lambda _id: str(arriving)),
                room=SimpleNamespace(require=nothing),
            )
            run = cast("Run", ARun(host))
            transfer = ArrivingHere(
                run=run,
                source=cast("Any", None),
                there=run,
                target=cast("Any", target),
                here=host,
                files="",
                auxiliary=cast("Any", None),
            )
            await transfer.folder(str(built), None)
        assert whole_under_its_name(disk, built)


async def test_a_volume_that_was_restored(tmp_path: Path) -> None:
    with forgetful_disk(64) as disk:
        volume = disk.mounted / "volumes" / "data"
        volume.mkdir(parents=True)
        async with local_host(tmp_path / "host") as host:
            where = VolumeMachine(run=cast("Run", ARun(host)), host=host, far=None)
            restore = VolumeRestore(
                where=where,
                plan=cast(
                    "Any",
                    SimpleNamespace(origin=SimpleNamespace(dump=dict), app_name="shop", target="", at="", place=None),
                ),
                transfer=cast(
                    "Any", SimpleNamespace(fetch=lambda *_: asyncio.to_thread(fill, volume.with_name("data.new-one")))
                ),
                services=cast(
                    "Any", SimpleNamespace(new_name=lambda *_: "data", make_volume=lambda *_: answer(str(volume)))
                ),
            )
            await restore.into_new()
        assert whole_under_its_name(disk, volume)


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
        files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
        assert folder.is_file() or len(files) > 20
        return all(
            (left / path.relative_to(disk.mounted)).read_bytes() == path.read_bytes()
            for path in files
            if (left / folder.relative_to(disk.mounted)).exists()
        )


class ArrivingHere(ArtifactTransfer):
    """A move whose two ends are one machine, which has to take them for two: what it carries is written here."""

    async def is_one_place(self) -> bool:
        return False

    def _stream(
        self,
        out: tuple[str, ...],
        into: tuple[str, ...],
        account: Account | None = None,
        make_way: Callable[[], Awaitable[None]] | None = None,
    ) -> RelayedStream:
        assert make_way is not None
        arriving = next(word.removeprefix("--directory=") for word in into if word.startswith("--directory="))

        async def carry(_what: str) -> None:
            await make_way()
            await asyncio.to_thread(fill, Path(arriving))

        return cast("RelayedStream", SimpleNamespace(carry=carry))


class ARun:
    """As much of a run as fills a folder: its commands are performed, and what it notes goes nowhere."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.deployment = SimpleNamespace(deployment_id="one", epoch=1)

    async def undo(self, name: str, data: object) -> None:
        """Nothing is taken back."""

    async def step(self, _name: str, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    async def command(self, _name: str, command: Command, *, check: bool = True) -> Exit:
        (stage,) = command.stages
        started = await asyncio.create_subprocess_exec(*stage.argv)
        assert await started.wait() == 0
        return Exit(statuses=(0,))

    def fence(self, _host: Host | None = None) -> AbstractAsyncContextManager[None]:
        return no_fence()


def fill(folder: Path) -> None:
    """Writes as many files as are not on a disk by chance."""
    folder.mkdir(exist_ok=True)
    for number in range(40):
        (folder / f"file_{number}").write_text(f"{number}\n" * 1000)


async def nothing(*_: object) -> None:
    """As one who has no objection."""


async def answer(value: str) -> str:
    """The value."""
    return value


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
