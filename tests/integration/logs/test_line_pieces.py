"""Lines of a log as it grows: the same ones that are read of it afterwards, however it came, and bounded in cost."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.infra.logs import line_pieces
from headway.infra.logs.line_index import LineNotes
from headway.infra.logs.line_pieces import LineState, piece_of
from headway.infra.logs.lines import LineReader, LinesAsked
from headway.infra.logs.log_line import LogLine
from headway.kernel.ansi import LONGEST_READ

ESC = "\x1b"
PIECES = st.lists(st.text(alphabet=st.sampled_from(f"{ESC}[031m;ab \rü\n"), max_size=40), max_size=10)


@given(PIECES)
@settings(deadline=None, max_examples=60)
async def test_lines_that_were_followed_are_those_that_are_read(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_bytes("".join(pieces).encode())
    state, shown = LineState(), dict[int, LogLine]()
    for text in pieces:
        piece = piece_of(text.encode(), state, log)
        shown |= {line.number: line for line in piece.lines}
        state = piece.after
    found = await LineReader().read(log, LinesAsked(start=1), has_ended=False)
    assert list(shown.values()) == list(found.lines)


async def test_lines_tell_when_they_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, texts = tmp_path / "a.log", [b"one\ntwo\n", b"three\nfo", b"ur\nfive\n"]
    log.touch()
    notes, state, at = LineNotes(log, 0, lambda _offset, _limit: b"", is_new=True), LineState(), list[datetime | None]()
    now = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for text in texts:
        with log.open("ab") as file:
            file.write(text)
        os.utime(log, (now[0], now[0]))
        notes.add(text)
        piece = piece_of(text, state, log)
        state = piece.after
        at += [line.at for line in piece.lines if not line.is_open]
        now[0] += 2
    found = await LineReader().read(log, LinesAsked(start=1), has_ended=False)
    assert at == [line.at for line in found.lines]
    assert at[0] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert at[-1] == datetime.fromtimestamp(1_700_000_004, UTC)


def test_a_line_that_goes_on_for_ever_is_told_seldom(tmp_path: Path) -> None:
    state, told = LineState(), 0
    for _ in range(20_000):
        piece = piece_of(b"\r 10 % of it", state, tmp_path / "none.log")
        state = piece.after
        told += len(piece.lines)
    assert told < 500
    assert state.length == 20_000 * 12
    assert len(state.text) == LONGEST_READ
    (line,) = piece_of(b"\n", state, tmp_path / "none.log").lines
    assert not line.is_open


def test_of_very_many_lines_at_once_the_last_are_told(tmp_path: Path) -> None:
    text = f"{ESC}[31m".encode() + b"\n" * 50_000 + b"end\n"
    piece = piece_of(text, LineState(), tmp_path / "none.log")
    assert len(piece.lines) == line_pieces._KEPT_LINES
    assert (piece.lines[-1].number, piece.lines[-1].runs) == (50_001, [("ansi-red", "end")])
    assert (piece.after.number, piece.after.offset) == (50_002, len(text))
