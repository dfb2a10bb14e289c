"""Following a process's log over its rotations: every byte is told once, and no secret, however it is cut."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.runtimes.contract.runtime import Behind, LinesAt, Piece
from headway.drivers.runtimes.process.log_pieces import piece_of
from headway.drivers.runtimes.process.programs import LOG_BACKUPS
from headway.infra.logs.mask import Masker

KEY = "-----BEGIN KEY-----\nc2VjcmV0IGxpbmU=\nYW5vdGhlciBvbmU=\n-----END KEY-----"


def looked(
    log: Path, place: str | None, *, tail: int = 10, ended: bool = False, secrets: tuple[str, ...] = ()
) -> Piece:
    places = {} if place is None else {"web": place}
    return piece_of(log, "web", Behind(places=places, tail=tail, ended=ended), Masker(secrets).mask_text)


def append(log: Path, data: bytes) -> None:
    with log.open("ab") as file:
        file.write(data)


def rotate(log: Path) -> None:
    """As supervisord does it."""
    for number in range(LOG_BACKUPS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
    log.touch()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.just("rotate"), st.just("look"), st.binary(max_size=40), st.sampled_from([b"line\n", b"\n", b"\xc3\xa4"])
        ),
        max_size=30,
    )
)
def test_whatever_is_written_rotated_and_read_in_between_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | bytes]
) -> None:
    log = tmp_path_factory.mktemp("log") / "web.log"
    log.touch()
    place, told, written = looked(log, None).place, "", b""
    rotations = LOG_BACKUPS  # what is rotated away once more is gone
    for step in steps:
        if isinstance(step, bytes):
            append(log, step)
            written += step
        elif step == "rotate" and rotations:
            rotate(log)
            rotations -= 1
        else:
            piece = looked(log, place)
            place, told = piece.place, told + piece.text
            assert not piece.lost
    told += looked(log, place, ended=True).text
    assert told == Masker(()).mask_text(written.decode(errors="replace"))


def test_the_last_lines_are_told_first_and_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\ntwo\nthree\nfo")
    first = looked(log, None, tail=2)
    assert first.text == "two\nthree\n"
    assert looked(log, first.place).text == ""
    append(log, b"ur\n")
    second = looked(log, first.place)
    assert second.text == "four\n"
    append(log, b"password: ")
    assert looked(log, second.place).text == ""
    os.utime(log, (time.time() - 5, time.time() - 5))
    assert looked(log, second.place).text == "password: "


def test_what_was_rotated_away_unread_is_said_to_be_lost(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\n")
    place = looked(log, None).place
    for number in range(LOG_BACKUPS + 1):
        rotate(log)
        append(log, b"later %d\n" % number)
    piece = looked(log, place)
    assert (piece.lost, piece.text) == (True, "later 0\nlater 1\nlater 2\n")
    assert not looked(log, piece.place).lost


def test_a_file_that_has_the_number_of_one_that_is_gone_is_not_taken_for_it(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\ntwo\n")
    place = looked(log, None).place
    log.write_bytes(b"new\nold\nmore\n")  # the same inode
    piece = looked(log, place)
    assert (piece.lost, piece.text) == (True, "new\nold\nmore\n")


def test_more_than_a_piece_comes_in_several_and_a_long_line_is_not_cut_in_a_letter(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.touch()
    place = looked(log, None).place
    text = "ä" * 200_000 + "\n" + "line\n" * 60_000 + "\ufffd" * 300_000
    append(log, b"x" + text.partition("\ufffd")[0].encode() + b"\xff" * 300_000)
    told, more = "", True
    while more:
        piece = looked(log, place, ended=True)
        place, more, told = piece.place, piece.more, told + piece.text
    assert told == "x" + text


def test_a_secret_of_several_lines_never_shows_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = f"before\n{KEY}\nafter\n".encode()
    for cut in range(len(whole)):
        log = tmp_path / f"{cut}.log"
        append(log, whole[:cut])
        first = looked(log, None, secrets=(KEY,), ended=True)
        append(log, whole[cut:])
        told = first.text + looked(log, first.place, secrets=(KEY,)).text
        assert not any(line in told for line in KEY.split("\n")), (cut, told)
        assert told.startswith("before"[: min(cut, 6)])
        assert told.endswith("after\n"), (cut, told)


def test_a_place_that_nobody_gave_is_as_one_that_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\n")
    for place in ("x", "::", "1:-1:00", f"{log.stat().st_ino}:99999999999:00", f"{log.stat().st_ino}:2:00"):
        assert (looked(log, place).lost, looked(log, place).text) == (True, "one\n"), place


def test_the_place_before_all_that_is_kept_is_the_empty_one(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\n")
    rotate(log)
    append(log, b"two\n")
    piece = looked(log, "")
    assert (piece.text, piece.lost) == ("one\ntwo\n", False)
    for number in range(LOG_BACKUPS):
        rotate(log)
        append(log, b"later %d\n" % number)
    assert looked(log, "").text == "two\nlater 0\nlater 1\n"


def test_times_are_told_to_who_asks_for_them_alone(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    append(log, b"one\ntwo\nthree")
    os.utime(log, (1_700_000_000, 1_700_000_000))
    assert looked(log, "").times == ()
    timed = piece_of(log, "web", Behind(places={"web": ""}, tail=1, timed=True), str)
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert (timed.text, timed.times) == ("one\ntwo\nthree", (LinesAt(lines=3, at=at, is_late=True),))
