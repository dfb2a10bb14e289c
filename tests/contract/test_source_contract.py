"""What every form of source promises: its newest state by a hash, laid out again as often as it is asked for."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from headway.drivers.sources.archive import ArchiveSource, ArchiveSpec, kept_at
from headway.drivers.sources.base import CommitMissing, Source, SourceError
from headway.drivers.sources.registry import SOURCES
from headway.drivers.sources.upload_archive import repack
from headway.kernel.artifacts import Commit
from headway.kernel.errors import InvalidInput
from tests.integration.sources.archives import zipped
from tests.integration.sources.repositories import Repository, owner_of, release_folder, source_of, tree
from tests.integration.worksite import IS_ROOT, Worksite, open_worksite

FILES = {"app.py": "print(1)\n", "web/index.html": "<p>one</p>\n"}
Make = Callable[[Mapping[str, str], str], Awaitable[Source]]
Form = Callable[[Worksite, Path], Make]


def git(site: Worksite, folder: Path) -> Make:
    """A repository of this machine, with a commit for each state."""
    repository = Repository(folder / "repository")

    async def make(files: Mapping[str, str], build_path: str) -> Source:
        repository.commit("A state", dict(files))
        return source_of(site, str(repository.path), build_path=build_path)

    return make


def archive(site: Worksite, folder: Path) -> Make:
    """Uploads."""
    kept = folder / "archives"
    kept.mkdir()

    async def make(files: Mapping[str, str], build_path: str) -> Source:
        digest = f"{len(list(kept.iterdir())):064x}"
        upload = zipped(folder / "upload", files)
        await repack(upload, Path(kept_at(str(kept), digest)), uid=None, most_bytes=1 << 20)
        spec = ArchiveSpec(digest=digest, name="shop.zip", author="Ann", build_path=build_path)
        return ArchiveSource(spec=spec, folder=str(kept), account=site.build)

    return make


FORMS: dict[str, Form] = {"git": git, "drop": archive}


@pytest.fixture(params=FORMS)
async def given(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Worksite, Make]]:
    with tempfile.TemporaryDirectory(prefix="headway-private-") as folder:
        async with open_worksite() as site:
            yield site, FORMS[request.param](site, Path(folder))


def test_every_form_is_held_against_the_contract() -> None:
    assert FORMS.keys() == SOURCES.keys()


async def test_the_newest_state_is_laid_out_for_the_build_account(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "/")
    commit = await source.fetch(site)
    workspace = await source.check_out(site, commit, release_folder(site))
    assert workspace.root == workspace.folder == release_folder(site)
    assert tree(workspace.root) == FILES
    assert commit.hash
    assert commit.subject
    if IS_ROOT:
        assert {owner_of(path) for path in Path(workspace.root).rglob("*")} == {site.build}


async def test_an_earlier_state_is_laid_out_again(given: tuple[Worksite, Make]) -> None:
    site, make = given
    before = await (await make(FILES, "/")).fetch(site)
    await site.begin_again()
    source = await make({**FILES, "app.py": "print(2)\n"}, "/")
    assert (await source.fetch(site)).hash != before.hash
    workspace = await source.check_out(site, before, release_folder(site))
    assert tree(workspace.root) == FILES


async def test_the_build_path_is_a_folder_of_it(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "web")
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert workspace.folder == f"{release_folder(site)}/web"


async def test_what_is_packed_is_what_is_laid_out(given: tuple[Worksite, Make], tmp_path: Path) -> None:
    site, make = given
    source = await make(FILES, "web")
    bundle, there = tmp_path / "x.tar", release_folder(site)
    assert await source.pack(site, await source.fetch(site), str(bundle))
    await site.host.make_folder(there, owner=site.build)
    subprocess.run(["tar", "--extract", f"--file={bundle}", f"--directory={there}"], check=True)
    assert tree(there) == FILES
    assert (await source.workspace(site, there)).folder == f"{there}/web"


async def test_what_is_not_kept_any_more_is_not_packed(given: tuple[Worksite, Make], tmp_path: Path) -> None:
    site, make = given
    source = await make(FILES, "/")
    commit = replace(await source.fetch(site), hash="f" * 40)
    with pytest.raises(CommitMissing, match="ffffffffffff"):
        await source.pack(site, commit, str(tmp_path / "x.tar"))


async def test_a_build_path_that_is_not_there_is_named(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "nowhere")
    commit = await source.fetch(site)
    with pytest.raises(SourceError, match="no folder 'nowhere'"):
        await source.check_out(site, commit, release_folder(site))


async def test_a_build_path_that_leads_out_is_refused_before_anything_is_fetched(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "../x")
    with pytest.raises(InvalidInput, match="leads out"):
        await source.fetch(site)


async def test_a_state_that_was_never_there_is_missing(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "/")
    commit = replace(await source.fetch(site), hash="f" * 40)
    with pytest.raises(CommitMissing, match="ffffffffffff"):
        await source.check_out(site, commit, release_folder(site))


async def test_a_run_that_is_taken_up_again_starts_nothing_twice(given: tuple[Worksite, Make]) -> None:
    site, make = given
    source = await make(FILES, "web")
    commits: list[Commit] = []
    for _ in range(2):
        commits.append(await source.fetch(site))
        await source.check_out(site, commits[-1], release_folder(site))
    assert commits[0] == commits[1]
    assert len(site.names) == len(set(site.names))
