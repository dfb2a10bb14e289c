"""What nobody foresaw ends a run, or is tried a bounded number of times, while the others go on."""

from __future__ import annotations

import asyncio

import pytest

from headway.kernel.errors import HeadwayError
from headway.kernel.vault import VaultError
from tests.factories import request
from tests.simulation.border import Fault
from tests.simulation.truth import Row
from tests.simulation.world import Panel, World, play, world

SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}
FOR_EVER = 10_000


def other(number: int = 1) -> dict[str, object]:
    """A deployment of another application."""
    return {"subject_id": f"other{number}", "exclusive_key": f"application:other{number}"}


async def two(made: World) -> Panel:
    """A panel with a deployment, and a neighbour's behind it."""
    panel = made.start_panel()
    await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
    await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT}, **other())))
    return panel


async def ended(made: World, seconds: float) -> None:
    await made.until(lambda: bool(made.truth.rows) and made.all_ended() and not made.machine.runs, seconds, "it ended")


def rows(made: World) -> list[Row]:
    return sorted(made.truth.rows.values(), key=lambda row: row.seq)


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [
        ("freeze", VaultError("The secret cannot be opened."), "The secret cannot be opened."),
        ("freeze", KeyError("name"), "unforeseen KeyError"),
        ("open anchor", HeadwayError("There is no perl: apt-get install perl-base."), "apt-get install perl-base"),
        ("open anchor", OSError(28, "No space left on device"), "unforeseen OSError"),
    ],
)
def test_what_keeps_a_run_from_beginning_ends_it_with_its_sentence(what: str, error: Exception, sentence: str) -> None:
    async def script(made: World) -> None:
        made.border.faults.append(Fault(what, error))
        await two(made)
        await ended(made, 10)

    with world(f"unforeseen {what} {error}") as made:
        play(made, script)
        first, second = rows(made)
        assert (first.status, first.reason, first.epoch) == ("error", "failed", 1)
        assert sentence in (first.error_message or "")
        assert second.status == "done"


def test_a_run_that_can_never_begin_is_given_up_after_some_attempts() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults.append(Fault("go", HeadwayError("It cannot be let go."), FOR_EVER))
        await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        await ended(made, 400)

    with world("never begins") as made:
        play(made, script)
        (row,) = rows(made)
        assert (row.status, row.reason) == ("error", "failed")
        assert row.epoch < 40
        assert "10 attempts" in (row.error_message or "")


def test_a_run_that_cannot_be_looked_at_is_ended_and_its_neighbour_goes_on() -> None:
    async def script(made: World) -> None:
        panel = await two(made)
        await made.until(lambda: bool(made.machine.begun), 5, "it runs", every=0.001)
        panel.process.kill()
        made.border.faults.append(Fault("attach", RuntimeError("nobody foresaw it"), 4))
        made.start_panel()
        await ended(made, 400)

    with world("cannot be looked at", 0.02) as made:
        play(made, script)
        assert {row.status for row in rows(made)} == {"done"}


def test_a_cancelled_command_has_its_whole_grace() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        slow = {**SHORT, "fetch": ["print fetching", "sleep 60", "stubborn"]}
        await made.ask(panel, made.enqueue(panel, request(input={"commands": slow})))
        await made.until(lambda: bool(made.machine.begun), 5, "it runs", every=0.001)
        (row,) = rows(made)
        asked_at = made.loop.time()
        cancelling = made.ask(panel, panel.engine.stopper.cancel(row.deployment_id))
        await asyncio.sleep(9)  # over two heartbeats
        assert not cancelling.done()
        await cancelling
        assert made.loop.time() - asked_at >= 10
        await ended(made, 5)

    with world("grace") as made:
        play(made, script)
        assert rows(made)[0].reason == "cancelled"
