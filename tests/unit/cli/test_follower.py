"""What a follower sees, in whatever order and pieces it comes."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli import follower
from headway.cli.follower import Screen, tail_offset, watch
from headway.cli.sse import Event

if TYPE_CHECKING:
    from headway.cli.client import Client

LOG = "fetched ä\nbuilding…\nno line end"
STEPS = {"source": 0, "build": len("fetched ä\n".encode()), "release": len(LOG.encode())}
SHOWN = "==> source\nfetched ä\n==> build\nbuilding…\nno line end\n==> release\n"


def step(name: str, *, finished: bool = False) -> Event:
    data = {"name": name, "startedAt": "t", "finishedAt": "t" if finished else None, "logOffset": STEPS[name]}
    return Event(kind="step", data=json.dumps(data), id=None)


def log(start: int, end: int) -> Event:
    return Event(kind="log", data=json.dumps(LOG[start:end]), id=str(len(LOG[:end].encode())))


def shown(events: list[Event], *, colours: bool = False) -> str:
    stream = io.StringIO()
    screen = Screen(stream, colours=colours, steers=colours)
    for event in events:
        screen.show(event)
    screen.finish()
    return stream.getvalue()


@given(st.lists(st.integers(0, len(LOG)), max_size=6).map(sorted), st.data())
def test_headings_stand_where_the_steps_began_however_the_log_is_cut(cuts: list[int], data: st.DataObject) -> None:
    bounds = [0, *cuts, len(LOG)]
    events = [log(start, end) for start, end in itertools.pairwise(bounds) if start < end]
    # A step is told at any time until the log has passed it: both are written when they are known.
    earliest = 0
    for name, offset in STEPS.items():
        latest = next(
            (at for at, event in enumerate(events) if event.kind == "log" and int(event.id or 0) > offset), len(events)
        )
        at = data.draw(st.integers(earliest, latest))
        events.insert(at, step(name))
        earliest = at + 1
    assert shown(events) == SHOWN


@given(
    st.lists(st.integers(0, len(LOG)), max_size=6).map(sorted),
    st.lists(st.integers(0, len(LOG.encode())), max_size=3).map(sorted),
    st.booleans(),
)
def test_a_heading_never_stands_within_a_line(cuts: list[int], offsets: list[int], late: bool) -> None:  # noqa: FBT001
    events = [log(start, end) for start, end in itertools.pairwise([0, *cuts, len(LOG)]) if start < end]
    for number, offset in enumerate(offsets):
        data = {"name": f"s{number}", "startedAt": "t", "finishedAt": None, "logOffset": offset}
        told = next((at for at, each in enumerate(events) if each.kind == "log" and int(each.id or 0) > offset), None)
        events.insert(len(events) if told is None or late else told, Event(kind="step", data=json.dumps(data), id=None))
    lines = shown(events).splitlines()
    assert [line for line in lines if not line.startswith("==> ")] == LOG.splitlines()
    assert [line for line in lines if line.startswith("==> ")] == [f"==> s{number}" for number in range(len(offsets))]


def test_what_a_broken_connection_brings_again_is_shown_once() -> None:
    assert shown([step("source"), log(0, 10), step("source"), step("source", finished=True), log(10, 12)]) == (
        "==> source\nfetched ä\nbu\n"
    )


def test_a_step_that_is_told_late_is_told_with_the_next_line() -> None:
    assert shown([log(0, 10), step("build")]) == "fetched ä\n==> build\n"
    assert shown([log(0, 15), step("build")]) == "fetched ä\nbuild\n==> build\n"
    assert shown([log(0, 15), step("build"), log(15, 22)]) == "fetched ä\nbuilding…\n==> build\nno\n"


def test_headings_are_bold_for_people_and_cannot_steer_their_terminal() -> None:
    event = Event(kind="step", data=json.dumps({"name": "a\x1b[2J", "logOffset": 0}), id=None)
    assert shown([event], colours=True) == "\x1b[1m==> a [2J\x1b[0m\n"


ENDED = "Deployment failed: Step build: exit status 7\nIts last line: no luck"
SERVES = "Deployment done: release abc serves at http://a.localhost:8080"


def shown_to_its_end(text: str, cuts: list[int], row: Mapping[str, str | None]) -> str:
    stream = io.StringIO()
    screen = Screen(stream, colours=False, steers=False, holds_closing=True)
    for start, end in itertools.pairwise([0, *cuts, len(text)]):
        screen.show(Event(kind="log", data=json.dumps(text[start:end]), id=str(end)))
    screen.drop_closing(row)
    screen.finish()
    return stream.getvalue()


@given(st.lists(st.integers(0, len(LOG) + len(ENDED)), max_size=6).map(sorted))
def test_why_it_ended_is_left_to_who_tells_it_however_the_log_is_cut(cuts: list[int]) -> None:
    row = {"errorMessage": "Step build: exit status 7 Its last line: no luck"}
    assert shown_to_its_end(f"one\n{ENDED}\n", [min(cut, 40) for cut in cuts], row) == "one\n"


def test_what_a_log_ends_with_is_left_out_only_where_it_says_no_more() -> None:
    done: dict[str, str | None] = {"errorMessage": None}
    assert shown_to_its_end(f"one\n{SERVES}\n", [], done) == "one\n"
    more = f"{SERVES}, which answers 502"
    assert shown_to_its_end(f"one\n{more}\n", [6], done) == f"one\n{more}\n"
    assert shown_to_its_end(f"one\n{ENDED}\n", [], {"errorMessage": "It was killed."}) == f"one\n{ENDED}\n"
    assert shown_to_its_end("Deployment of shop\nDeployment x: y\ntwo\n", [8, 25], done) == (
        "Deployment of shop\nDeployment x: y\ntwo\n"
    )
    assert shown_to_its_end(f"one {SERVES}\n", [2, 6], done) == f"one {SERVES}\n"


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


class SlowPanel:
    """One whose deployment has a step that goes on for a while."""

    def follow(self, _: str, __: int) -> Iterator[Event]:
        yield step("source")
        yield Event(kind="log", data=json.dumps("fetched\x1b[2J\n"), id="12")
        time.sleep(0.2)
        yield Event(kind="end", data="{}", id=None)

    def get(self, _: str, **__: str) -> Mapping[str, Any]:
        return {"status": "done"}


def watched(monkeypatch: pytest.MonkeyPatch, **env: str) -> str:
    """What a terminal is given of it."""
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(follower, "_SECONDS_BETWEEN_TICKS", 0.01)
    stream = Terminal()
    watch(cast("Client", SlowPanel()), "d", stream)
    return stream.getvalue()


def test_a_terminal_that_cannot_take_a_line_back_is_given_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, TERM="dumb") == "==> source\nfetched\n"


def test_who_wants_no_colours_sees_what_goes_on_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = watched(monkeypatch, TERM="xterm", NO_COLOR="1")
    assert "source … " in shown
    assert set(re.findall(r"\x1b\[[0-9;]*[A-Za-z]", shown)) == {"\x1b[K"}


def test_a_terminal_with_colours_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = watched(monkeypatch, TERM="xterm")
    assert set(re.findall(r"\x1b\[[0-9;]*[A-Za-z]", shown)) == {"\x1b[K", "\x1b[1m", "\x1b[2m", "\x1b[0m"}


class LongLog:
    """A panel whose deployment's log has these lines, and its events from a byte on, as it tells them."""

    lines = ("fetched ä\n", "one\n", "two\n", "three")

    def get(self, procedure: str, *, count: int = 0, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a query
        if procedure == "deployment.one":
            return {"status": "done"}
        assert (procedure, count) == ("deployment.lines", 1)
        number = given.get("from", len(self.lines))
        return {"total": len(self.lines), "rows": [{"n": number, "offset": self.offset(number)}]}

    def follow(self, _: str, start: int) -> Iterator[Event]:
        text = "".join(self.lines).encode()[start:].decode()
        yield step("source")
        yield Event(kind="log", data=json.dumps(text), id=str(len("".join(self.lines).encode())))
        yield Event(kind="end", data="{}", id=None)

    def offset(self, number: int) -> int:
        return len("".join(self.lines[: number - 1]).encode())


@pytest.mark.parametrize(("lines", "shown"), [(1, "three\n"), (3, "one\ntwo\nthree\n"), (4, None), (9, None)])
def test_the_last_lines_and_all_that_follows_are_shown_below_the_steps_before(lines: int, shown: str | None) -> None:
    client, stream = cast("Client", LongLog()), io.StringIO()
    watch(client, "d", stream, start=tail_offset(client, "d", lines))
    assert stream.getvalue() == "==> source\n" + (shown or "".join(LongLog.lines) + "\n")
