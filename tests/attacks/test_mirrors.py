"""What git fetches for one service is read by no other's git, and git has no right to spare."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headway.drivers.sources.base import SourceError
from headway.drivers.sources.git import GitAccounts, keys_of
from headway.drivers.sources.git_commands import own
from headway.drivers.sources.remote import parse_remote
from headway.infra.hosts.command import Account
from tests.integration.sources.repositories import Repository, branch, owner_of, release_folder, source_of, tree
from tests.integration.sources.servers import serve_ssh
from tests.integration.worksite import Worksite
from tests.support.panel.panel import Panel, git_repository, panel, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

_ONLY_READING = 1 << 2
_ONLY_FILES = 1 << 1


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


def program_of(site: Worksite, name: str, lines: str) -> str:
    """A program for git's account."""
    program = site.folder / name
    program.write_text(f"#!/bin/sh\n{lines}")
    program.chmod(0o755)
    return str(program)


def git_that_tells(site: Worksite) -> tuple[str, Path]:
    """A git that writes into a folder who it is and what it may."""
    told = site.folder / "told"
    told.mkdir()
    told.chmod(0o777)
    who = "$(id -u) $(sed -n s/^CapEff:.//p /proc/$$/status)"
    return program_of(site, "git-that-tells", f'echo "{who}" >> {told}/$$\nexec /usr/bin/git "$@"\n'), told


def seen(told: Path) -> set[str]:
    return {line for each in told.iterdir() for line in each.read_text().splitlines()}


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
    source = source_of(site, str(repository.path), branch("main"))
    program, told = git_that_tells(site)
    await replace(source, git=replace(source.git, program=program)).fetch(site)
    assert private.stat().st_mode & 0o077 == 0, "nobody else gets there"
    assert site.git is not None
    assert seen(told) == {f"{site.git.uid} {0:016x}", f"{site.git.uid} {_ONLY_READING:016x}"}
    assert owner_of(site.folder / "git" / "mirror") == site.git


@pytest.mark.parametrize(
    "said",
    ["No user exists for uid 61310", "unshare: unshare failed: Operation not permitted", "You don't exist, go away!"],
)
async def test_no_word_of_a_server_has_git_run_as_root(site: Worksite, said: str) -> None:
    program, told = git_that_tells(site)
    ssh = program_of(site, "ssh-that-is-told", f'echo "{said}" >&2\nexit 255\n')
    source = source_of(site, "ssh://git@git.example/r", branch("main"), allow_file=False)
    mine = replace(source, git=replace(source.git, program=program, ssh=ssh))
    with pytest.raises(SourceError):
        await mine.fetch(site)
    assert site.git is not None
    assert seen(told) == {f"{site.git.uid} {0:016x}"}
    await site.begin_again()
    with pytest.raises(SourceError):
        await mine.head(site)
    assert seen(told) == {f"{site.git.uid} {0:016x}"}


async def test_where_ssh_starts_under_no_account_root_fetches_with_the_right_to_files_and_no_other(
    site: Worksite, repository: Repository, private: Path
) -> None:
    head = repository.git("rev-parse", "HEAD")
    program, told = git_that_tells(site)
    refused = program_of(site, "unshare-that-is-refused", "exit 1\n")
    (private / "ssh").mkdir()
    with serve_ssh(private / "ssh") as server:
        url = f"ssh://root@127.0.0.1:{server.port}{repository.path}"
        source = source_of(site, url, branch("main"), ssh_key=server.key, allow_file=False)
        mine = replace(source, git=replace(source.git, program=program, unshare=refused))
        assert (await mine.fetch(site)).hash == head
    assert site.git is not None
    assert seen(told) == {f"{site.git.uid} {0:016x}", f"0 {_ONLY_FILES:016x}"}
    assert all_of(site.folder / "git" / "mirror") == {site.git.uid}
    known = site.folder / "git" / "known_hosts"
    assert (owner_of(known), f"[127.0.0.1]:{server.port}" in known.read_text()) == (site.git, True)


def test_a_service_keeps_the_keys_of_its_own_host_only() -> None:
    known = (
        b"git.example.org,192.0.2.1 ssh-ed25519 AAAA\n"
        b"[git.example.org]:2222 ssh-ed25519 BBBB\n"
        b"other.example.org ssh-ed25519 CCCC\n"
    )
    kept = keys_of(known, parse_remote("ssh://git@git.example.org:2222/a.git", allow_file=False))
    assert kept == known[: known.index(b"other")]
    assert own("/m", Account(uid=1, gid=2)).stages[0].argv[-2:] == ("--", "/m")
