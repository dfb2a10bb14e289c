"""What a remote tells of its default branch."""

from __future__ import annotations

import pytest

from headway.drivers.sources.mirror import Head, read_head
from headway.drivers.sources.ref import Ref, RefKind

HASH = "a" * 40
MAIN = Ref(kind=RefKind.BRANCH, name="main")


@pytest.mark.parametrize(
    ("listing", "head"),
    [
        (f"ref: refs/heads/main\tHEAD\n{HASH}\tHEAD\n", Head(branch=MAIN, commit_hash=HASH)),
        (f"warning: something\n{HASH}\tHEAD\n", Head(branch=None, commit_hash=HASH)),
        ("ref: refs/heads/main\tHEAD\n", Head(branch=MAIN, commit_hash=None)),
        (f"ref: refs/heads/main\tHEAD\n{'b' * 64}\tHEAD\n", Head(branch=MAIN, commit_hash="b" * 64)),
        (f"{HASH}\trefs/heads/HEAD\nnonsense\tHEAD\n", None),
        ("", None),
    ],
)
def test_head_is_a_branch_and_a_commit(listing: str, head: Head | None) -> None:
    assert read_head(listing) == head
