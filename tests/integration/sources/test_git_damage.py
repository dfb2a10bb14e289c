"""Repositories and copies of them that are damaged: which of the two is, and what is done about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headway.drivers.sources.base import SourceError
from tests.integration.sources.repositories import ENV, Repository, branch, release_folder, source_of
from tests.integration.worksite import CommandFailed, Worksite

SAFE = {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


# Packs that git cannot read it fetches again by itself.
@pytest.mark.parametrize(("damage", "is_made_anew"), [("lock", True), ("packs", False), ("config", True)])
async def test_a_damaged_mirror_is_mended(
    site: Worksite, repository: Repository, damage: str, *, is_made_anew: bool
) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    mirror = site.folder / "git" / "mirror"
    match damage:
        case "lock":
            (mirror / "shallow.lock").touch()
        case "packs":
            for path in [path for path in (mirror / "objects").rglob("*") if path.is_file()]:
                path.chmod(0o600)
                path.write_bytes(b"")
        case _:
            (mirror / "config").write_text("[broken\n")
    head = repository.commit("Second", {"x": "1"})
    await site.begin_again()
    assert (await source.fetch(site)).hash == head
    assert ("git-discard-anew" in site.names) is is_made_anew


@pytest.mark.parametrize("damage", ["missing", "altered"])
async def test_a_mirror_that_has_lost_a_file_of_the_same_commit_is_made_anew_at_its_check_out(
    site: Worksite, repository: Repository, damage: str
) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    fetched = await source.fetch(site)
    mirror = site.folder / "git" / "mirror"
    _unpack(mirror)
    _harm(mirror, repository.git("rev-parse", "HEAD:app.py"), damage)
    await site.begin_again()
    assert await source.fetch(site) == fetched  # it is what was fetched last
    await source.check_out(site, fetched, release_folder(site))
    assert (Path(release_folder(site)) / "app.py").read_text() == (repository.path / "app.py").read_text()
    assert any("is no good, and is made anew" in line for line in site.said)


@pytest.mark.parametrize("damage", ["missing", "altered", "empty commit"])
async def test_a_damaged_repository_is_told_as_that(site: Worksite, repository: Repository, damage: str) -> None:
    what = "HEAD" if "commit" in damage else "HEAD:app.py"
    _harm(repository.path / ".git", repository.git("rev-parse", what), damage)
    with pytest.raises(SourceError, match=rf"The repository .*{repository.path.name} is damaged itself.* git fsck"):
        await source_of(site, str(repository.path), branch("main")).fetch(site)
    assert not any("discard" in name for name in site.names), "its copy is not to blame"


async def test_a_disk_that_takes_no_files_is_not_told_as_a_damaged_repository(
    site: Worksite, repository: Repository
) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    fetched = await source.fetch(site)
    folder = Path(release_folder(site))
    folder.mkdir(mode=0o755, parents=True)
    (folder / "app.py").mkdir()
    (folder / "app.py" / "in the way").touch()
    with pytest.raises(CommandFailed, match="git-check-out"):
        await source.check_out(site, fetched, str(folder))
    assert not any("discard" in name for name in site.names)


def _unpack(mirror: Path) -> None:
    """Each object in a file of its own, with the owner of the mirror."""
    owner = mirror.stat()
    for pack in (mirror / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for path in pack.parent.glob(f"{pack.stem}.*"):
            path.unlink()
        argv = ["git", "--git-dir", str(mirror), "unpack-objects", "-q"]
        subprocess.run(argv, input=data, env={**ENV, "GIT_CONFIG_COUNT": "1", **SAFE}, check=True)
    for path in (mirror / "objects").rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)


def _harm(git: Path, name: str, damage: str) -> None:
    file = git / "objects" / name[:2] / name[2:]
    file.chmod(0o600)
    match damage:
        case "missing":
            file.unlink()
        case "altered":
            file.write_text("nothing that git has written")
        case "empty commit":
            file.write_text("")
