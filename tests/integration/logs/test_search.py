"""Searching logs: every line that has the text, wherever the blocks fall, and no more work than allowed."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.infra.logs import search as module
from headway.infra.logs.search import Found, Match, Search, search_log


async def lines_with(path: Path, text: str, *, limit: int = 100, ignore_case: bool = False) -> list[Match]:
    """All matches, search after search."""
    found: list[Match] = []
    offset = 0
    while True:
        page = await search_log(path, Search(text=text, offset=offset, limit=limit, ignore_case=ignore_case))
        found += page.matches
        if page.at_end:
            return found
        assert page.next_offset > offset, "it goes on"
        offset = page.next_offset


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "x.log"


async def test_it_tells_where_each_line_begins(log: Path) -> None:
    log.write_text("begun\nan error ✅\nfine\nerror and error\n")
    assert await lines_with(log, "error") == [
        Match(offset=6, match_offset=9, line="an error ✅"),
        Match(offset=24, match_offset=24, line="error and error"),
    ]
    assert await lines_with(log, "✅") == [Match(offset=6, match_offset=15, line="an error ✅")]
    assert await lines_with(log, "nowhere") == []


async def test_case_matters_unless_it_is_not_to(log: Path) -> None:
    log.write_text("Error\nERROR\nerror\n")
    assert [match.offset for match in await lines_with(log, "error")] == [12]
    assert [match.offset for match in await lines_with(log, "eRRor", ignore_case=True)] == [0, 6, 12]


async def test_no_log_is_no_match(log: Path) -> None:
    assert await search_log(log, Search(text="x", offset=7)) == Found(matches=(), next_offset=7, at_end=True, size=0)


async def test_a_search_goes_on_where_the_last_one_was_full(log: Path) -> None:
    log.write_text("".join(f"line {number} x\n" for number in range(10)))
    first = await search_log(log, Search(text="x", limit=4))
    assert (len(first.matches), first.at_end) == (4, False)
    assert [match.line for match in await lines_with(log, "x", limit=3)] == [f"line {number} x" for number in range(10)]


async def test_a_line_that_grew_is_found_by_the_next_search(log: Path) -> None:
    log.write_text("one\nan err")
    first = await search_log(log, Search(text="error"))
    assert (first.matches, first.at_end, first.next_offset) == ((), True, 4)
    log.write_text("one\nan error\n")
    second = await search_log(log, Search(text="error", offset=first.next_offset))
    assert [match.line for match in second.matches] == ["an error"]
    assert (await search_log(log, Search(text="error", offset=second.next_offset))).matches == ()


async def test_it_begins_in_the_middle_and_behind_the_end(log: Path) -> None:
    log.write_text("x one\nx two\n")
    assert [match.offset for match in (await search_log(log, Search(text="x", offset=3))).matches] == [6]
    beyond = await search_log(log, Search(text="x", offset=10**15))
    assert (beyond.matches, beyond.at_end) == ((), True)


async def test_one_search_looks_at_no_more_than_its_bound(log: Path) -> None:
    log.write_bytes(b"-" * 999_999 + b"\n" + b"the needle\n")
    first = await search_log(log, Search(text="needle", most_bytes=500_000))
    assert (first.matches, first.at_end) == ((), False)
    assert 400_000 < first.next_offset <= 500_000


async def test_a_long_line_is_shown_around_its_match_and_costs_no_memory(log: Path) -> None:
    log.write_bytes(b"first\n" + b"a" * (20 << 20) + b"needle" + b"b" * (1 << 20) + b"needle\nlast needle\n")
    tracemalloc.start()
    try:
        found = await lines_with(log, "needle")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [match.offset for match in found] == [6, 6 + (21 << 20) + 13]
    assert (len(found[0].line), "needle" in found[0].line) == (400, True)
    assert peak < 4 << 20


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(st.text("ab✅", max_size=12), max_size=30),
    needle=st.text("ab✅", min_size=1, max_size=3),
    limit=st.integers(1, 4),
    block=st.integers(12, 40),
)
def test_blocks_change_nothing(
    lines: list[str], needle: str, limit: int, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    wanted, offset = [], 0
    for line in lines:
        if needle in line:
            wanted.append((offset, offset + len(line[: line.index(needle)].encode())))
        offset += len(line.encode()) + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", block)
        found, offset = [], 0
        while True:
            page = module._search(path, Search(text=needle, offset=offset, limit=limit))
            found += [(match.offset, match.match_offset) for match in page.matches]
            if page.at_end:
                break
            offset = page.next_offset
    assert list(dict.fromkeys(at for at, _ in found)) == sorted({at for at, _ in found})
    starts = {at for at, _ in wanted}
    assert starts <= {at for at, _ in found}
    assert {at for at, _ in found if at in starts} == starts
    assert dict(found).items() >= dict(wanted).items()
