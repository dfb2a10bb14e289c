"""A search through a whole log: what is found is there, and no pattern holds anything up."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.infra.logs import grep
from headway.infra.logs.grep import Find, Hits, NoExpression
from headway.infra.logs.lines import BegunAnew, LineReader

ESC = "\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
SLOW = "(x*)*"  # what matches nothing is looked for at each letter, which takes five seconds of 20 MB
NESTED = "(" * 60 + "a" + "){1,9}" * 60


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


async def find(log: Path, text: str, **wanted: bool | int | str) -> Hits:
    return await grep.find(LineReader(), log, Find(text=text, **wanted), has_ended=True)  # type: ignore[arg-type]


async def test_lines_that_have_it_by_their_numbers(log: Path) -> None:
    log.write_text("one error\ntwo\nan Error, an Error\nerror\nlast error")
    found = await find(log, "error")
    assert (found.lines, found.total, found.following, found.cut_at) == ((1, 4, 5), 3, 1, None)
    assert (await find(log, "error", ignore_case=True)).lines == (1, 3, 4, 5)
    assert (await find(log, "err.r")).lines == (), "a text is no expression"
    assert (await find(log, "^(one|two)", is_regex=True)).lines == (1, 2)
    assert (await find(log, "nowhere")).lines == ()
    assert (await find(log, "z*|w*", is_regex=True)).lines == (2,), "what has no character is no hit"
    wanted = [(2, False, 4), (4, False, 4), (6, False, None), (4, True, 4), (3, True, 1), (None, True, 5)]
    for start, backwards, following in wanted:
        found = await grep.find(LineReader(), log, Find(text="error", start=start, backwards=backwards), has_ended=True)
        assert found.following == following, (start, backwards)


async def test_a_text_is_found_through_colours_as_it_is_shown(log: Path) -> None:
    log.write_text(f"{ESC}[31mer{ESC}[1mror{ESC}[0m ü{ESC}[32m(x\nerr\n")
    assert (await find(log, "error ü(x")).lines == (1,)
    assert (await find(log, "err")).lines == (1, 2)


@pytest.mark.parametrize("text", ["0", "31", ";1", "m", "[", "[0m", "?25", "l", "0mer"])
async def test_no_text_is_found_within_a_code_of_a_colour(log: Path, text: str) -> None:
    log.write_text(f"{ESC}[31;1mer{ESC}[0mror\n{ESC}[0mer\n{ESC}[?25lx{ESC}[mx\n[31;1m [0mer ?25l\n")
    assert (await find(log, text)).lines == (4,)


TOKENS = st.sampled_from(["a", "m", "0", "1", ";", "[", "é", "?", f"{ESC}[0;1m", f"{ESC}[m", f"{ESC}[?1l"])


@given(
    st.lists(st.lists(TOKENS, max_size=6).map("".join), min_size=1, max_size=5),
    st.text(alphabet=st.sampled_from("am01;[é?l"), min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=50)
def test_a_text_is_found_where_it_is_shown(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], text: str
) -> None:
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_text("\n".join([*lines, f"{ESC}[m"]))
    found = asyncio.run(find(log, text)).lines
    assert found == tuple(n for n, line in enumerate(lines, 1) if text in COLOUR.sub("", line))


async def test_of_no_log_and_of_another_one(log: Path) -> None:
    assert (await find(log, "x")).lines == ()
    log.write_text("x\n")
    with pytest.raises(BegunAnew):
        await find(log, "x", generation="0" * 16)


@given(
    st.lists(st.text(alphabet=st.sampled_from("ab.[*\\^$(é"), max_size=6), min_size=1, max_size=5),
    st.text(alphabet=st.sampled_from("ab.[*\\^$(é"), min_size=1, max_size=3),
    st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_a_text_stands_for_itself(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    text: str,
    is_coloured: bool,  # noqa: FBT001
) -> None:
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_text("\n".join([*lines, f"{ESC}[0m" if is_coloured else ""]))
    found = asyncio.run(find(log, text))
    assert found.lines == tuple(n for n, line in enumerate(lines, 1) if text in line)


async def test_of_very_many_hits_the_first_and_the_last_are_kept(log: Path) -> None:
    log.write_text("x\n" * 30_000)
    found = await find(log, "x", start=15_000)
    assert (found.total, len(found.lines), found.following) == (30_000, 10_000, 15_000)
    assert found.lines[:2] + found.lines[-2:] == (1, 2, 29_999, 30_000)


EVIL = (
    "(a+)+$",
    "(a|a)*b",
    "(a*)*c",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)*(.*)*(.*)*x",
    "(a?){200}a{200}",
    "((a{0,99}){0,99}){0,99}",
    ".*.*.*.*.*=.*",
    NESTED,
    "[",
    "(",
    "a{99999}",
    "*",
    "+",
    "\\",
    "a\\",
    "-v",
    "--help",
    "$(touch x)",
    "\u0000",
)


@pytest.mark.slow
async def test_no_pattern_holds_anything_up(log: Path) -> None:
    log.write_bytes((b"a" * 5_000 + b"\n") * 200 + b"a" * 20_000_000 + b"!\n" + b"a b\n" * 100_000)
    ends = {}
    for pattern in EVIL:
        begun = time.monotonic()
        try:
            found = await find(log, pattern, is_regex=True)
            ends[pattern] = "cut" if found.cut_at else "whole"
        except NoExpression:
            ends[pattern] = "refused"
        assert time.monotonic() - begun < grep.LONGEST_SECONDS + 3, pattern
    assert {ends["["], ends["("], ends["\\"]} == {"refused"}
    assert ends["-v"] == ends["--help"] == ends["$(touch x)"] == "whole"


@pytest.mark.parametrize("pattern", ["(a)\\1", "\\(a\\)\\\\\\2", "x\\9"])
async def test_no_expression_refers_back(log: Path, pattern: str) -> None:
    with pytest.raises(NoExpression, match="back"):
        await find(log, pattern, is_regex=True)


async def test_what_takes_too_long_is_ended_and_said(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_text("xy\n" + ("a" * 5_000 + "\n") * 4_000)
    monkeypatch.setattr(grep, "LONGEST_SECONDS", 1.0)
    found = await find(log, f"y|{SLOW}", is_regex=True)
    assert found.cut_at is not None
    assert 0 < found.cut_at < 4_000
    assert found.lines == (1,)


async def test_one_that_is_ended_has_all_hits_up_to_the_line_that_it_tells(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("needle\n" * 3 + ("a" * 5_000 + "\nneedle\n") * 4_000)
    monkeypatch.setattr(grep, "LONGEST_SECONDS", 1.0)
    found = await find(log, f"needle|{SLOW}", is_regex=True)
    assert found.cut_at is not None
    assert found.lines[:3] == (1, 2, 3)
    needles = [1, 2, 3, *range(5, 8_005, 2)]
    assert found.lines == tuple(line for line in needles if line <= found.cut_at)


@pytest.mark.root
def test_it_takes_no_more_room_than_it_is_given() -> None:
    program = ["/bin/sh", "-c", "ulimit -v 262144; echo; exec cat"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        inner, outer = os.pipe()
        grep._start(process, outer, b"x")
        assert resource.prlimit(process.pid, resource.RLIMIT_AS) == (256 << 20, 256 << 20)
        os.close(inner)
        process.kill()
