"""What an installation made is there again for the next build of the same lock file, and is never a reason to fail."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.install_cache import SCRIPT
from headway.drivers.builders.native import Surroundings, run_phases
from headway.drivers.buildplan.plan import BuildPlan, Need, Phase
from headway.drivers.buildplan.toolchains.store import Provided
from headway.infra.hosts.base import StopMode
from headway.kernel.artifacts import Workspace
from headway.kernel.errors import HeadwayError
from tests.integration.builders.workspaces import lay_out, spec_of, succeeds_as, wheel
from tests.integration.worksite import Worksite
from tests.support.toolchains.toolchain_stores import store_of

MAKE = (
    'mkdir -p mods/bin && printf "#!%s/mods/bin/run\\n" "$PWD" > mods/bin/tool && chmod 555 mods/bin/tool'
    ' && ln -s "$PWD/lock" mods/link && ln -s bin/tool mods/near && date +%s%N > mods/when'
)
BUILD = Phase(name="build", argv=("/bin/sh", "-c", "cat mods/when > built"))
NOTHING = "install: nothing to do, lock is unchanged since the build of "

Build = Callable[..., Awaitable[Workspace]]


def plan_of(make: str = MAKE, *, makes: tuple[str, ...] = ("mods",)) -> BuildPlan:
    """A plan whose installation follows ``lock``."""
    first = Phase(name="prepare", argv=("/bin/true",), follows=("lock",), makes=makes)
    install = replace(first, name="install", argv=("/bin/sh", "-c", make))
    return BuildPlan(provider="x", phases=(first, install, BUILD))


@pytest.fixture
def build(site: Worksite) -> Build:
    """Builds as one deployment after the other does, each in a folder of its own."""
    count = 0

    async def build(
        plan: BuildPlan | None = None,
        lock: str = "one",
        *,
        version: str = "1",
        own: str = "app",
        **options: Any,  # noqa: ANN401
    ) -> Workspace:
        nonlocal count
        count += 1
        await site.begin_again()
        workspace = lay_out(site, {"lock": lock, "app": ""})
        moved = site.folder / f"release-{count:03}"
        Path(workspace.root).rename(moved)
        workspace = Workspace(root=str(moved), folder=str(moved))
        spec = spec_of(site, toolchains=store_of(site, attempt=f"run{count}"), **options)
        spec = replace(spec, cache_folder=str(await cache_of(site, own)))
        provided = Provided(uses=(Need(tool="x", wanted=version),))
        await run_phases(site, workspace, spec, plan or plan_of(), Surroundings(provided=provided))
        assert (moved / "built").read_text() == (moved / "mods" / "when").read_text()
        return workspace

    return build


async def cache_of(site: Worksite, own: str = "app") -> Path:
    folder = site.folder / "caches" / own
    await site.host.make_folder(str(folder), owner=site.build)
    return folder


def when(workspace: Workspace) -> str:
    return Path(workspace.folder, "mods", "when").read_text()


def entries(site: Worksite, own: str = "app") -> list[Path]:
    return sorted((site.folder / "caches" / own / "installed").iterdir())


async def test_a_second_build_of_the_same_lock_file_installs_nothing(site: Worksite, build: Build) -> None:
    first = await build()
    assert site.names == ["recall install", "prepare", "install", "keep install", "build"]
    shutil.rmtree(first.folder)
    second = await build()
    assert site.names == ["recall install", "build"]
    assert site.said[0].startswith(NOTHING)
    tool = Path(second.folder, "mods/bin/tool")
    assert tool.read_text() == f"#!{second.folder}/mods/bin/run\n"
    assert tool.stat().st_mode & 0o777 == 0o555
    assert str(Path(second.folder, "mods/link").readlink()) == f"{second.folder}/lock"
    assert str(Path(second.folder, "mods/near").readlink()) == "bin/tool"
    assert not Path(second.folder, ".headway/recalled").exists()
    if site.build:
        assert tool.stat().st_uid == site.build.uid


async def test_whatever_else_it_follows_from_installs_anew(build: Build) -> None:
    seen = {
        when(await build()),
        when(await build(lock="two")),
        when(await build(version="2")),
        when(await build(plan_of(f"{MAKE} && true"))),
        when(await build(variables={"NPM_TOKEN": "x"})),
        when(await build(fresh=True)),
        when(await build(own="another application")),
    }
    assert len(seen) == 7


async def test_a_clean_build_takes_the_place_of_what_was_kept(site: Worksite, build: Build) -> None:
    await build()
    (entry,) = entries(site)
    made = when(await build(fresh=True))
    assert entries(site) == [entry]
    assert when(await build()) == made


async def test_what_is_older_than_a_month_is_made_anew_however_often_it_is_used(site: Worksite, build: Build) -> None:
    first = when(await build())
    (entry,) = entries(site)
    note = json.loads((entry / "note.json").read_text())
    (entry / "note.json").write_text(json.dumps({**note, "made": note["made"] - 31 * 86_400}))
    assert when(await build()) != first
    assert site.said[0] == "install: what was kept cannot be used and is dropped (it is older than 30 days)."


@pytest.mark.parametrize("name", ["RELEASE", "PACKAGES"])
async def test_another_list_of_packages_or_system_installs_anew(
    site: Worksite, build: Build, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    listed = site.folder / "listed"
    before = next(line for line in SCRIPT.splitlines() if line.startswith(f"{name} = "))
    changed = SCRIPT.replace(before, f'{name} = Path("{listed}")')
    monkeypatch.setattr("headway.drivers.builders.install_cache.SCRIPT", changed)
    listed.write_text("ID=debian\nVERSION_ID=12\n")
    listed.chmod(0o644)
    first = when(await build())
    assert when(await build()) == first
    listed.write_text("ID=debian\nVERSION_ID=13\n")
    assert when(await build()) != first


async def test_what_is_in_the_repository_already_is_neither_taken_nor_kept(site: Worksite, build: Build) -> None:
    plan = plan_of(MAKE, makes=("mods", "app"))
    await build(plan)
    await build(plan)
    assert site.names == ["recall install", "prepare", "install", "build"]


@pytest.mark.root
async def test_no_other_account_reads_or_changes_what_is_kept(site: Worksite, build: Build) -> None:
    await build()
    (entry,) = entries(site)
    attempts = (
        *(("ls", str(entry)), ("cat", str(entry / "note.json")), ("touch", str(entry / "0" / "more"))),
        *(("mv", str(entry), f"{entry}-mine"), ("ln", "-s", "/etc", str(entry.parent / "more"))),
    )
    for account in (site.runner, site.git):
        assert [succeeds_as(account, *argv) for argv in attempts] == [False] * len(attempts)
    await build()
    assert site.said[0].startswith(NOTHING)


def _cut(entry: Path) -> None:
    next(entry.glob("*/when")).unlink()


def _lie(entry: Path) -> None:
    (entry / "note.json").write_text(json.dumps({"made": 1, "folder": "/", "made_of": {"0": "../x"}, "names": [1]}))


def _lead_out(entry: Path) -> None:
    note = json.loads((entry / "note.json").read_text())
    (entry / "note.json").write_text(
        json.dumps({**note, "names": ["../../../etc/passwd", "/etc/passwd"], "size": None})
    )


def _garble(entry: Path) -> None:
    (entry / "note.json").write_bytes(b"\xff[[[[")


def _replace(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.symlink_to("/etc")


@pytest.mark.parametrize("harm", [_cut, _lie, _lead_out, _garble, _replace])
async def test_an_odd_cache_is_dropped_and_said(site: Worksite, build: Build, harm: Callable[[Path], None]) -> None:
    before = when(await build())
    (entry,) = entries(site)
    harm(entry)
    assert when(await build()) != before
    assert site.names == ["recall install", "prepare", "install", "keep install", "build"]
    assert site.said[0].startswith("install: what was kept cannot be used and is dropped (")
    await build()
    assert site.said[0].startswith(NOTHING)


async def test_what_a_recall_that_was_killed_has_left_is_removed_first(
    site: Worksite, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = when(await build())
    with monkeypatch.context() as patch:
        killed = SCRIPT.replace("        os.utime(place)\n", "        os.kill(os.getpid(), 9)\n", 1)
        patch.setattr("headway.drivers.builders.install_cache.SCRIPT", killed)
        second = await build()
    assert when(second) != first
    assert site.names == ["recall install", "clear install", "prepare", "install", "keep install", "build"]
    assert site.said[0] == "install: what was kept cannot be used and is dropped (it was ended by signal 9)."
    assert not Path(second.folder, ".headway/recalled").exists()
    await build()
    assert site.said[0].startswith(NOTHING)


async def test_half_of_a_copy_that_cannot_be_removed_fails_the_build(
    site: Worksite, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    await build()
    killed = SCRIPT.replace("        os.utime(place)\n", "        os.kill(os.getpid(), 9)\n", 1)
    stuck = killed.replace("    shutil.rmtree(path)\n", "    raise OSError(16, 'Device or resource busy')\n", 1)
    monkeypatch.setattr("headway.drivers.builders.install_cache.SCRIPT", stuck)
    with pytest.raises(BuildError, match=r"could not be removed \(Device or resource busy\)"):
        await build()


async def test_what_was_being_kept_when_the_build_was_killed_is_none(site: Worksite, build: Build) -> None:
    large = f"{MAKE} && for n in $(seq 3000); do echo $n > mods/$n; done"
    installed = site.folder / "caches" / "app" / "installed"

    async def kill() -> None:
        async with asyncio.timeout(60):
            while not any(installed.glob(".draft-*/*")):  # noqa: ASYNC110 - files tell nobody
                await asyncio.sleep(0.001)
        await (await site.anchor()).stop(StopMode.KILL)

    built, killed = await asyncio.gather(build(plan_of(large)), kill(), return_exceptions=True)
    assert killed is None
    assert isinstance(built, HeadwayError)
    assert [each for each in entries(site) if not each.name.startswith(".draft-")] == []
    for each in entries(site):
        os.utime(each, (1, 1))
    await build(plan_of(large))
    assert "prepare" in site.names
    await build(plan_of(large))
    assert site.names == ["recall install", "build"]
    assert len(entries(site)) == 1


async def test_a_full_disk_keeps_nothing_and_fails_nothing(
    site: Worksite, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.drivers.builders.install_cache._LEAST_FREE", 1 << 60)
    await build()
    assert "install: not kept for the next build (the disk has too little room)." in site.said
    assert entries(site) == []
    monkeypatch.setattr("headway.drivers.builders.install_cache._LEAST_FREE", 0)
    monkeypatch.setattr("headway.drivers.builders.install_cache._MOST_BYTES", 1)
    await build()
    assert any(each.startswith("install: not kept for the next build (it has 0 MiB, and at most") for each in site.said)


async def test_of_one_application_the_three_that_were_used_last_are_kept(site: Worksite, build: Build) -> None:
    for number, lock in enumerate(("a", "b", "c", "a", "d")):
        await build(lock=lock)
        newest = max(entries(site), key=lambda each: each.stat().st_mtime)
        os.utime(newest, (1_900_000_000 + number, 1_900_000_000 + number))
    assert len(entries(site)) == 3
    await build(lock="a")
    assert site.said[0].startswith(NOTHING)


async def test_two_builds_that_keep_the_same_at_once_keep_it_once(site: Worksite) -> None:
    cache = site.folder / "installed"
    running = []
    for number in range(4):
        folder = site.folder / f"release-{number}"
        (folder / "mods").mkdir(parents=True)
        (folder / "mods" / "file").write_text("x" * 100_000)
        asked = {
            "do": "keep",
            "cache": str(cache),
            "key": "k",
            "run": str(number),
            "makes": ["mods"],
            "most": 3,
            "fresh": False,
        }
        asked |= {"most_bytes": 1 << 30, "most_seconds": 1e9, "least_free": 0}
        started = await asyncio.create_subprocess_exec(
            *("/usr/bin/python3", "-I", "-c", SCRIPT), cwd=folder, stdin=PIPE, stdout=PIPE
        )
        running.append(started.communicate(json.dumps(asked).encode()))
    answers = [json.loads(out) for out, _ in await asyncio.gather(*running)]
    assert [sorted(answer) for answer in answers] == [["bytes"]] * 4
    assert [each.name for each in cache.iterdir()] == ["k"]


@pytest.mark.slow
async def test_a_virtual_environment_runs_at_its_new_place(site: Worksite, build: Build) -> None:
    wheel(site.folder / "wheels", "hello")
    first = Phase(name="venv", argv=("/usr/bin/python3", "-m", "venv", "mods"), follows=("lock",), makes=("mods",))
    pip = ("mods/bin/pip", "install", "--quiet", "--no-index", "--find-links", str(site.folder / "wheels"), "hello")
    install = replace(first, name="install", argv=("/bin/sh", "-c", f"{' '.join(pip)} && date +%s%N > mods/when"))
    plan = BuildPlan(provider="x", phases=(first, install, BUILD))
    shutil.rmtree((await build(plan)).folder)
    again = await build(plan)
    assert site.names == ["recall install", "build"]
    assert succeeds_as(site.build, f"{again.folder}/mods/bin/hello-run")
    assert succeeds_as(site.build, f"{again.folder}/mods/bin/pip", "--version")
    left = [each for each in Path(again.folder).rglob("*") if each.is_file() and b"release-001" in each.read_bytes()]
    assert left == []
