"""What a process wrote since a time, of a log whose lines have none: never too little, and little too much."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.runtimes.contract.runtime import Behind
from headway.drivers.runtimes.process import log_pieces
from headway.drivers.runtimes.process.programs import LOG_BACKUPS
from headway.infra.logs.mask import Masker
from tests.unit.drivers.runtimes.process.test_log_pieces import KEY, append, rotate

BEGAN = 1_700_000_000.0


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock."""

    def be(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: BEGAN + seconds)

    return be


def write(log: Path, seconds: float, data: bytes) -> None:
    append(log, data)
    os.utime(log, (BEGAN + seconds, BEGAN + seconds))


def since(log: Path, seconds: float, *, tail: int = 10_000, secrets: tuple[str, ...] = ()) -> str:
    moment = datetime.fromtimestamp(BEGAN + seconds, UTC)
    behind = Behind(places={}, tail=tail, ended=True, since=moment)
    return log_pieces.piece_of(log, "web", behind, Masker(secrets).mask_text).text


def test_lines_of_before_are_left_out(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    for second in range(5):
        write(log, 10 * second, f"line {second}\n".encode())
        at(10 * second + 1)
        log_pieces.note(log)
    assert since(log, -5) == "".join(f"line {each}\n" for each in range(5))
    assert since(log, 12) == "line 2\nline 3\nline 4\n"
    assert since(log, 12, tail=1) == "line 4\n"
    assert since(log, 45) == ""


def test_marks_are_found_over_rotations_and_what_only_files_tell_is_used(
    tmp_path: Path, at: Callable[[float], None]
) -> None:
    log = tmp_path / "web.log"
    write(log, 0, b"one\n")
    at(1)
    log_pieces.note(log)
    write(log, 20, b"two\n")
    rotate(log)
    write(log, 40, b"three\n")
    assert since(log, 10) == "two\nthree\n"
    assert since(log, 30) == "three\n", "nobody has marked anything since then, but the file is known to be older"
    assert since(log, 50) == ""


def test_a_line_that_was_half_written_then_comes_whole(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    write(log, 0, b"before\nhalf ")
    at(1)
    log_pieces.note(log)
    write(log, 10, b"whole\nafter\n")
    assert since(log, 5) == "half whole\nafter\n"


def test_no_part_of_a_secret_that_began_before_is_told(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    first, rest = KEY[:40], KEY[40:]
    write(log, 0, f"begins\n{first}".encode())
    at(1)
    log_pieces.note(log)
    write(log, 10, f"{rest}\nlast\n".encode())
    told = since(log, 5, secrets=(KEY,))
    assert told.endswith("last\n")
    assert not [line for line in KEY.splitlines() if line in told]


def test_a_file_that_took_the_place_of_an_older_one_is_not_taken_for_it(
    tmp_path: Path, at: Callable[[float], None]
) -> None:
    log = tmp_path / "web.log"
    write(log, 0, b"of the file before\n")
    at(1)
    log_pieces.note(log)
    with log.open("r+b") as file:  # the same inode, as a kernel gives it again
        file.write(b"of another file....\nmore\n")
    os.utime(log, (BEGAN + 20, BEGAN + 20))
    assert since(log, 10) == "of another file....\nmore\n"


def test_marks_stay_few_and_near_the_truth(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    minutes = 5_000
    for minute in range(minutes):
        write(log, 60 * minute, b"%06d\n" % minute)
        at(60 * minute + 1)
        log_pieces.note(log)
    assert (tmp_path / "web.log.times").stat().st_size < 192 << 10
    for ago in (10, 100, 1_000, 4_000):
        told = since(log, 60 * (minutes - ago) - 30, tail=minutes).splitlines()
        assert ago <= len(told) <= ago + ago // 200 + 2


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["write", "note", "rotate"])), max_size=25),
    st.integers(0, 300),
)
def test_nothing_that_was_written_since_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]], asked: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "web.log"
    log.touch()
    written: list[tuple[int, str]] = []
    now, rotations = 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: BEGAN + now)
        for pause, step in steps:
            now += pause
            if step == "write":
                written.append((now, f"line {len(written)}\n"))
                write(log, now, written[-1][1].encode())
            elif step == "note":
                log_pieces.note(log)
            elif rotations < LOG_BACKUPS:
                rotations += 1
                rotate(log)
                os.utime(log, (BEGAN + now, BEGAN + now))
        told = since(log, asked)
    assert told.endswith("".join(line for at, line in written if at >= asked))


def test_a_log_that_is_gone_gets_no_marks(tmp_path: Path) -> None:
    log_pieces.note(tmp_path / "web.log")
    assert list(tmp_path.iterdir()) == []


def test_each_line_is_told_by_the_first_mark_behind_it(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    for second, text in ((0, b"one\ntwo\n"), (10, b"three\nfo"), (20, b"ur\n")):
        write(log, second, text)
        at(second + 0.5)
        log_pieces.note(log)
    rotate(log)
    write(log, 30, b"five\n")
    at(40)

    def told(place: str) -> list[tuple[int, float]]:
        behind = Behind(places={"web": place}, tail=1, timed=True)
        found = log_pieces.piece_of(log, "web", behind, str)
        return [(each.lines, each.at.timestamp() - BEGAN) for each in found.times]

    # Of the file that was rotated away it is known when it was written last: that is before the mark.
    assert told("") == [(2, 0.5), (1, 10.5), (1, 20), (1, 30)]
    place = log_pieces.piece_of(log, "web", Behind(places={}, tail=1), str).place
    write(log, 50, b"six\n")
    assert told(place) == [(1, 50)]


def test_marks_of_files_that_are_gone_tell_of_no_others(tmp_path: Path, at: Callable[[float], None]) -> None:
    log = tmp_path / "web.log"
    write(log, 0, b"of a file that is gone, and longer than all that is kept\n")
    at(1)
    log_pieces.note(log)
    for second in range(10, 10 * (LOG_BACKUPS + 2), 10):
        rotate(log)
        write(log, second, b"kept\n")
    behind = Behind(places={"web": ""}, tail=1, timed=True)
    times = log_pieces.piece_of(log, "web", behind, str).times
    assert [each.at.timestamp() - BEGAN for each in times] == [10, 20, 30]
