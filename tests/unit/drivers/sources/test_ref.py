"""Names of branches, tags and commits, as git allows them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.sources.ref import Ref, RefKind
from headway.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    "name",
    [
        *("", "-x", "--upload-pack=x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a@{1}", "/a"),
        *("a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "a\nb", "a\0b", "a\x7f", "x" * 300),
    ],
)
@pytest.mark.parametrize("kind", [RefKind.BRANCH, RefKind.TAG])
def test_names_that_git_does_not_allow(kind: RefKind, name: str) -> None:
    with pytest.raises(InvalidInput, match="git does not allow"):
        Ref(kind=kind, name=name)


@pytest.mark.parametrize(
    "name", ["main", "feature/ä-1", "v1.0", "a@b", "release-2.x", "$(reboot)", "a'b", 'a"b', "a;b"]
)
def test_names_that_git_allows(name: str) -> None:
    assert Ref(kind=RefKind.BRANCH, name=name).remote_name == f"refs/heads/{name}"
    assert Ref(kind=RefKind.TAG, name=name).remote_name == f"refs/tags/{name}"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab./@{-~^: *\\\x01lock", min_size=1, max_size=8))
def test_what_is_allowed_here_is_allowed_by_git(name: str) -> None:
    try:
        ref = Ref(kind=RefKind.BRANCH, name=name)
    except InvalidInput:
        return
    assert subprocess.run(["git", "check-ref-format", ref.remote_name], check=False).returncode == 0


@pytest.mark.parametrize("name", ["", "abc", "HEAD", "ABCDEF1", "g" * 40, "a" * 65, "a" * 40 + "\n", "-abcdef1"])
def test_what_is_no_hash(name: str) -> None:
    with pytest.raises(InvalidInput, match="hexadecimal"):
        Ref(kind=RefKind.COMMIT, name=name)


@pytest.mark.parametrize(
    ("name", "is_short"), [("a" * 7, True), ("a" * 39, True), ("a" * 40, False), ("a" * 64, False)]
)
def test_short_hashes(name: str, is_short: bool) -> None:  # noqa: FBT001 - a case
    assert Ref(kind=RefKind.COMMIT, name=name).is_short_hash is is_short
