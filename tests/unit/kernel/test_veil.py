"""Secrets behind marks: names stay, values go, and whatever is sent back comes to what is kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.errors import InvalidInput
from headway.kernel.variables import parse_variables
from headway.kernel.veil import (
    MARK,
    MarkUnknown,
    unveiled_address,
    unveiled_variables,
    veiled_addresses,
    veiled_variables,
)

SECRET = "s3cr3t"
VALUES = st.sampled_from([SECRET, f"'{SECRET}\n{SECRET}'", f'"{SECRET} # {SECRET}"', f"{SECRET} # {SECRET}", "", '""'])
LINES = st.one_of(
    st.tuples(st.sampled_from(["A=", "export B=", "  C =", "A="]), VALUES).map("".join),
    st.sampled_from([f"# {SECRET}", f"#{SECRET}=1", "", "   ", "LONE", f"-----{SECRET}"]),
)
TEXTS = st.lists(LINES, max_size=8).map("\n".join)


@given(TEXTS)
def test_no_value_shows_and_every_name_does(text: str) -> None:
    shown = veiled_variables(text)
    assert SECRET not in shown
    assert all(name in shown for name in _names(text) or ())


@given(TEXTS)
def test_what_is_sent_back_as_it_was_shown_is_what_is_kept(text: str) -> None:
    assert unveiled_variables(veiled_variables(text), text) == text


@given(TEXTS)
def test_a_line_more_leaves_the_others_as_they_are(text: str) -> None:
    sent = veiled_variables(text).rstrip("\n") + "\nNEW=1\n"
    if _names(text) is not None:
        assert parse_variables(unveiled_variables(sent, text)) == parse_variables(text) | {"NEW": "1"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pw@git.example/x", f"https://{MARK}@git.example/x"),
        ("https://token@git.example/x", f"https://{MARK}@git.example/x"),
        ("HTTPS://a:b@c@git.example/x", f"HTTPS://{MARK}@git.example/x"),
        ("https://us%40er:p@git.example", f"https://{MARK}@git.example"),
        ("ssh://git@git.example/x", "ssh://git@git.example/x"),
        ("ssh://git:pw@git.example/x", f"ssh://{MARK}@git.example/x"),
        ("git@git.example:x.git", "git@git.example:x.git"),
        ("https://git.example/a@b", "https://git.example/a@b"),
        ("see https://t@h and http://u:p@i", f"see https://{MARK}@h and http://{MARK}@i"),
    ],
)
def test_an_address_shows_no_token(address: str, shown: str) -> None:
    assert veiled_addresses(address) == shown


def test_a_token_goes_to_its_own_host_only() -> None:
    kept = "https://t0ken@git.example:8443/x"
    assert unveiled_address(f"https://{MARK}@git.example:8443/y", kept, "u") == "https://t0ken@git.example:8443/y"
    for elsewhere in ("https://{}@git.example/x", "http://{}@git.example:8443/x", "https://{}@git.example:8443.evil/"):
        with pytest.raises(MarkUnknown):
            unveiled_address(elsewhere.format(MARK), kept, "u")


def _names(text: str) -> set[str] | None:
    try:
        return set(parse_variables(text))
    except InvalidInput:
        return None


@pytest.mark.parametrize("piece", ["a", "a.", "://", "x://", "a://b@", "@", "@a", "://a@"])
def test_long_texts_are_veiled_in_no_time(piece: str) -> None:
    began = time.process_time()
    veiled_addresses((piece * 200_000)[:200_000] + "x://user:secret@host")
    assert time.process_time() - began < 2
