"""What `headway deploy` makes of its argument, tried on real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headway.cli.checkout import Checkout, Folder, look_at, name_of
from headway.kernel.errors import InvalidInput

AUTHOR = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]


def checkout_of(given: str, branch: str | None = None, build_path: str | None = None) -> Checkout:
    """What an argument stands for, which must be a repository."""
    found = look_at(given, branch, build_path)
    assert isinstance(found, Checkout)
    return found


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "my shop"
    (top / "web").mkdir(parents=True)
    (top / "web/app.py").write_text("print('hello')\n")
    git(tmp_path, "init", "-q", "-b", "trunk", str(top))
    git(top, "add", ".")
    git(top, *AUTHOR, "commit", "-q", "-m", "First")
    return top


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/ann/My_Shop.git", "my-shop"),
        ("https://example.com/ann/shop/", "shop"),
        ("git@example.com:ann/shop.git", "shop"),
        ("example.com:shop", "shop"),
        ("ssh://git@example.com:2222/ann/shop", "shop"),
        ("file:///srv/my%20shop", "my-shop"),
        ("https://example.com", ""),
    ],
)
def test_an_address_is_taken_as_it_is_and_names_the_application(url: str, name: str) -> None:
    checkout = checkout_of(url, None, None)
    assert (checkout.url, checkout.branch, checkout.build_path, checkout.name) == (url, None, "/", name)
    assert name_of(url) == name


def test_a_folder_is_deployed_by_its_repository_branch_and_place_in_it(repository: Path) -> None:
    top = checkout_of(str(repository), None, None)
    assert top.url == "file://" + str(repository).replace(" ", "%20")
    assert (top.branch, top.build_path, top.name, top.warning) == ("trunk", "/", "my-shop", None)
    below = checkout_of(str(repository / "web"), None, None)
    assert (below.url, below.branch, below.build_path, below.name) == (top.url, "trunk", "/web", "web")


def test_the_address_of_a_folder_is_one_that_git_can_fetch(repository: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"100%20 \xff#?")
    repository.rename(odd)
    git(tmp_path, "ls-remote", "--exit-code", checkout_of(str(odd), None, None).url, "refs/heads/trunk")


def test_branch_and_build_path_can_be_said(repository: Path) -> None:
    checkout = checkout_of(str(repository), "live", "web")
    assert (checkout.branch, checkout.build_path, checkout.name) == ("live", "/web", "web")
    assert checkout_of("https://example.com/a", "live", "web").build_path == "web"


def test_uncommitted_changes_are_warned_of_where_they_matter(repository: Path) -> None:
    (repository / "new.txt").write_text("new")
    assert checkout_of(str(repository), None, None).warning == (
        "1 file has changes that are not committed and will not be deployed."
    )
    assert checkout_of(str(repository / "web"), None, None).warning is None
    (repository / "web/app.py").write_text("changed")
    assert str(checkout_of(str(repository), None, None).warning).startswith("2 files have")


def test_a_link_to_a_work_tree_is_followed(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository / "web")
    assert checkout_of(str(tmp_path / "link"), None, None).build_path == "/web"


def test_another_work_tree_of_a_repository(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    checkout = checkout_of(str(tmp_path / "side"), None, None)
    assert (checkout.url, checkout.branch) == (f"file://{tmp_path / 'side'}", "side")
    git(tmp_path, "ls-remote", "--exit-code", checkout.url, "refs/heads/side")


def test_a_folder_without_a_repository_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    assert look_at(str(folder), None, "web") == Folder(path=folder, build_path="web", name="my-shop")
    assert look_at(str(folder), None, None).build_path == "/"
    with pytest.raises(InvalidInput, match="has no branch live"):
        look_at(str(folder), "live", None)


def test_without_git_a_folder_in_no_repository_is_taken_as_it_is(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(look_at(str(tmp_path), None, None), Folder)
    with pytest.raises(InvalidInput, match="git is not installed"):
        look_at(str(repository / "web"), None, None)


def test_nobody_deploys_all_that_is_theirs_by_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InvalidInput, match="give the folder of the application"):
        look_at(str(tmp_path), None, None)


def test_a_repository_without_a_commit_says_how_to_make_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(InvalidInput, match=r"has no commit yet.*commit -m"):
        look_at(str(tmp_path), None, None)


def test_a_detached_head_asks_for_a_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    with pytest.raises(InvalidInput, match="--branch NAME"):
        look_at(str(repository), None, None)
    assert checkout_of(str(repository), "trunk", None).branch == "trunk"


def test_a_bare_repository_is_named_by_its_address(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    with pytest.raises(InvalidInput, match=r"file://.*bare\.git"):
        look_at(str(tmp_path / "bare.git"), None, None)


@pytest.mark.parametrize(("given", "sentence"), [("/no/such/folder", "There is no folder"), (__file__, "is a file")])
def test_what_is_neither_folder_nor_address(given: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        look_at(given, None, None)
