"""One open page: its beats, and what becomes of a reader that takes nothing or has gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import pytest

from headway.api.problems import Problem
from headway.core.access.audience import Audience
from headway.core.access.model import Actor, Credential, CredentialKind, Role
from headway.kernel.clock import SystemClock
from headway.kernel.events import Events, Whose
from headway.web import page_events
from headway.web.page_events import Live, LiveStream

ANN = Actor(
    user_id="ann",
    organization_id="org",
    role=Role.OWNER,
    credential=Credential(kind=CredentialKind.SESSION, id="s1"),
    name="Ann",
)


class Reader:
    """Somebody at the other end of a stream."""

    def __init__(self, *, takes: bool = True) -> None:
        self.said: list[bytes] = []
        self.gone = asyncio.Event()
        self._takes = takes

    async def send(self, message: Mapping[str, Any]) -> None:
        """What the panel says."""
        if not self._takes and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.said.append(message.get("body", b""))

    async def receive(self) -> MutableMapping[str, Any]:
        """That the reader has gone, once it has."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    def count(self, event: bytes) -> int:
        """How many of an event came."""
        return sum(each.startswith(b"event: " + event) for each in self.said)


class Panel:
    """What tells, and who listens."""

    def __init__(self, **seconds: float) -> None:
        self.events = Events()
        self.audience = Audience(self.events, 10)
        self.live = Live(self.events, self.audience, SystemClock(), **seconds)

    def open(self, query: str = "topic=services") -> LiveStream:
        """A stream of Ann's."""
        return self.live.open(ANN, query)


async def wait_until(reader: Reader, event: bytes, number: int) -> None:
    async with asyncio.timeout(10):
        while reader.count(event) < number:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.005)


async def test_a_page_that_nothing_changes_for_hears_that_the_panel_is_there() -> None:
    panel, reader = Panel(beat_seconds=0.02), Reader()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(panel.open().stream({}, reader.receive, reader.send))
        await wait_until(reader, b"beat", 4)
        assert (panel.live.count(), reader.count(b"changed")) == (1, 0)
        panel.events.changed(Whose(organization_id="org"), "services", "deployments")
        await wait_until(reader, b"changed", 1)
        reader.gone.set()
    assert panel.live.count() == 0
    assert b'"topics":["services"]' in next(each for each in reader.said if b"changed" in each)


async def test_a_reader_that_takes_nothing_is_sent_away_and_holds_nothing() -> None:
    panel, reader = Panel(stuck_seconds=0.05), Reader(takes=False)
    async with asyncio.timeout(10):
        await panel.open().stream({}, reader.receive, reader.send)
    assert panel.live.count() == 0
    assert not panel.audience._of_person


async def test_who_comes_while_the_panel_stops_is_sent_away() -> None:
    panel, reader = Panel(), Reader()
    panel.live.close()
    async with asyncio.timeout(10):
        await panel.open().stream({}, reader.receive, reader.send)
    assert reader.said[-1] == b""


async def test_what_changes_is_joined_for_longer_where_the_panel_is_busy() -> None:
    panel, reader = Panel(), Reader()
    loop = asyncio.get_running_loop()
    await asyncio.sleep(2 - loop.time() % 2)  # whole seconds are when all pages are told
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(panel.open().stream({}, reader.receive, reader.send))
        await wait_until(reader, b"beat", 1)
        panel.events.changed(Whose(organization_id="org"), "services", "deployments")
        await asyncio.sleep(0)
        time.sleep(0.3)  # the panel comes to nothing else
        for _ in range(5):
            await asyncio.sleep(0.1)
            panel.events.changed(Whose(organization_id="org"), "services", "deployments")
        assert reader.count(b"changed") == 0
        await wait_until(reader, b"changed", 1)
        reader.gone.set()
    assert reader.count(b"changed") == 1


@pytest.mark.parametrize(
    ("late", "least", "most"), [(0.0, 0.0, 0.0), (0.005, 0.2, 0.2), (0.01, 0.0, 0.5), (0.05, 0.0, 2.0), (9.0, 0.0, 2.0)]
)
def test_pages_of_a_busy_panel_are_told_at_the_same_moments(late: float, least: float, most: float) -> None:
    for tenths in range(200):
        now = 1_000 + tenths / 10
        joins = page_events._joins_for(now, late)
        assert least <= joins <= most
        assert most < 0.25 or (now + joins) % most == pytest.approx(0, abs=1e-6) or (now + joins) % most > most - 1e-6


async def test_a_panel_knows_the_revisions_that_it_has_told() -> None:
    panel, other, reader = Panel(), Panel(), Reader()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(panel.open().stream({}, reader.receive, reader.send))
        await wait_until(reader, b"beat", 1)
        panel.events.changed(Whose(organization_id="org"), "deployments", "services")
        await wait_until(reader, b"changed", 1)
        reader.gone.set()
    said = next(each for each in reader.said if b"changed" in each)
    told = json.loads(said.partition(b"data: ")[2])["revision"].encode()
    assert (panel.live.told_by(told), panel.live.latest()) == (2, 2)
    assert other.live.told_by(told) is None
    mark = told.partition(b"-")[0]
    for wrong in (
        b"",
        mark,
        *(mark + each for each in (b"-", b"--1", "-\u0661".encode(), b"-" + b"1" * 5_000, b"\xff")),
    ):
        assert panel.live.told_by(wrong) is None


async def test_what_is_joined_for_long_does_not_hold_up_the_end_of_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_events, "JOIN_SECONDS", 60.0)
    panel, reader = Panel(), Reader()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(panel.open().stream({}, reader.receive, reader.send))
        await wait_until(reader, b"beat", 1)
        panel.events.changed(Whose(organization_id="org"), "services", "deployments")
        await asyncio.sleep(0.05)
        panel.live.close()
    assert (reader.count(b"changed"), reader.said[-1]) == (0, b"")


@pytest.mark.parametrize("query", ["", "topics=a", "topic=", "&".join(f"topic={number}" for number in range(17))])
def test_topics_are_asked_for(query: str) -> None:
    with pytest.raises(Problem):
        Panel().open(query)
