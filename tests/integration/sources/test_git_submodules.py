"""Repositories inside repositories, under the same rules as the outer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.drivers.sources.base import SourceError
from tests.integration.sources.repositories import Repository, branch, release_folder, source_of, tree
from tests.integration.sources.servers import serve_http
from tests.integration.worksite import Worksite


def add_submodule(outer: Repository, url: str, path: str, commit_hash: str) -> None:
    """As `git submodule add` does, without fetching anything."""
    modules = outer.path / ".gitmodules"
    text = modules.read_text() if modules.exists() else ""
    modules.write_text(f'{text}[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n\tupdate = !touch /tmp/ran\n')
    outer.git("add", ".gitmodules")
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit_hash},{path}")
    outer.git("commit", "-q", "-m", f"Add {path}")


@pytest.fixture
def library(private: Path) -> Repository:
    made = Repository(private / "library")
    made.commit("Library", {"lib.py": "L = 1\n"})
    return made


async def test_submodules_within_submodules(
    site: Worksite, repository: Repository, library: Repository, private: Path
) -> None:
    core = Repository(private / "core")
    pinned = core.commit("Core", {"core.py": "C = 1\n"})
    core.commit("Newer", {"core.py": "C = 2\n"})
    add_submodule(library, "../core", "vendor/core", pinned)
    add_submodule(repository, f"file://{library.path}", "lib", library.git("rev-parse", "HEAD"))
    add_submodule(repository, "../core", "core", pinned)
    source = source_of(site, str(repository.path), branch("main"), submodules=True)
    fetched = await source.fetch(site)
    assert "Fetched 3 submodules" in site.said
    await site.begin_again()
    for path in (core.path, library.path, repository.path):
        path.rename(path.with_name(f"{path.name}-gone"))
    workspace = await source.check_out(site, fetched, release_folder(site))
    found = tree(workspace.root)
    assert (found["lib/lib.py"], found["lib/vendor/core/core.py"]) == ("L = 1\n", "C = 1\n")
    assert found["core/core.py"] == "C = 1\n"
    assert not any("fetch" in name for name in site.names)
    assert not any("Not fetched" in each for each in site.said)


async def test_submodules_are_left_out_unless_they_are_asked_for(
    site: Worksite, repository: Repository, library: Repository
) -> None:
    add_submodule(repository, "../library", "lib", library.git("rev-parse", "HEAD"))
    source = source_of(site, str(repository.path), branch("main"))
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert list((Path(workspace.root) / "lib").iterdir()) == []
    (told,) = [each for each in site.said if each.startswith("Not fetched")]
    assert "so that lib is empty. With --submodules (headway apps set, headway composes set)" in told


async def test_files_that_lie_in_lfs_are_named_with_the_way_to_have_them(
    site: Worksite, repository: Repository
) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    files = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "small.bin": "x" * len(pointer)}
    repository.commit("Large files", {**files, "models/a.bin": pointer, "b\x1b[31m.bin": pointer})
    source = source_of(site, str(repository.path), branch("main"))
    await source.check_out(site, await source.fetch(site), release_folder(site))
    (told,) = [each for each in site.said if each.startswith("Not fetched")]
    assert "so that b [31m.bin, models/a.bin holds no more than where it lies" in told
    assert "git lfs migrate export" in told


async def test_a_repository_without_any(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"), submodules=True)
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert "app.py" in tree(workspace.root)


async def test_relative_submodules_over_http_with_the_token_of_their_site(
    site: Worksite, repository: Repository, library: Repository
) -> None:
    add_submodule(repository, "../../library/.git", "lib", library.git("rev-parse", "HEAD"))
    with serve_http(repository.path.parent, login="me:hunter2hunter2") as server:
        url = f"http://me:hunter2hunter2@127.0.0.1:{server.port}/app/.git"
        source = source_of(site, url, branch("main"), submodules=True)
        fetched = await source.fetch(site)
    workspace = await source.check_out(site, fetched, release_folder(site))
    assert tree(workspace.root)["lib/lib.py"] == "L = 1\n"


async def test_a_repository_from_elsewhere_may_not_point_into_the_machine(
    site: Worksite, repository: Repository, library: Repository
) -> None:
    add_submodule(repository, str(library.path), "lib", library.git("rev-parse", "HEAD"))
    with serve_http(repository.path.parent) as server:
        source = source_of(site, f"{server.url}/app/.git", branch("main"), submodules=True, allow_file=True)
        with pytest.raises(SourceError, match="submodule 'lib' cannot be fetched"):
            await source.fetch(site)


@pytest.mark.parametrize("url", ["ext::sh -c touch% /tmp/ran", "--upload-pack=touch /tmp/ran", "ftp://x/y"])
async def test_odd_transports(site: Worksite, repository: Repository, library: Repository, url: str) -> None:
    add_submodule(repository, url, "lib", library.git("rev-parse", "HEAD"))
    with pytest.raises(SourceError, match="submodule 'lib' cannot be fetched"):
        await source_of(site, str(repository.path), branch("main"), submodules=True).fetch(site)


async def test_a_commit_that_was_never_pushed(site: Worksite, repository: Repository, library: Repository) -> None:
    add_submodule(repository, "../library", "lib", "1" * 40)
    with pytest.raises(SourceError, match="Submodule 'lib': There is no commit 1111"):
        await source_of(site, str(repository.path), branch("main"), submodules=True).fetch(site)


async def test_a_gitmodules_that_is_broken(site: Worksite, repository: Repository) -> None:
    repository.commit("Broken", {".gitmodules": "[submodule\n"})
    with pytest.raises(SourceError, match=r"\.gitmodules of the repository cannot be read"):
        await source_of(site, str(repository.path), branch("main"), submodules=True).fetch(site)


@pytest.mark.slow
async def test_more_submodules_than_are_allowed(site: Worksite, repository: Repository, library: Repository) -> None:
    head = library.git("rev-parse", "HEAD")
    names = [f"lib{number}" for number in range(51)]
    text = "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = ../library\n' for name in names)
    repository.commit("Many", {".gitmodules": text})
    for name in names:
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},{name}")
    repository.git("commit", "-q", "-m", "Links")
    with pytest.raises(SourceError, match="more than 50 submodules"):
        await source_of(site, str(repository.path), branch("main"), submodules=True).fetch(site)
