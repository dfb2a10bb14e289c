"""Where a forge shows two commits: by the address that git fetches, or not at all."""

from __future__ import annotations

import pytest

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.comparison_links import comparison_link

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("url", "forge", "link"),
    [
        ("https://github.com/team/shop.git", None, f"https://github.com/team/shop/compare/{A}...{B}"),
        ("https://user:secret@github.com/team/shop", None, f"https://github.com/team/shop/compare/{A}...{B}"),
        ("git@github.com:team/shop.git", None, f"https://github.com/team/shop/compare/{A}...{B}"),
        ("ssh://git@gitlab.com:2222/a/b/c.git", None, f"https://gitlab.com/a/b/c/-/compare/{A}...{B}"),
        ("https://codeberg.org/team/shop", None, f"https://codeberg.org/team/shop/compare/{A}...{B}"),
        ("https://bitbucket.org/team/shop", None, f"https://bitbucket.org/team/shop/branches/compare/{B}%0D{A}"),
        ("https://git.example:3000/t/s", ForgeName.GITEA, f"https://git.example:3000/t/s/compare/{A}...{B}"),
        ("https://git.example/t/s", ForgeName.GITLAB, f"https://git.example/t/s/-/compare/{A}...{B}"),
        ("https://git.example/team/shop", None, None),
        ("https://github.com/shop", None, None),
        ("/srv/git/team/shop", ForgeName.GITHUB, None),
        ("file:///srv/team/shop", ForgeName.GITHUB, None),
        ("javascript://github.com/a/b", None, None),
        ("https://[bad/a/b", None, None),
        ("", None, None),
    ],
)
def test_the_link_follows_from_the_address(url: str, forge: ForgeName | None, link: str | None) -> None:
    assert comparison_link(url, A, B, forge) == link


@pytest.mark.parametrize(("before", "after"), [(A, A), ("HEAD", B), (A, "../../x"), ("", B), (A, B.upper())])
def test_only_two_commits_are_compared(before: str, after: str) -> None:
    assert comparison_link("https://github.com/team/shop", before, after) is None
