"""A log is somebody else's: nothing in it clears a terminal, names its window or fills its clipboard."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli import output
from headway.cli.follower import Screen
from headway.cli.sse import Event
from headway.cli.terminal import Screened, screened

STEERS = {
    "clear": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "title, ended by ST": "\x1b]2;owned\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "clipboard by C1": "\x9d52;c;cm0gLXJmIC8=\x9c",
    "cursor by C1": "\x9b2J",
    "device control": '\x1bP$q"p\x1b\\',
    "application": "\x1b_Gi=1;AAAA\x1b\\",
    "answer back": "\x05\x1b[6n\x1b[c",
    "reset": "\x1bc",
    "other characters": "\x1b(0\x0e",
    "over the line": "fine\rbad",
    "backwards": "bad\b\b\bfine",
    "never ended": "\x1b]52;c;" + "A" * 10_000,
    "far too long": "\x1b[" + "1;" * 5_000 + "m",
    "colour that moves": "\x1b[31;2Jm",
    "an escape in an escape": "\x1b\x1b[2J",
}
COLOUR = "\x1b[1;31mred\x1b[0m plain\ttab\n"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)")


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def left(text: str) -> list[str]:
    """What in a text would steer a terminal."""
    return STEERING.findall(text.replace("\r\n", "\n"))


@pytest.mark.parametrize("steers", STEERS.values(), ids=STEERS.keys())
def test_nothing_that_steers_is_left_however_it_is_cut(steers: str) -> None:
    text = f"before {steers} after\n{COLOUR}"
    for at in range(min(len(text), 60)):
        kept = Screened()
        shown = kept.feed(text[:at]) + kept.feed(text[at:]) + kept.rest()
        assert left(shown) == []
        assert shown.startswith("before ")
        assert shown.endswith(f"after\n{COLOUR}")
    single = Screened()
    assert left("".join(single.feed(each) for each in text) + single.rest()) == []


@given(st.text(st.sampled_from("\x1b[]PX^_\\m2;J\x07\x9b\x9d\x9cab\r\n"), max_size=40), st.integers(0, 40))
def test_no_text_steers(text: str, at: int) -> None:
    kept = Screened()
    assert left(kept.feed(text[:at]) + kept.feed(text[at:]) + kept.rest()) == []
    assert left(screened(text)) == []


def test_colours_and_line_ends_stay() -> None:
    assert screened(COLOUR + "line\r\n") == COLOUR + "line\r\n"


def followed(stream: io.StringIO) -> str:
    """What a follower shows of a log that comes in pieces."""
    screen = Screen.on(stream, holds_closing=False)
    offset = 0
    text = "".join(f"before {each} after\n" for each in STEERS.values()) + COLOUR
    for piece in (text[at : at + 7] for at in range(0, len(text), 7)):
        offset += len(piece.encode())
        screen.show(Event(kind="log", data=json.dumps(piece), id=str(offset)))
    screen.finish()
    return text if stream.getvalue() == text else stream.getvalue()


def test_who_follows_at_a_terminal_is_not_steered() -> None:
    shown = followed(Terminal())
    assert left(shown) == []
    assert shown.endswith(COLOUR)


def test_a_program_gets_the_log_as_it_is() -> None:
    assert left(followed(io.StringIO()))


@pytest.mark.parametrize("say", [output.say_text, output.say, output.say_json, output.warn])
def test_what_is_printed_at_a_terminal_does_not_steer_it(say: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(say)
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", out)
    for steers in STEERS.values():
        say(steers)
    assert left(out.getvalue()) == []


def test_what_is_printed_elsewhere_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for steers in STEERS.values():
        output.say_text(f"{steers}\n")
        assert capsys.readouterr().out == f"{steers}\n"
