"""What programs write for terminals: colours as classes, the rest left out, and never more than the text itself."""

from __future__ import annotations

import re
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.ansi import LONGEST_LINE, NO_STYLE, plain, runs_from, runs_of, style_after, without_escapes

ESC = "\x1b"


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("", []),
        ("plain", [("", "plain")]),
        (f"{ESC}[31mred{ESC}[0m not", [("ansi-red", "red"), ("", " not")]),
        (f"{ESC}[1;32mok{ESC}[m", [("ansi-bold ansi-green", "ok")]),
        (f"{ESC}[1mb{ESC}[22mn", [("ansi-bold", "b"), ("", "n")]),
        (f"{ESC}[91;44mx", [("ansi-bright-red ansi-on-blue", "x")]),
        (f"{ESC}[38;5;196mx", [("ansi-bright-red", "x")]),
        (f"{ESC}[38;5;240mx", [("ansi-bright-black", "x")]),
        (f"{ESC}[48;2;0;200;0mx{ESC}[49my", [("ansi-on-green", "x"), ("", "y")]),
        (f"{ESC}[38;5;160mx{ESC}[39my", [("ansi-red", "x"), ("", "y")]),
        (f"{ESC}[38;2;1mx", [("ansi-bold", "x")]),
        ("10%\r 50%\r100%", [("", "100%")]),
        ("abcdef\rxy", [("", "xycdef")]),
        (f"Downloading 10%\r{ESC}[Kdone", [("", "done")]),
        (f"old{ESC}[2K\rnew", [("", "new")]),
        ("windows\r", [("", "windows")]),
        ("ab\x08c", [("", "ac")]),
        (f"{ESC}[31mred{ESC}[0m\rb", [("", "b"), ("ansi-red", "ed")]),
        (f"abc{ESC}[1K", [("", "   ")]),
        (f"{ESC}[31m" + f"{ESC}[{'9' * 5000}mx", [("ansi-red", "x")]),
        (f"{ESC}]0;a title\x07text", [("", "text")]),
        (f"{ESC}]8;;https://evil.example{ESC}\\link{ESC}]8;;{ESC}\\", [("", "link")]),
        (f"{ESC}[?25l{ESC}(Btext{ESC}[2Jmore", [("", "textmore")]),
        ("a\x00b\x07", [("", "a\u2400b\u2407")]),
        ("safe\u202egnp.exe", [("", "safe\u27e8U+202E\u27e9gnp.exe")]),
        ("a\tb", [("", "a\tb")]),
        (ESC, []),
        (f"{ESC}[", []),
    ],
)
def test_a_line_is_what_a_terminal_shows_of_it(line: str, runs: list[tuple[str, str]]) -> None:
    assert list(runs_of([line])[0]) == runs


@pytest.mark.parametrize("erases", ["K", "1K", "2K"])
def test_what_is_erased_again_and_again_costs_no_more(erases: str) -> None:
    line = "\r" + "x" * LONGEST_LINE + f"{ESC}[{erases}" * 12_000
    begun = time.process_time()
    runs_of([line] * 3)
    assert time.process_time() - begun < 1


def test_a_colour_holds_until_it_is_taken_back() -> None:
    lines = [f"{ESC}[33mone", "two", f"three{ESC}[0m", "four"]
    assert runs_of(lines) == [
        [("ansi-yellow", "one")],
        [("ansi-yellow", "two")],
        [("ansi-yellow", "three")],
        [("", "four")],
    ]


def test_a_very_long_line_is_cut() -> None:
    assert plain("x" * (LONGEST_LINE + 1)) == "x" * LONGEST_LINE + "…"
    assert plain(f"{ESC}[1m" + "x" * (LONGEST_LINE + 1)) == "x" * LONGEST_LINE + "…"


@given(st.text(alphabet=st.sampled_from(f"{ESC}[];?0123mKabc \r\b\x07\\\u202e"), max_size=60))
def test_nothing_of_a_terminal_is_left_whatever_was_written(line: str) -> None:
    shown = plain(line)
    assert not any(ord(each) < 0x20 or each == "\u202e" for each in shown)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cf", "Zl", "Zp", "Cs")), max_size=80))
def test_what_holds_no_escape_stays_as_it_is(line: str) -> None:
    assert plain(line) == line


LINES = st.lists(st.text(alphabet=st.sampled_from(f"{ESC}[];?0134789mKab \r\b\x07\\"), max_size=30), max_size=8)


@given(LINES, st.integers(0, 8))
def test_the_style_of_a_line_does_not_depend_on_where_one_begins(lines: list[str], begin: int) -> None:
    style, read = style_after(lines[:begin]), []
    for line in lines[begin:]:
        runs, style = runs_from(line, style)
        read.append(runs)
    assert read == runs_of(lines)[begin:]
    assert style == style_after(lines)


@given(LINES)
def test_what_is_left_without_escapes_holds_none(lines: list[str]) -> None:
    assert ESC not in without_escapes("".join(lines))


@pytest.mark.parametrize("title", ["x" * 1_000_000, f"{ESC}x" * 500_000, f"{ESC}]x" * 300_000])
@pytest.mark.parametrize("begin", [f"{ESC}]", f"{ESC}[", f"{ESC}P"])
def test_what_is_left_out_takes_no_room(begin: str, title: str) -> None:
    text = begin + title
    tracemalloc.start()
    try:
        without_escapes(text)
        assert tracemalloc.get_traced_memory()[1] < 12 * len(text)
    finally:
        tracemalloc.stop()


@given(st.text(alphabet=st.sampled_from(f"{ESC}]Px\x07\n\\"), max_size=12))
def test_a_title_goes_to_its_end_or_that_of_its_line(text: str) -> None:
    said = r"\x1b\[[^@-~\n]*[@-~]?|\x1b[\]PX^_](?:[^\x07\x1b\n]|\x1b(?!\\))*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
    text = f"{ESC}]{text}"
    assert without_escapes(text) == re.sub(said, "", text)


def test_without_escapes_a_text_of_any_length_stays_whole() -> None:
    text = f"{ESC}[32m" + "x" * (5 * LONGEST_LINE) + f"{ESC}[0m\r\n\x00"
    assert without_escapes(text) == "x" * (5 * LONGEST_LINE) + "\r\n\x00"
    assert style_after([text]) != NO_STYLE, "of a line that is cut, the rest colours nothing"
