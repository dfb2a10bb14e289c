"""Which fields `headway composes set` sends, by where a compose service comes from."""

from __future__ import annotations

import pytest

from headway.cli.commands.composes import changed_source, moved_within
from headway.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("git", "customGitBranch"),
        ("github", "branch"),
        ("gitlab", "gitlabBranch"),
        ("gitea", "giteaBranch"),
        ("bitbucket", "bitbucketBranch"),
    ],
)
def test_a_branch_goes_where_it_is_read(source: str, field: str) -> None:
    assert moved_within("shop", source, "next", None) == {field: "next"}
    assert moved_within("shop", source, None, "a.yml") == {"composePath": "a.yml"}


@pytest.mark.parametrize(
    ("source", "branch", "path"), [("raw", "next", None), ("raw", None, "a.yml"), ("drop", "next", "a.yml")]
)
def test_what_has_no_branch_is_given_none(source: str, branch: str | None, path: str | None) -> None:
    with pytest.raises(InvalidInput, match=r"shop .* --git URL"):
        moved_within("shop", source, branch, path)


def test_an_upload_has_a_path_within() -> None:
    assert moved_within("shop", "drop", None, "a.yml") == {"composePath": "a.yml"}


def test_another_repository_begins_at_its_defaults() -> None:
    url = "https://git.example/a.git"
    whole = {"sourceType": "git", "customGitUrl": url, "customGitBranch": None, "composePath": "./docker-compose.yml"}
    assert changed_source(None, url, None, None) == whole
    given = {**whole, "customGitBranch": "next", "composePath": "a.yml"}
    assert changed_source(None, url, "next", "a.yml") == given
