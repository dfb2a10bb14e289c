"""Repositories in folders of this machine: what is fetched and laid out, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.drivers.sources.base import CommitMissing, SourceError
from headway.drivers.sources.git import UNDOS, GitAccounts
from headway.drivers.sources.mirror import UNDO_FETCH
from headway.drivers.sources.ref import Ref
from headway.kernel.artifacts import Commit
from headway.kernel.errors import InvalidInput
from tests.integration.sources.repositories import (
    Repository,
    branch,
    commit,
    owner_of,
    release_folder,
    source_of,
    tag,
    tree,
)
from tests.integration.worksite import Worksite

FILES = {"app.py": "print(1)\n", "web/index.html": "<p>one</p>\n"}


async def test_a_branch_is_fetched_and_laid_out(site: Worksite, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    source = source_of(site, str(repository.path), branch("main"))
    fetched = await source.fetch(site)
    assert fetched == Commit(hash=head, subject="First", author="Ann", branch="main")
    workspace = await source.check_out(site, fetched, release_folder(site))
    assert workspace.folder == workspace.root == release_folder(site)
    assert tree(workspace.root) == FILES
    assert site.said[0] == f"Fetched main of file://{repository.path}"


async def test_the_default_branch(site: Worksite, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "trunk")
    head = repository.commit("On trunk", {"x": "1"})
    fetched = await source_of(site, f"file://{repository.path}").fetch(site)
    assert (fetched.hash, fetched.branch) == (head, "trunk")


async def test_what_is_there_already_is_not_fetched_again(site: Worksite, repository: Repository) -> None:
    source = source_of(site, f"file://{repository.path}")
    first = await source.fetch(site)
    assert any("fetch" in name for name in site.names)
    await site.begin_again()
    assert await source.fetch(site) == first
    assert not any("fetch" in name for name in site.names)
    await site.begin_again()
    head = repository.commit("Second", {"x": "1"})
    assert (await source.fetch(site)).hash == head
    assert any("fetch" in name for name in site.names)


async def test_a_repository_whose_head_is_no_branch(site: Worksite, repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")
    head = repository.commit("Afloat", {"x": "1"})
    fetched = await source_of(site, str(repository.path)).fetch(site)
    assert (fetched.hash, fetched.branch) == (head, "")


@pytest.mark.parametrize("annotated", [True, False])
async def test_a_tag(site: Worksite, repository: Repository, annotated: bool) -> None:  # noqa: FBT001 - a case
    head = repository.git("rev-parse", "HEAD")
    repository.git("tag", *(("-a", "-m", "release") if annotated else ()), "v1")
    repository.commit("Second", {"x": "1"})
    fetched = await source_of(site, str(repository.path), tag("v1")).fetch(site)
    assert (fetched.hash, fetched.branch) == (head, "v1")


@pytest.mark.parametrize("digits", [40, 8])
async def test_a_commit_by_its_hash_long_or_short(site: Worksite, repository: Repository, digits: int) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.commit("Second", {"x": "1"})
    source = source_of(site, str(repository.path), commit(head[:digits]))
    fetched = await source.fetch(site)
    assert fetched == Commit(hash=head, subject="First", author="Ann", branch="")
    workspace = await source.check_out(site, fetched, release_folder(site))
    assert tree(workspace.root) == FILES


async def test_a_deploy_needs_few_commands_and_a_redeploy_one(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    first = await source.fetch(site)
    assert site.names == ["git-init", "git-fetch", "git-commit"]
    await site.begin_again()
    repository.commit("Second", {"x": "1"})
    await source.fetch(site)
    assert site.names == ["git-fetch", "git-commit"]
    await site.begin_again()
    repository.path.rename(repository.path.with_name("gone"))
    workspace = await source.check_out(site, first, release_folder(site))
    assert site.names == ["git-check-out"]
    assert tree(workspace.root) == FILES


async def test_a_run_that_is_taken_up_again_starts_nothing_twice(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    first = await source.fetch(site)
    names = list(site.names)
    repository.commit("Second", {"x": "1"})
    assert await source.fetch(site) == first
    assert site.names == names


async def test_history_stays_where_it_is(site: Worksite, repository: Repository) -> None:
    for number in range(5):
        repository.commit(f"Number {number}", {"n": str(number)})
    await source_of(site, str(repository.path), branch("main")).fetch(site)
    mirror = str(site.folder / "git" / "mirror")
    listed = ("-c", "safe.directory=*", "--git-dir", mirror, "rev-list", "--count", "refs/headway/source")
    assert repository.git(*listed) == "1"


async def test_a_commit_that_the_mirror_lost_is_fetched_again(site: Worksite, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.commit("Second", {"x": "1"})
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    lost = Commit(hash=head, subject="First", author="Ann", branch="main")
    workspace = await source.check_out(site, lost, release_folder(site))
    assert tree(workspace.root) == FILES
    assert any("is fetched again" in line for line in site.said)


async def test_a_commit_is_fetched_again_where_even_the_mirror_is_gone(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    first = await source.fetch(site)
    await site.host.remove_tree(str(site.folder / "git"))
    await site.begin_again()
    workspace = await source.check_out(site, first, release_folder(site))
    assert tree(workspace.root) == FILES


async def test_a_commit_that_is_nowhere_any_more(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    gone = Commit(hash="1" * 40, subject="", author="", branch="main")
    with pytest.raises(CommitMissing, match="There is no commit 1111"):
        await source.check_out(site, gone, release_folder(site))


@pytest.mark.root
async def test_mirror_and_workspace_belong_to_accounts_of_their_own(site: Worksite, repository: Repository) -> None:
    (repository.path / "run.sh").write_text("#!/bin/sh\n")
    (repository.path / "run.sh").chmod(0o4777)
    repository.commit("Second", {"x": "1"})
    source = source_of(site, str(repository.path), branch("main"))
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    mirror, root = site.folder / "git" / "mirror", Path(workspace.root)
    assert {owner_of(path) for path in (mirror, *mirror.rglob("*"))} == {site.git}
    assert {owner_of(path) for path in (root, *root.rglob("*"))} == {site.build}
    assert oct((root / "run.sh").stat().st_mode) == "0o100755"
    assert oct((root / "app.py").stat().st_mode) == "0o100644"


async def test_every_file_of_the_commit_arrives_as_it_is(site: Worksite, repository: Repository) -> None:
    attributes = "secret export-ignore\nversion export-subst\n"
    repository.commit("Second", {".gitattributes": attributes, "secret": "here", "version": "$Format:%H$\n"})
    source = source_of(site, str(repository.path), branch("main"))
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    found = tree(workspace.root)
    assert (found["secret"], found["version"]) == ("here", "$Format:%H$\n")


async def test_no_hook_runs(site: Worksite, repository: Repository) -> None:
    """Neither of the repository that is fetched from, nor of the mirror, however they came there."""
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    await site.begin_again()
    repository.commit("Second", {"x": "1"})
    mirror = site.folder / "git" / "mirror"
    mark = mirror / "ran"
    for folder in (repository.path / ".git", mirror):
        (folder / "hooks").mkdir(exist_ok=True)
        for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"):
            (folder / "hooks" / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
            (folder / "hooks" / name).chmod(0o755)
    fetched = await source.fetch(site)
    assert fetched.subject == "Second"
    await source.check_out(site, fetched, release_folder(site))
    assert not mark.exists()
    plain = ("-c", "safe.directory=*", f"--git-dir={mirror}")
    repository.git(*plain, "update-ref", "refs/heads/other", fetched.hash)
    assert mark.exists(), "a git without our settings runs them"


async def test_a_forced_push_is_followed(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    repository.git("commit", "-q", "--amend", "-m", "Rewritten")
    await site.begin_again()
    assert (await source.fetch(site)).subject == "Rewritten"


async def test_a_shallow_repository_can_be_fetched_from(site: Worksite, repository: Repository, private: Path) -> None:
    head = repository.commit("Second", {"x": "1"})
    repository.git("clone", "-q", "--depth=1", f"file://{repository.path}", str(private / "shallow"))
    assert (await source_of(site, str(private / "shallow"), branch("main")).fetch(site)).hash == head


async def test_what_a_fetch_left_unfinished_is_taken_away_by_its_undo(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"))
    fetched = await source.fetch(site)
    left = site.folder / "git" / "mirror" / "objects" / "pack" / "tmp_pack_AbCdEf"
    left.write_text("half of a pack")

    assert [name for name, _ in site.undos] == [UNDO_FETCH]
    for name, data in site.undos:
        await UNDOS[name](site.host, data)
        await UNDOS[name](site.host, data)

    assert not left.exists()
    await source.check_out(site, fetched, release_folder(site))


async def test_what_a_failed_fetch_left_unfinished_is_gone_before_the_run_ends(
    site: Worksite, repository: Repository
) -> None:
    """The disk may be full with it, and then nothing more can be recorded."""
    source = source_of(site, str(repository.path), branch("main"))
    await source.fetch(site)
    left = site.folder / "git" / "mirror" / "objects" / "pack" / "tmp_pack_AbCdEf"
    left.write_text("half of a pack")
    repository.path.rename(repository.path.with_name("elsewhere"))
    await site.begin_again()

    with pytest.raises(SourceError):
        await source.fetch(site)

    assert not left.exists()


async def test_text_of_strangers_is_made_fit_to_show(site: Worksite, repository: Repository) -> None:
    repository.commit("\x1b[31mred\u202e" + "x" * 500, {})
    fetched = await source_of(site, str(repository.path), branch("main")).fetch(site)
    assert fetched.subject.startswith("[31mred x")
    assert len(fetched.subject) == 200
    assert "\x1b" not in await site.log()


async def test_a_panel_without_accounts(site: Worksite, repository: Repository) -> None:
    source = source_of(site, str(repository.path), branch("main"), accounts=GitAccounts())
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert tree(workspace.root) == FILES


@pytest.mark.parametrize("name", ["a b", "it's", 'q"uote', "$(touch x)", "ünï", "per%20cent", "back\\slash", "a:b"])
async def test_folders_with_odd_names(site: Worksite, private: Path, name: str) -> None:
    odd = Repository(private / name)
    head = odd.commit("First", {"a": "1"})
    assert (await source_of(site, str(odd.path), branch("main")).fetch(site)).hash == head


@pytest.mark.parametrize("name", ["$(touch${IFS}x)", "a'b", 'a"b', "a;b", "ünï/code", "a&b|c"])
async def test_branches_with_odd_names(site: Worksite, repository: Repository, name: str) -> None:
    repository.git("branch", name)
    assert (await source_of(site, str(repository.path), branch(name)).fetch(site)).branch == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nope", r"There is no branch 'nope' in .*app\. Its branches are: 'main', 'other'\."),
        ("v1", r"'v1' is a tag of .*app, not a branch"),
    ],
)
async def test_an_unknown_branch(site: Worksite, repository: Repository, name: str, sentence: str) -> None:
    repository.git("tag", "v1")
    repository.git("branch", "other")
    with pytest.raises(SourceError, match=sentence):
        await source_of(site, str(repository.path), branch(name)).fetch(site)


@pytest.mark.parametrize("digits", [40, 10])
async def test_an_unknown_commit(site: Worksite, repository: Repository, digits: int) -> None:
    with pytest.raises(SourceError, match="There is no commit 1111111111"):
        await source_of(site, str(repository.path), commit("1" * digits)).fetch(site)


async def test_a_tag_of_no_commit(site: Worksite, repository: Repository) -> None:
    repository.git("tag", "tree", "HEAD^{tree}")
    with pytest.raises(SourceError, match=r"Tag 'tree' of .* does not lead to a commit"):
        await source_of(site, str(repository.path), tag("tree")).fetch(site)


@pytest.mark.parametrize("ref", [None, branch("main")])
async def test_an_empty_repository(site: Worksite, private: Path, ref: Ref | None) -> None:
    with pytest.raises(SourceError, match="is empty: push a first commit"):
        await source_of(site, str(Repository(private / "empty").path), ref).fetch(site)


async def test_a_default_branch_that_was_never_pushed(site: Worksite, repository: Repository) -> None:
    repository.git("symbolic-ref", "HEAD", "refs/heads/never")
    with pytest.raises(SourceError, match=r"default branch of .* does not exist\. Name the branch"):
        await source_of(site, str(repository.path)).fetch(site)


@pytest.mark.parametrize("name", ["none", "folder"])
async def test_no_repository_there(site: Worksite, private: Path, name: str) -> None:
    (private / "folder").mkdir()
    with pytest.raises(SourceError, match=f"There is no repository at file:///.*/{name}, or"):
        await source_of(site, str(private / name), branch("main")).fetch(site)


async def test_folders_are_for_those_who_may(site: Worksite, repository: Repository) -> None:
    with pytest.raises(InvalidInput, match="may use the machine"):
        await source_of(site, str(repository.path), branch("main"), allow_file=False).fetch(site)
    assert site.names == []


@pytest.mark.parametrize("build_path", ["web", "/web/", "./web/../web"])
async def test_a_build_path(site: Worksite, repository: Repository, build_path: str) -> None:
    source = source_of(site, str(repository.path), branch("main"), build_path=build_path)
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert workspace.root == release_folder(site)
    assert workspace.folder == f"{release_folder(site)}/web"


async def test_a_build_path_by_a_link_that_stays_inside(site: Worksite, repository: Repository) -> None:
    repository.link("current", "web")
    repository.commit("Link", {})
    source = source_of(site, str(repository.path), branch("main"), build_path="current")
    workspace = await source.check_out(site, await source.fetch(site), release_folder(site))
    assert workspace.folder == f"{release_folder(site)}/web"


@pytest.mark.parametrize(
    ("build_path", "sentence"),
    [
        ("nope", "There is no folder 'nope'"),
        ("app.py", r"There is no folder 'app\.py'"),
        ("out", "leads out of the repository by a symbolic link"),
        ("out/lib", "leads out of the repository by a symbolic link"),
        ("up", "leads out of the repository by a symbolic link"),
        ("loop", "There is no folder 'loop'"),
    ],
)
async def test_a_build_path_that_is_none(
    site: Worksite, repository: Repository, build_path: str, sentence: str
) -> None:
    repository.link("out", "/usr")
    repository.link("up", "..")
    repository.link("loop", "loop")
    repository.commit("Links", {})
    source = source_of(site, str(repository.path), branch("main"), build_path=build_path)
    fetched = await source.fetch(site)
    with pytest.raises(SourceError, match=sentence):
        await source.check_out(site, fetched, release_folder(site))
