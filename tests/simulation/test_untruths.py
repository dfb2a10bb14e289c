"""The judge is judged: where the engine, the queue or the machine is broken on purpose, the simulation notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from headway.core.deployments import queue
from headway.core.deployments.model import Lane
from headway.core.engine.recovery import Recovery
from headway.core.engine.run_log import PumpedLog
from headway.infra.hosts.base import StopMode
from tests.simulation.host import SimHost
from tests.simulation.machine import SimRun
from tests.simulation.work import Work
from tests.simulation.world import World, play, world
from tests.support.panel.factories import request

COMMANDS = {"fetch": ["print fetching", "sleep 3"], "build": ["print building"], "migrate": ["exit 0"]}


async def eventful(made: World) -> None:
    """Three of one service and two of others; one is killed as it runs, one fails, one loses its anchor."""
    panel = made.start_panel()
    wishes = [
        request(exclusive_key=key, subject_id=key or "none", input={"commands": commands})
        for key, commands in (
            ("one", COMMANDS),
            ("one", {**COMMANDS, "migrate": ["exit 1"]}),
            ("one", COMMANDS),
            ("two", COMMANDS),
            ("three", COMMANDS),
        )
    ]
    for wish in wishes:
        await made.ask(panel, made.enqueue(panel, wish))
    first = next(iter(made.truth.rows))
    await made.until(lambda: made.machine.begun[first, "fetch"] == 1, 5, "the first runs")
    made.ask(panel, panel.engine.stopper.kill(first))
    await asyncio.sleep(1)
    run = next(run for run in made.machine.runs.values() if run.is_alive)
    run.die()
    await made.until(lambda: made.all_ended() and not made.machine.runs, 120, "everything has ended")


def test_nothing_is_untrue_where_nothing_is_broken() -> None:
    with world("unbroken") as made:
        play(made, eventful)
        ends = sorted(row.reason or row.status for row in made.truth.rows.values())
        assert ends == ["done", "done", "failed", "killed", "lost"]


async def _nothing(*_arguments: object) -> None:
    """Does not do what it should."""


def _kill_nothing(self: SimRun, mode: StopMode) -> None:
    self.is_shut = True


def _break_kill(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SimRun, "stop", _kill_nothing)
    patch.setattr(SimRun, "is_stopped", lambda _self: True)


BROKEN: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "effects are not taken back": (
        lambda patch: patch.setattr(Work, "_undo", _nothing),
        "its release is there",
    ),
    "a kill leaves processes": (
        _break_kill,
        r"became error \(killed\) while",
    ),
    "a lost run is put back": (
        lambda patch: patch.setattr(
            Recovery, "_gone", lambda self, row, lease, handle, _reason: self._never_began(row, lease, handle)
        ),
        "began a second time",
    ),
    "the limit is not kept": (
        lambda patch: patch.setattr(queue, "_open_lanes", lambda *_: [(Lane.ROLLBACK, max(Lane))]),
        "3 run at once",
    ),
    "the next of a key is not let in": (
        lambda patch: patch.setattr(queue, "promote", lambda _tx, _key: None),
        "the first runs",
    ),
    "what was written is on no disk": (
        lambda patch: patch.setattr(SimHost, "sync", _nothing),
        "no disk has what it wrote",
    ),
    "a log is not closed": (
        lambda patch: patch.setattr(PumpedLog, "finish", _nothing),
        "the log of",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_noticed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, complaint = BROKEN[what]
    with monkeypatch.context() as patch, world(what) as made:
        break_it(patch)
        with pytest.raises(AssertionError, match=complaint):
            play(made, eventful)
