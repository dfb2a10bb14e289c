"""What the machine allows is found out, and what it is refused by is said."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.infra.hosts import anchor_start, cgroups
from headway.infra.hosts.anchor_start import AnchorFailed
from headway.infra.hosts.base import FileFailed
from headway.infra.hosts.local import LocalHost
from headway.kernel.ids import new_id
from tests.support.machines.local_hosts import BUILD, OTHER, local_host, run, shell

ROOT_ONLY = pytest.mark.root


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with local_host(tmp_path / "host") as host:
        yield host


async def test_capabilities_are_what_runs_then_use(host: LocalHost) -> None:
    found = await host.capabilities()
    anchor = await run(host)
    await anchor.start("build", shell("readlink /proc/self/ns/pid; cat /proc/self/cgroup"))
    assert (await anchor.wait("build")).succeeded
    namespace, *groups = (await anchor.read(0, 10_000)).decode().splitlines()
    assert found.pid_namespaces == (namespace != str(Path("/proc/self/ns/pid").readlink()))
    assert (found.cgroup is not None) == any(group.startswith(f"0::{anchor.handle.cgroup}/cmds/") for group in groups)
    assert found.accounts == (os.geteuid() == 0)
    assert found.programs["perl"]


async def test_switches_are_taken_as_said(tmp_path: Path) -> None:
    async with local_host(tmp_path, use_cgroups=False, use_pid_namespaces=False) as host:
        found = await host.capabilities()
        assert (found.cgroup, found.pid_namespaces, found.memory_bound) == (None, False, "rlimit")
        assert (await run(host)).handle.cgroup == ""


@ROOT_ONLY
def test_a_group_that_was_delegated_to_us_is_ours_to_divide() -> None:
    """As systemd does it with Delegate=yes."""
    top = cgroups.unified_of(cgroups.hierarchies())
    assert top
    place = top.folder / f"test-{new_id()}.service"
    place.mkdir()
    service = subprocess.Popen(["sleep", "1000"])
    try:
        (place / "cgroup.procs").write_text(str(service.pid))
        base = cgroups._unified_base(top, f"/{place.name}")
        assert base == top.folder
        os.setxattr(place, "trusted.delegate", b"1")
        assert cgroups._unified_base(top, f"/{place.name}") == place
        assert (place / "panel/cgroup.procs").read_text() == f"{service.pid}\n"
    finally:
        service.kill()
        service.wait()
        assert cgroups.remove([place])


@ROOT_ONLY
def test_a_group_in_whose_leaf_systemd_has_put_us_is_ours_to_divide() -> None:
    """As systemd does it with DelegateSubgroup=panel."""
    top = cgroups.unified_of(cgroups.hierarchies())
    assert top
    place = top.folder / f"test-{new_id()}.service"
    (place / "panel").mkdir(parents=True)
    try:
        assert cgroups._unified_base(top, f"/{place.name}/panel") == top.folder
        os.setxattr(place, "trusted.delegate", b"1")
        assert cgroups._unified_base(top, f"/{place.name}/panel") == place
    finally:
        assert cgroups.remove([place])


def test_what_is_no_group_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert cgroups.remove([tmp_path])
    assert (tmp_path / "empty").is_dir()


async def test_without_perl_the_way_out_is_said(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor_start, "PERL_PLACES", ("/no/such/perl",))
    with pytest.raises(AnchorFailed, match="apt-get install perl-base"):
        await run(host)


async def test_an_anchor_that_cannot_begin_says_why_and_leaves_nothing(host: LocalHost) -> None:
    await host.capabilities()
    host._program.write_text("die qq(no luck today\\n);")
    with pytest.raises(AnchorFailed, match="no luck today"):
        await run(host)
    assert await host.remaining() == []


# --- files, beyond the contract


@ROOT_ONLY
async def test_files_and_folders_are_given_to_accounts(host: LocalHost, tmp_path: Path) -> None:
    await host.make_folder(f"{tmp_path}/a/b", owner=BUILD, mode=0o750)
    await host.write_file(f"{tmp_path}/a/b/key", b"x", owner=OTHER, mode=0o640)
    seen = [(tmp_path / name).stat() for name in ("a", "a/b", "a/b/key")]
    assert [(stat.st_uid, stat.st_mode & 0o7777) for stat in seen] == [
        (0, 0o711),
        (BUILD.uid, 0o750),
        (OTHER.uid, 0o640),
    ]
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["key"]


@ROOT_ONLY
async def test_a_folder_is_not_made_through_a_link_that_somebody_put_there(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "victim").mkdir(mode=0o700)
    (tmp_path / "theirs/cache").symlink_to(tmp_path / "victim")
    with pytest.raises(FileFailed):
        await host.make_folder(f"{tmp_path}/theirs/cache", owner=BUILD)
    assert (tmp_path / "victim").stat().st_uid == 0


async def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(host: LocalHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Procfile")
    assert await host.read_file(f"{tmp_path}/Procfile") is None
    assert await host.read_file(f"{tmp_path}/Procfile", below=str(tmp_path)) is None


async def test_a_tree_of_any_depth_is_removed_and_what_its_links_lead_to_stays(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    top = tmp_path / "tree"
    top.mkdir()
    (top / "link").symlink_to(tmp_path / "kept")
    deep = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=deep)
        deeper = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    await host.remove_tree(str(top))
    assert not top.exists()
    await host.make_folder(f"{tmp_path}/x")
    (tmp_path / "link").symlink_to("kept")
    await host.remove_tree(f"{tmp_path}/link")
    assert (tmp_path / "kept/file").exists()


async def test_a_tree_into_which_somebody_still_writes_is_removed(host: LocalHost, tmp_path: Path) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    over = threading.Event()

    def write() -> None:
        for number in range(300):
            try:
                (top / f"folder{number}").mkdir()
                (top / f"folder{number}/file").touch()
            except FileNotFoundError:
                break
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set() or top.exists():
        await host.remove_tree(str(top))
    writer.join()
    assert not top.exists()
