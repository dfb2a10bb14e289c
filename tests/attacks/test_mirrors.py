"""What git fetches for one service is read by no other's git, and git has no right to spare."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headway.infra.hosts.command import Account
from headway.seams.sources.git import GitAccounts, keys_of
from headway.seams.sources.git_commands import own
from headway.seams.sources.remote import parse_remote
from tests.integration.sources.repositories import Repository, branch, owner_of, release_folder, source_of, tree
from tests.integration.worksite import Worksite
from tests.panel import Panel, git_repository, panel, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

_ONLY_READING = 1 << 2


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data") as started:
        yield started


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def repository(private: Path) -> Repository:
    made = Repository(private / "repository")
    made.commit("First", {"app.py": "print(1)\n"})
    return made


def all_of(mirror: Path) -> set[int]:
    """The accounts that something in a mirror belongs to."""
    return {each.lstat().st_uid for each in (mirror, *mirror.rglob("*"))}


def test_a_git_that_is_subverted_reads_no_mirror_of_another_service(host: Panel, tmp_path: Path) -> None:
    ids = [host.application(git_repository(tmp_path / name, web("1")), name=name) for name in ("mine", "theirs")]
    for each in ids:
        host.done(host.deploy(each))
    mine, theirs = (host.work / "mirrors" / each for each in ids)
    assert (theirs / "HEAD").is_file()
    (account,) = all_of(mine)
    subverted = ("setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "cat", str(theirs / "HEAD"))
    read = subprocess.run(subverted, capture_output=True, text=True, check=False)
    assert (read.stdout, "Permission denied" in read.stderr) == ("", True), read
    assert all_of(theirs).isdisjoint({account, 0})


async def test_a_mirror_of_before_is_taken_over_whole_also_where_that_was_cut_off(
    site: Worksite, repository: Repository
) -> None:
    before = source_of(site, str(repository.path), branch("main"))
    first = await before.fetch(site)
    mirror = site.folder / "git" / "mirror"
    assert site.git is not None
    assert all_of(mirror) == {site.git.uid}
    (mirror / "info" / "attributes").write_bytes(b"* -export-ignore -export-subst\n")  # as all of them were
    account = Account(uid=61_310, gid=61_310)
    cut_off = mirror / "objects"
    os.chown(cut_off, account.uid, account.gid)

    mine = source_of(site, str(repository.path), accounts=GitAccounts(git=account, build=site.build))
    await site.begin_again()
    repository.path.rename(repository.path.with_name("gone"))  # what is checked out again is not fetched for that
    workspace = await mine.check_out(site, first, release_folder(site))
    assert tree(workspace.root) == {"app.py": "print(1)\n"}
    assert all_of(mirror) == {account.uid}
    assert site.names == ["git-check-out-take-over", "git-check-out"]

    repository.path.with_name("gone").rename(repository.path)
    head = repository.commit("Second", {"x": "1"})
    await site.begin_again()
    assert (await mine.fetch(site)).hash == head
    assert all_of(mirror) == {account.uid}
    assert not any("take-over" in name for name in site.names)


async def test_mirrors_of_submodules_are_taken_over_as_well(
    site: Worksite, repository: Repository, private: Path
) -> None:
    part = Repository(private / "part")
    part.commit("Part", {"part.txt": "one"})
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", f"file://{part.path}", "lib")
    repository.commit("With a part", {})
    first = await source_of(site, str(repository.path), branch("main"), submodules=True).fetch(site)
    modules = site.folder / "git" / "mirror.modules"
    assert site.git is not None
    os.chown(modules, site.git.uid, site.git.gid)
    modules.chmod(0o700)  # as it was made before
    account = Account(uid=61_310, gid=61_310)
    accounts = GitAccounts(git=account, build=site.build)
    mine = source_of(site, str(repository.path), submodules=True, accounts=accounts)
    await site.begin_again()
    workspace = await mine.check_out(site, first, release_folder(site))
    assert tree(workspace.root)["lib/part.txt"] == "one"
    assert not any("again" in name for name in site.names), site.names


async def test_git_reads_a_folder_of_the_machine_with_the_right_to_read_and_no_other(
    site: Worksite, repository: Repository, private: Path
) -> None:
    told = site.folder / "told"
    told.mkdir()
    told.chmod(0o777)
    program = site.folder / "git-that-tells"
    program.write_text(
        f'#!/bin/sh\necho "$(id -u) $(sed -n s/^CapEff:.//p /proc/$$/status)" >> {told}/$$\nexec /usr/bin/git "$@"\n'
    )
    program.chmod(0o755)
    source = source_of(site, str(repository.path), branch("main"))
    await replace(source, git=replace(source.git, program=str(program))).fetch(site)
    assert private.stat().st_mode & 0o077 == 0, "nobody else gets there"
    assert site.git is not None
    seen = {line for each in told.iterdir() for line in each.read_text().splitlines()}
    assert seen == {f"{site.git.uid} {0:016x}", f"{site.git.uid} {_ONLY_READING:016x}"}
    assert owner_of(site.folder / "git" / "mirror") == site.git


def test_a_service_keeps_the_keys_of_its_own_host_only() -> None:
    known = (
        b"git.example.org,192.0.2.1 ssh-ed25519 AAAA\n"
        b"[git.example.org]:2222 ssh-ed25519 BBBB\n"
        b"other.example.org ssh-ed25519 CCCC\n"
    )
    kept = keys_of(known, parse_remote("ssh://git@git.example.org:2222/a.git", allow_file=False))
    assert kept == known[: known.index(b"other")]
    assert own("/m", Account(uid=1, gid=2)).stages[0].argv[-2:] == ("--", "/m")
