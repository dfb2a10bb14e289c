"""The lines of what processes write, by their numbers: over the files of a native process, as it writes and rotates."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway.drivers.runtimes.contract import numbered_log
from headway.drivers.runtimes.contract.numbered_log import (
    LogBegunAnew,
    NumberedLog,
    NumberedLogs,
    WantedLines,
    WantedText,
)
from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.drivers.runtimes.process import log_pieces
from headway.drivers.runtimes.process.log_pieces import piece_of
from headway.infra.logs.mask import Masker
from headway.kernel.errors import Unavailable
from tests.unit.drivers.runtimes.process.test_log_pieces import KEY, append, rotate

ESC = "\x1b"
FILLER = "x" * 60


@dataclass
class Written:
    """A process that writes, and who reads it by its lines."""

    log: Path
    secrets: tuple[str, ...] = ()
    numbered: NumberedLog = field(default_factory=NumberedLog)
    pause: float = 0.0

    def writes(self, text: str) -> None:
        append(self.log, text.encode())

    @property
    def written(self) -> WrittenLog:
        masked = Masker(self.secrets).mask_text

        async def piece(behind: Behind) -> Piece:
            await asyncio.sleep(self.pause)
            return piece_of(self.log, "web", behind, masked)

        return WrittenLog(name="web", key="of web", piece=piece)

    async def read(self, start: int | None = None, count: int = 500, **wanted: int | str) -> dict[int, str]:
        """The lines by their numbers, as text."""
        return {number: text for number, text, _ in await self.rows(start, count, **wanted)}

    async def rows(
        self, start: int | None = None, count: int = 500, **wanted: int | str
    ) -> list[tuple[int, str, datetime | None]]:
        asked = WantedLines(start=start, count=count, **wanted)  # type: ignore[arg-type]  # the other two fields
        found = await self.numbered.read(self.written, asked)
        return [(each.number, "".join(text for _, text in each.runs), each.at) for each in found.lines]

    async def seen(self) -> tuple[str, int, int]:
        """(generation, lines in all, first that is kept)."""
        found = await self.numbered.read(self.written, WantedLines(count=1))
        return found.generation, found.total, found.kept

    async def hits(self, text: str, **wanted: bool | int) -> tuple[list[int], int, int | None]:
        """(lines that have it, how many, the next one)."""
        given = WantedText(text=text, **wanted)  # type: ignore[arg-type]  # fields of it
        found = await self.numbered.find(self.written, given)
        return list(found.lines), found.total, found.following


@pytest.fixture
def web(tmp_path: Path) -> Written:
    log = tmp_path / "web.log"
    log.touch()
    return Written(log)


def numbers(first: int, last: int) -> str:
    return "".join(f"line {number} {FILLER}\n" for number in range(first, last + 1))


async def test_lines_come_by_their_numbers(web: Written) -> None:
    web.writes("one\ntwo\nthree\nfour\nfive\n")
    assert await web.read(2, 2) == {2: "two", 3: "three"}
    assert await web.read(count=2) == {4: "four", 5: "five"}
    assert await web.read(count=3, around=3) == {2: "two", 3: "three", 4: "four"}
    assert await web.read(9) == {}
    assert (await web.seen())[1:] == (5, 1)


async def test_nothing_has_no_lines(web: Written) -> None:
    assert (await web.read(), await web.seen()) == ({}, ("", 0, 1))
    assert await web.hits("x") == ([], 0, None)


async def test_a_log_of_many_pieces_is_read_wherever_one_looks(web: Written) -> None:
    web.writes(numbers(1, 20_000))  # some 1.4 MB: each piece has 256 KiB
    for start in (1, 3_700, 12_345, 19_999):
        wanted = range(start, min(start + 3, 20_001))
        assert await web.read(start, 3) == {number: f"line {number} {FILLER}" for number in wanted}
    assert list(await web.read(count=2)) == [19_999, 20_000]
    web.writes(numbers(20_001, 20_002))
    assert list(await web.read(count=3)) == [20_000, 20_001, 20_002]


async def test_what_comes_is_counted_on(web: Written) -> None:
    web.writes("one\n")
    before = await web.seen()
    for number in range(2, 40):
        web.writes(f"{number} {FILLER * 400}\n")
        assert (await web.seen()) == (before[0], number, 1)
    assert (await web.read(39, 1))[39].startswith("39 x")


async def test_a_line_that_is_open_goes_on_under_its_number(web: Written) -> None:
    web.writes("one\nenter a name: ")
    os.utime(web.log, (time.time() - 5, time.time() - 5))  # nothing more has come for a while
    found = await web.numbered.read(web.written, WantedLines())
    assert [(each.number, each.is_open) for each in found.lines] == [(1, False), (2, True)]
    web.writes("ann\nthree\n")
    assert await web.read() == {1: "one", 2: "enter a name: ann", 3: "three"}


async def test_colours_hold_over_lines(web: Written) -> None:
    web.writes(f"plain\n{ESC}[31mred\nstill\n{ESC}[0mplain\n")
    found = await web.numbered.read(web.written, WantedLines(start=3))
    assert [[*each.runs] for each in found.lines] == [[("ansi-red", "still")], [("", "plain")]]


async def test_numbers_stay_where_the_oldest_lines_are_dropped(web: Written) -> None:
    web.writes(numbers(1, 9_000))
    generation, _, _ = await web.seen()
    for first in (9_001, 18_001, 27_001):
        rotate(web.log)
        web.writes(numbers(first, first + 8_999))
        assert (await web.seen())[:2] == (generation, first + 8_999)
    assert await web.read(30_000, 1) == {30_000: f"line 30000 {FILLER}"}
    found = await web.read(1, 2)
    assert found == {1: "This line is not kept any more.", 2: "This line is not kept any more."}
    _, total, kept = await web.seen()
    assert (total, 9_000 < kept < 14_000) == (36_000, True), "whole pieces are dropped, of what file they may be"
    assert await web.read(kept, 1) == {kept: f"line {kept} {FILLER}"}
    assert (await web.hits(f"line {kept} "))[0] == [kept]

    web.numbered = NumberedLog()  # as a panel that is started anew counts
    anew, total, kept = await web.seen()
    assert (anew != generation, total, kept) == (True, 27_000, 1)
    with pytest.raises(LogBegunAnew):
        await web.read(generation=generation)


async def test_what_was_never_counted_and_is_gone_begins_anew(web: Written) -> None:
    web.writes("begun\n" + numbers(1, 9_000))
    generation, _, _ = await web.seen()
    for first in (10_000, 20_000, 30_000, 40_000):  # each file begins alike
        rotate(web.log)
        web.writes("begun\n" + numbers(first, first + 8_999))
    with pytest.raises(LogBegunAnew):
        await web.read(generation=generation)
    assert (await web.seen())[1:] == (27_003, 1)
    assert await web.read(2, 1) == {2: f"line 20000 {FILLER}"}


async def test_the_same_log_is_known_again_after_the_panel(web: Written) -> None:
    web.writes(numbers(1, 9_000))
    generation = (await web.seen())[0]
    web.numbered = NumberedLog()
    web.writes("more\n")
    assert (await web.seen())[:2] == (generation, 9_001)
    assert await web.read(9_001, generation=generation) == {9_001: "more"}


async def test_a_text_is_found_in_all_of_it(web: Written) -> None:
    web.writes(numbers(1, 8_000) + f"an {ESC}[31mEr{ESC}[0mror\n" + numbers(8_002, 16_000) + "another error")
    os.utime(web.log, (time.time() - 5, time.time() - 5))
    assert await web.hits("error", ignore_case=True) == ([8_001, 16_001], 2, 8_001)
    assert await web.hits("error") == ([16_001], 1, 16_001)
    assert await web.hits("error", ignore_case=True, start=8_002) == ([8_001, 16_001], 2, 16_001)
    assert await web.hits("error", ignore_case=True, start=16_000, backwards=True) == ([8_001, 16_001], 2, 8_001)
    found, total, _ = await web.hits("line")
    assert (len(found), total, found[0], found[-1]) == (10_000, 15_999, 1, 16_000)


async def test_a_line_over_two_pieces_is_one_hit(web: Written) -> None:
    web.writes("first\n" + "needle " * 50_000 + "\nlast\n")
    assert await web.hits("needle") == ([2], 1, 2)


async def test_who_searches_learns_nothing_of_secrets(web: Written) -> None:
    web.secrets = ("correct-horse-battery", KEY)
    web.writes(f"token correct-horse-battery\n{KEY}\nafter\n")
    for text in ("horse", "c2VjcmV0", "BEGIN"):
        assert await web.hits(text) == ([], 0, None), text
    assert await web.read() == {1: "token ******", 2: "******", 3: "after"}


async def test_a_search_that_takes_too_long_says_where_it_ended(web: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    web.writes(numbers(1, 20_000))
    await web.seen()
    ticks = itertools.count(step=2)
    monkeypatch.setattr(numbered_log, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    found = await web.numbered.find(web.written, WantedText(text="line"))
    assert found.cut_at is not None
    assert 0 < found.cut_at < 20_000
    assert found.lines[-1] <= found.cut_at
    assert found.total == found.cut_at, "what was looked at was looked at whole"


async def test_counting_that_takes_too_long_goes_on_for_the_next_who_asks(
    web: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbered_log, "_COUNT_SECONDS", 0.3)
    web.writes(numbers(1, 20_000))
    web.pause = 0.08
    with pytest.raises(Unavailable, match="still being counted"):
        await web.read(count=1)
    for _ in range(20):
        try:
            assert list(await web.read(count=1)) == [20_000]
        except Unavailable:
            continue
        return
    pytest.fail("it never comes to an end")


async def test_times_are_those_by_which_lines_were_written(web: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    began = 1_700_000_000
    for second, text in ((0, "one\ntwo\n"), (10, "three\n"), (20, "four\n")):
        web.writes(text)
        os.utime(web.log, (began + second, began + second))
        monkeypatch.setattr(time, "time", lambda second=second: began + second + 0.5)
        log_pieces.note(web.log)
    web.writes("five\n")
    os.utime(web.log, (began + 30, began + 30))
    found = await web.numbered.read(web.written, WantedLines())
    seconds = [(each.at or datetime.now(UTC)).timestamp() - began for each in found.lines]
    assert seconds == [0.5, 0.5, 10.5, 20.5, 30]
    assert all(each.is_late for each in found.lines)


async def test_a_mask_that_makes_one_line_of_several_leaves_their_times_unknown(web: Written) -> None:
    web.secrets = (KEY,)
    web.writes(f"before\n{KEY}\nafter\n")
    assert [(text, at) for _, text, at in await web.rows()] == [("before", None), ("******", None), ("after", None)]


async def test_a_line_without_end_is_cut_and_keeps_nobody_from_those_behind_it(web: Written) -> None:
    web.writes("first\n" + "y" * 700_000 + "\n" + "last\n")
    found = await web.numbered.read(web.written, WantedLines(start=2))
    assert [each.number for each in found.lines] == [2, 3]
    assert found.lines[0].left_out == 700_000 - (16 << 10)
    assert "".join(text for _, text in found.lines[1].runs) == "last"
    assert list(await web.read(3, 1)) == [3]


async def test_the_last_lines_are_told_however_long_they_are(web: Written) -> None:
    web.writes("".join("z" * 60_000 + f" {number}\n" for number in range(100)))
    found = await web.read(count=100)
    assert max(found) == 100, "an answer has room for some 17 of them"
    assert max(await web.read(count=100, around=50)) >= 50


async def test_those_that_are_asked_for_are_kept_and_others_not() -> None:
    logs = NumberedLogs(most=2)

    def log(key: str) -> WrittenLog:
        async def none(_behind: Behind) -> None:
            return None

        return WrittenLog(name="web", key=key, piece=none)

    first = logs.of(log("a"))
    logs.of(log("b"))
    assert logs.of(log("a")) is first
    logs.of(log("c"))
    assert sorted(logs.kept) == ["a", "c"]


async def test_what_somebody_has_emptied_begins_anew(web: Written) -> None:
    web.writes(numbers(1, 9_000))
    await web.seen()
    web.log.write_bytes(b"one\n")
    assert await web.read() == {1: "one"}
