"""What nobody foresaw ends a run, or is tried a bounded number of times, while the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from headway.core.deployments import pending_undos, store
from headway.core.deployments.model import Request
from headway.core.engine.parts import EngineSettings
from headway.infra.db.engine import Database, DatabaseAway, DatabaseFull
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import HeadwayError
from headway.kernel.events import DeploymentEnded
from headway.kernel.vault import VaultError
from tests.simulation.border import Fault
from tests.simulation.machine import Machine
from tests.simulation.truth import Row
from tests.simulation.world import Panel, World, play, world
from tests.support.panel.factories import add_host, request

SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}
FOR_EVER = 10_000
T = TypeVar("T")


def neighbours() -> Request:
    """A deployment of another application."""
    return request(subject_id="other", exclusive_key="application:other", input={"commands": SHORT})


async def two(made: World) -> Panel:
    """A panel with a deployment, and a neighbour's behind it."""
    panel = made.start_panel()
    await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
    await made.ask(panel, made.enqueue(panel, neighbours()))
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
        ("open anchor", OSError(28, "No space left on device"), "disk is full"),
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


def test_a_kill_after_a_cancel_does_not_wait_for_its_grace() -> None:
    async def script(made: World) -> None:
        made.settings = EngineSettings(cancel_grace=timedelta(minutes=10), stop_deadline=timedelta(minutes=11))
        panel = made.start_panel()
        slow = {**SHORT, "fetch": ["print fetching", "sleep 3600", "stubborn"]}
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": slow})))
        await made.until(lambda: bool(made.machine.begun), 5, "it runs", every=0.001)
        cancelling = made.ask(panel, panel.engine.stopper.cancel(first))
        await asyncio.sleep(1)
        assert made.machine.living(first)  # in its grace
        asked_at = made.loop.time()
        killed = await made.ask(panel, panel.engine.stopper.kill(first))
        assert made.loop.time() - asked_at < 1
        assert (killed.status, killed.reason) == ("error", "killed")
        assert (await cancelling).reason == "killed"
        await ended(made, 5)

    with world("kill in the grace") as made:
        play(made, script)
        assert [(row.status, row.reason) for row in rows(made)] == [("error", "killed")]


def test_a_run_whose_log_cannot_be_written_ends_as_it_would_have() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        at_work = {**SHORT, "migrate": ["print migrating", "sleep 5"]}
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": at_work})))
        made.truth.without_log.add(first)
        made.logs.log(first).mkdir(parents=True)  # where its log should be
        await made.ask(panel, made.enqueue(panel, neighbours()))
        await ended(made, 20)

    with world("no log") as made:
        play(made, script)
        first, second = rows(made)
        assert (first.status, second.status) == ("done", "done")
        assert first.error_message == "The log could not be written to its end (Is a directory)."
        assert second.error_message is None


def test_a_kill_of_a_run_whose_log_cannot_be_written_is_carried_out() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        slow = {**SHORT, "fetch": ["print fetching", "sleep 60"]}
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": slow})))
        made.truth.without_log.add(first)
        made.logs.log(first).mkdir(parents=True)
        await made.until(lambda: bool(made.machine.begun), 5, "it runs", every=0.001)
        began = made.loop.time()
        killed = await made.ask(panel, panel.engine.stopper.kill(first))
        assert made.loop.time() - began < 1
        assert killed.reason == "killed"
        await ended(made, 5)

    with world("killed without a log") as made:
        play(made, script)


def test_what_was_read_of_a_run_stays_where_its_output_is_gone() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        slow = {**SHORT, "fetch": ["print fetching for long", "sleep 60"]}
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": slow})))
        log = made.logs.log(first)
        await made.until(lambda: log.exists() and "for long" in log.read_text(), 5, "it was read", every=0.001)
        panel.process.kill()
        made.truth.without_log.add(first)
        (run,) = made.machine.runs.values()
        made.machine.restart()
        run.spool.clear()
        made.start_panel()
        await ended(made, 20)
        assert log.read_text().startswith("Deploying\nprepared without a command\nfetch begins\nfetching for long\n")
        assert log.read_text().count("Deployment lost") == 1

    with world("output gone", 0.02) as made:
        play(made, script)


@pytest.mark.parametrize("meanwhile", ["the panel stays", "another starts"])
def test_what_was_read_of_a_run_stays_where_its_server_is_lost(meanwhile: str) -> None:
    async def script(made: World) -> None:
        made.servers = [server := Machine("server")]
        made.settings = EngineSettings(reach_deadline=timedelta(minutes=1))
        made.store.perform(lambda tx: add_host(tx, "server"))
        panel = made.start_panel()
        slow = {**SHORT, "fetch": ["print fetching for long", "sleep 60"]}
        first = await made.ask(panel, made.enqueue(panel, request(host_id="server", input={"commands": slow})))
        log = made.logs.log(first)
        await made.until(lambda: log.exists() and "for long" in log.read_text(), 5, "it was read", every=0.001)
        before = log.read_text()
        made.truth.without_log.add(first)
        server.is_away, made.border.away_until["host"] = True, made.loop.time() + 300
        if meanwhile == "another starts":
            panel.process.kill()
            made.start_panel()
        await made.until(made.all_ended, 200, "it is given up")
        (row,) = rows(made)
        assert (row.status, row.reason) == ("error", "lost")
        given_up = log.read_text()
        assert given_up == f"{before}Deployment lost: {row.error_message}\n"
        server.is_away, made.border.away_until["host"] = False, 0.0
        await made.until(lambda: not server.runs, 120, "what ran there is ended")
        assert log.read_text() == given_up

    with world("lost server") as made:
        play(made, script)


def test_what_a_removed_deployment_owes_is_still_taken_back() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults.append(Fault("undo release", HeadwayError("The engine does not answer."), 2))
        failing = {**SHORT, "migrate": ["print migrating", "exit 3"]}
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": failing})))
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has failed", every=0.001)
        assert made.effects.releases == {first}

        def remove(tx: Tx) -> None:
            store.remove_all(tx, [first], undos_stay=pending_undos.keep(tx, store.find(tx, first)))

        await made.ask(panel, panel.db.run(remove))
        await made.until(lambda: not made.effects.releases, 130, "the half-made release is gone")
        await asyncio.sleep(1)
        assert made.store.perform(lambda tx: pending_undos.on(tx, "here"), writing=False)[1] == []

    with world("owed") as made:
        play(made, script)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("nobody foresaw it"),
        HeadwayError("It is in state D."),
        HostUnreachable("Processes of the deployment do not end although they were killed."),
    ],
)
def test_a_leftover_that_cannot_be_cleared_holds_up_nothing_else(error: Exception) -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        first = await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        made.border.faults += [Fault("close", error, 1), Fault("forget", error, 3)]
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has ended", every=0.001)
        await asyncio.sleep(3)
        assert [each.loop for each in panel.parts.troubles.all()] == ["leftover"]
        second = await made.ask(panel, made.enqueue(panel, neighbours()))
        await ended(made, 200)
        assert {row.deployment_id for row in rows(made)} == {first, second}
        assert panel.parts.troubles.all() == []

    with world(f"leftover {error}", 0.001) as made:
        play(made, script)


def test_slow_undos_after_a_restart_hold_up_no_neighbour() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        slow = {**SHORT, "migrate": ["print migrating", "sleep 60"]}
        await made.ask(panel, made.enqueue(panel, request(input={"commands": slow})))
        await made.ask(panel, made.enqueue(panel, replace(neighbours(), input={"commands": slow})))
        await made.until(lambda: len(made.machine.begun) == 6, 5, "both migrate", every=0.001)
        panel.process.kill()
        made.machine.restart()
        made.undo_seconds = 50.0
        began = made.loop.time()
        made.start_panel()
        await made.until(made.all_ended, 60, "both have ended", every=0.1)
        assert made.loop.time() - began < 55
        await ended(made, 60)

    with world("slow undos") as made:
        play(made, script)
        assert {row.reason for row in rows(made)} == {"lost"}


def test_a_timeout_within_a_run_is_not_told_as_that_of_the_whole() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults.append(Fault("release", TimeoutError()))
        await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        await ended(made, 20)

    with world("inner timeout") as made:
        play(made, script)
        (row,) = rows(made)
        assert (row.status, row.reason) == ("error", "failed")
        assert "unforeseen TimeoutError" in (row.error_message or "")


def test_followers_are_told_of_an_end_whose_commit_was_not_answered() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        await made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        told: list[DeploymentEnded] = []
        panel.context.run(panel.parts.events.listen, DeploymentEnded, told.append)
        write = panel.db.run
        lost: list[bool] = []

        async def once_lost(work: Callable[[Tx], T]) -> T:
            status = the_status(made)
            result = await write(work)
            if status == "running" and the_status(made) == "done" and not lost:
                lost.append(True)
                told.clear()
                raise DatabaseAway("The answer was lost.")
            return result

        object.__setattr__(panel.parts, "db", Hearing(panel.db, once_lost))
        await ended(made, 30)
        assert lost
        assert [each.status for each in told] == ["done"]

    with world("no answer") as made:
        play(made, script)


def the_status(made: World) -> str | None:
    return next((row.status for row in made.truth.rows.values()), None)


class Hearing:
    """A database whose writes go another way."""

    def __init__(self, database: Database, run: Callable[[Callable[[Tx], Any]], Awaitable[Any]]) -> None:
        self.read = database.read
        self.run = run


@pytest.mark.parametrize("migrate", [["sleep 1", "exit 3"], ["sleep 1", "print migrated"]], ids=["fails", "does not"])
def test_what_a_run_has_filled_of_the_disk_goes_before_its_end_is_written(migrate: list[str]) -> None:
    """While its last command works, what the first run has released takes the room of the database."""
    filled = list[str]()

    async def script(made: World) -> None:
        look = made.store.watch

        def watch(tx: Tx) -> None:
            first = rows(made)[0].deployment_id if made.truth.rows else ""
            if not filled and (first, "migrate") in made.machine.begun:
                filled.append(first)
            if set(filled) & made.effects.releases:
                raise DatabaseFull("The disk of the database is full.")
            look(tx)

        made.store.watch = watch
        panel = made.start_panel()
        first = request(input={"commands": {**SHORT, "migrate": migrate}})
        await made.ask(panel, made.enqueue(panel, first))
        await made.ask(panel, made.enqueue(panel, neighbours()))
        await ended(made, 60)

    with world(f"full disk {migrate}") as made:
        play(made, script)
        first, second = rows(made)
        assert (first.status, first.reason) == ("error", "failed")
        assert (first.error_message or "").endswith("The disk of the database is full.")
        assert filled
        assert not set(filled) & made.effects.releases
        assert second.status == "done" or migrate[1] != "exit 3"
