"""The end and any range of a log are read as tail(1) and pread(2) would, in whole characters."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from headway.infra.logs.reader import ending, read_range, size_of, tail


@pytest.mark.parametrize("seed", range(30))
async def test_the_last_lines_are_those_of_the_tool(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = tmp_path / "a.log"
    sizes = [chance.choice([0, 1, 10, 100, 70_000]) for _ in range(chance.randrange(40))]
    log.write_text("\n".join("ä" * size for size in sizes) + chance.choice(["", "\n", "\n\n"]))
    for lines in (1, 2, 3, 10, 39, 100):
        told = subprocess.run(["tail", "-n", str(lines), log], capture_output=True, check=True).stdout
        assert await tail(log, lines) == told.decode()


@pytest.mark.parametrize(
    ("text", "lines", "last"),
    [
        ("", 5, ""),
        ("a", 5, "a"),
        ("a\n", 1, "a\n"),
        ("a\nb", 1, "b"),
        ("a\n\n", 1, "\n"),
        ("a\nb\n", 0, ""),
        ("\n" * 65536 + "x", 2, "\nx"),
        ("a\r\nb\x00\r\n", 1, "b\x00\r\n"),
    ],
)
async def test_last_lines_at_the_edges(tmp_path: Path, text: str, lines: int, last: str) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(text.encode())
    assert await tail(log, lines) == last


async def test_of_enormous_lines_only_the_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("ä" * 500_000)
    last = await tail(log, 5, limit_bytes=100_001)
    assert last == "ä" * 50_000


async def test_where_there_is_no_log_there_is_no_text(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    passage = await read_range(log, 5, 100)
    assert (await tail(log, 5), await size_of(log)) == ("", 0)
    assert (passage.text, passage.offset, passage.end_offset) == ("", 5, 5)


@pytest.mark.parametrize("limit", [4, 5, 7, 64])
async def test_ranges_one_after_the_other_are_the_log(tmp_path: Path, limit: int) -> None:
    text = "aä€🎉\x00\r\n" * 20
    log = tmp_path / "a.log"
    log.write_text(text, newline="")
    pieces, offset = [], 0
    while (passage := await read_range(log, offset, limit)).text:
        assert passage.offset == offset
        pieces.append(passage.text)
        offset = passage.end_offset
    assert "".join(pieces) == text
    assert offset == await size_of(log) == len(text.encode())


async def test_a_range_that_begins_within_a_character_begins_with_the_next(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("🎉é!")
    passages = [await read_range(log, offset, 100) for offset in range(7)]
    assert [passage.text for passage in passages] == ["🎉é!", "é!", "é!", "é!", "é!", "!", "!"]
    assert [passage.offset for passage in passages] == [0, 4, 4, 4, 4, 6, 6]
    assert {passage.end_offset for passage in passages} == {7}


@pytest.mark.slow
async def test_the_end_of_100_mb_is_read_at_once(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    line = b"a line of a build, of a hundred bytes more or less, as they are in logs of deployments at most times\n"
    with log.open("wb") as file:
        for _ in range(100):
            file.write(line * (1_000_000 // len(line)))
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        assert await tail(log, 100) == line.decode() * 100
        times.append(time.perf_counter() - begin)
    assert sorted(times)[10] < 0.005


async def test_of_a_long_log_the_end_and_where_the_first_error_is_told_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    before = "error: of another command\n"
    path.write_text(before + "fine\n" * 20_000 + "error: the first\nits cause\n" + "fine\n" * 50_000 + "the end\n")
    said = await ending(path, len(before))
    assert len(said) < 80_000
    assert said.startswith("error: the first\nits cause\n")
    assert said.endswith("fine\nthe end\n")
    assert await ending(path, path.stat().st_size) == ""
    assert await ending(tmp_path / "none", 0) == ""
