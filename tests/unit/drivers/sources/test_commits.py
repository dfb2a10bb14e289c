"""What is read of a commit, whoever wrote it."""

from __future__ import annotations

import pytest

from headway.drivers.sources.commits import read_commit, showable
from headway.kernel.artifacts import Commit

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_a_commit() -> None:
    output = f"{HASH}\0Fix the thing\0Ann O'Nym\n".encode()
    assert read_commit(output, "main") == Commit(hash=HASH, subject="Fix the thing", author="Ann O'Nym", branch="main")


def test_an_empty_subject_is_a_commit_all_the_same() -> None:
    assert read_commit(f"{HASH}\0\0\n".encode(), "") == Commit(hash=HASH, subject="", author="", branch="")


@pytest.mark.parametrize("output", [b"", b"fatal: bad\n", b"xyz\0a\0b\n", HASH.encode(), f"{HASH}\0a\0b\0c".encode()])
def test_what_is_no_commit(output: bytes) -> None:
    assert read_commit(output, "main") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\tb\r\nc", "a b c"),
        ("user\u202etxt.exe", "user txt.exe"),
        ("zero\0byte", "zero byte"),
        ("日本語 ü", "日本語 ü"),
        ("x" * 50, "x" * 19 + "…"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert showable(text, 20) == shown


def test_invalid_utf8_is_shown_as_such() -> None:
    commit = read_commit(HASH.encode() + b"\0caf\xe9\0\xff\n", "main")
    assert commit is not None
    assert (commit.subject, commit.author) == ("caf\ufffd", "\ufffd")
