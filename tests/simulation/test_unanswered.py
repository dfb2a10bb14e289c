"""What a host does not do although its link stands is bounded and shown, and holds up nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from headway.core.deployments import pending_undos, store
from headway.core.deployments.run import Deadlines, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine.parts import EngineSettings
from headway.infra.db.tables.deployments import PENDING, deployments, outbox, removed_deployments
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.epochs import EpochHeld
from headway.kernel.errors import HeadwayError
from tests.simulation.border import Fault
from tests.simulation.world import Panel, World, play, with_a_server, world
from tests.support.panel.factories import request

SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}
FAILING = {**SHORT, "migrate": ["print migrating", "exit 3"]}
FOR_EVER = 100_000


def stuck() -> HostUnreachable:
    """What a host says of processes that a hung disk holds."""
    return HostUnreachable("Processes of the deployment do not end although they were killed.")


async def deployed(made: World, panel: Panel, name: str, commands: dict[str, list[str]], host_id: str = "here") -> str:
    wish = request(host_id, subject_id=name, exclusive_key=name, input={"commands": commands})
    return await made.ask(panel, made.enqueue(panel, wish))


def loops(panel: Panel) -> list[str]:
    """The loops that could not do something."""
    return sorted(each.loop for each in panel.parts.troubles.all())


def test_a_server_on_which_something_does_not_end_works_on_after_a_minute() -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        panel = made.start_panel()
        made.border.faults += [Fault("close", stuck()), Fault("forget", stuck(), FOR_EVER)]
        await deployed(made, panel, "first", SHORT, "server")
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has ended", every=0.001)
        server.cut()
        second = await deployed(made, panel, "second", SHORT, "server")
        await made.until(lambda: second in made.truth.ends, 75, "the server works on")
        assert loops(panel) == ["leftover"]
        made.border.faults.clear()
        await made.until(lambda: not server.runs, 900, "what was left is ended")

    with world("stuck on a server") as made:
        play(made, script)
        assert {row.status for row in made.truth.rows.values()} == {"done"}


def test_an_undo_that_is_not_answered_is_shown_and_holds_up_no_other() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults += [
            Fault("undo release", HeadwayError("The engine does not answer."), 2),
            Fault("undo release", HostUnreachable("It did not answer (remove) within 20 s.")),
        ]
        for name in ("first", "second"):
            await deployed(made, panel, name, FAILING)
        await made.until(lambda: len(made.truth.ends) == 2, 20, "both have failed", every=0.001)
        assert len(made.effects.releases) == 2
        await made.until(lambda: len(made.effects.releases) == 1, 5, "one of them is taken back", every=0.001)
        assert loops(panel) == ["undo"]
        await made.until(lambda: not made.effects.releases, 130, "so is the other")

    with world("unanswered undo") as made:
        play(made, script)


LONG = {**SHORT, "fetch": ["print fetching", "sleep 3000"]}


async def taken_over_unanswered(made: World, host_id: str) -> str:
    """A run at work whose anchor answers no panel any more, after the one that has begun it; its id."""
    made.settings = EngineSettings(reach_deadline=timedelta(minutes=1))
    panel = made.start_panel()
    running = await deployed(made, panel, "running", LONG, host_id)
    machines = (made.machine, *made.servers)
    await made.until(lambda: any(each.begun for each in machines), 5, "it runs", every=0.001)
    made.truth.without_log.add(running)  # what it has put out goes with its anchor
    panel.process.kill()
    made.border.faults.append(Fault("attach", HostUnreachable("Its anchor did not answer within 20 s."), FOR_EVER))
    return running


def told(made: World) -> Counter[str]:
    """What was told the world of deployments."""
    topics = made.store.perform(lambda tx: tx.execute(select(outbox.c.topic)).scalars().all(), writing=False)[1]
    return Counter(topics)


def test_a_run_whose_anchor_does_not_answer_is_told_once_and_ended_in_the_end() -> None:
    async def script(made: World) -> None:
        running = await taken_over_unanswered(made, "here")
        made.start_panel()
        await asyncio.sleep(50)
        assert told(made)["application.out_of_reach"] == 1
        since = made.store.perform(lambda tx: store.find(tx, running), writing=False)[1].out_of_reach_since
        assert since is not None
        await made.until(made.all_ended, 20, "it is given up")
        assert not made.machine.runs

    with world("unanswered anchor", 0.001) as made:
        play(made, script)
        (row,) = made.truth.rows.values()
        assert (row.status, row.reason) == ("error", "lost")
        assert "Its anchor did not answer within 20 s." in (row.error_message or "")
        assert told(made)["application.out_of_reach"] == 1


def test_a_run_whose_epoch_is_held_for_good_is_given_up() -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        await taken_over_unanswered(made, "server")
        made.border.faults[:] = [Fault("raise epoch", EpochHeld("Its epoch is held."), FOR_EVER)]
        made.start_panel()
        await asyncio.sleep(50)
        assert told(made)["application.out_of_reach"] == 1
        await made.until(made.all_ended, 45, "it is given up")
        made.border.faults.clear()
        await made.until(lambda: not server.runs, 130, "what was left is ended")

    with world("held epoch", 0.001) as made:
        play(made, script)
        (row,) = made.truth.rows.values()
        assert (row.status, row.reason) == ("error", "lost")
        assert "Its epoch is held." in (row.error_message or "")


def test_a_run_that_its_host_does_not_end_is_given_up_and_ended_later() -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        await taken_over_unanswered(made, "server")
        made.border.faults.append(Fault("forget", stuck(), FOR_EVER))
        panel = made.start_panel()
        await made.until(made.all_ended, 75, "it is given up")
        await asyncio.sleep(5)
        assert (loops(panel), len(server.runs)) == (["leftover"], 1)
        made.border.faults.clear()
        await made.until(lambda: not server.runs, 130, "what was left is ended")
        assert loops(panel) == []

    with world("stuck anchor", 0.001) as made:
        play(made, script)
        assert [row.reason for row in made.truth.rows.values()] == ["lost"]


def test_what_is_put_back_waits_for_no_host_that_was_away() -> None:
    waited: list[object] = []

    async def script(made: World) -> None:
        look = made.store.watch

        def watch(tx: Tx) -> None:
            look(tx)
            rows = tx.execute(select(deployments.c.out_of_reach_since).where(PENDING)).scalars()
            waited.extend(each for each in rows if each is not None)

        made.store.watch = watch
        panel = made.start_panel()
        made.ask(panel, deployed(made, panel, "one", SHORT))
        await made.until(lambda: any(row.handle for row in made.truth.rows.values()), 5, "it has begun", every=0.0001)
        panel.process.kill()
        assert not made.machine.begun
        made.border.away_until["host"] = made.loop.time() + 30
        made.start_panel()
        await made.until(lambda: told(made)["application.out_of_reach"] == 1, 20, "its host is away")
        await made.until(lambda: made.all_ended() and not made.machine.runs, 60, "it has ended")

    with world("put back", 0.01) as made:
        play(made, script)
        (row,) = made.truth.rows.values()
        assert (row.status, waited) == ("done", [])


def never_released(made: World, total: timedelta) -> None:
    """What runs release with answers nothing, though the link stands, and they may take so long in all."""
    made.border.faults.append(Fault("release", HostUnreachable("It did not answer (start) within 60 s."), FOR_EVER))
    made.settings = EngineSettings(reach_deadline=timedelta(minutes=1), deadlines=deadlines(total))


def deadlines(total: timedelta) -> Deadlines:
    return Deadlines(step=timedelta(minutes=30), inactivity=timedelta(minutes=15), total=total)


def test_a_run_whose_effect_is_never_answered_ends_when_its_time_is_over() -> None:
    async def script(made: World) -> None:
        never_released(made, timedelta(minutes=5))
        panel = made.start_panel()
        await deployed(made, panel, "one", SHORT)
        await asyncio.sleep(290)
        assert not made.all_ended()
        await made.until(made.all_ended, 20, "its time is over")
        await made.until(lambda: not made.machine.runs, 20, "nothing is left")

    with world("never answered") as made:
        play(made, script)
        assert [row.reason for row in made.truth.rows.values()] == ["timed_out"]


@pytest.mark.slow
def test_a_start_of_a_panel_gives_a_run_no_new_time() -> None:
    async def script(made: World) -> None:
        never_released(made, timedelta(minutes=11))
        panel = made.start_panel()
        await deployed(made, panel, "one", SHORT)
        await asyncio.sleep(60)
        panel.process.kill()
        made.start_panel()
        await asyncio.sleep(590)
        assert not made.all_ended()
        await made.until(made.all_ended, 30, "its time is over")
        await made.until(lambda: not made.machine.runs, 20, "nothing is left")

    with world("started again") as made:
        play(made, script)
        assert [row.reason for row in made.truth.rows.values()] == ["timed_out"]


def test_a_run_whose_undo_is_not_answered_either_is_given_up_and_taken_back_later() -> None:
    async def script(made: World) -> None:
        never_released(made, timedelta(minutes=1))
        made.border.faults.append(Fault("undo release", HostUnreachable("It did not answer (remove)."), FOR_EVER))
        panel = made.start_panel()
        first = await deployed(made, panel, "one", SHORT)
        made.truth.without_log.add(first)  # what it has put out goes with its anchor
        made.effects.releases.add(first)  # it may have come about without an answer
        await made.until(made.all_ended, 300, "it is given up")
        await asyncio.sleep(5)
        assert loops(panel) == ["undo"]
        made.border.faults.clear()
        await made.until(lambda: not made.effects.releases and not made.machine.runs, 330, "it is taken back")

    with world("undo never answered") as made:
        play(made, script)
        assert [row.reason for row in made.truth.rows.values()] == ["lost"]


@pytest.mark.parametrize("away", ["the panel", pytest.param("the server", marks=pytest.mark.slow)])
def test_what_ended_well_while_nobody_could_go_on_with_it_is_brought_to_its_end(away: str) -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        made.settings = EngineSettings(reach_deadline=timedelta(hours=1), deadlines=deadlines(timedelta(minutes=20)))
        panel = made.start_panel()
        await deployed(made, panel, "one", {**SHORT, "migrate": ["print migrating", "sleep 20"]}, "server")
        await made.until(lambda: server.begun.total() == 3, 5, "its last command runs")
        if away == "the panel":
            panel.process.kill()
            await asyncio.sleep(1500)
            made.start_panel()
        else:
            server.is_away, made.border.away_until["host"] = True, made.loop.time() + 1500
            server.cut()
            await asyncio.sleep(1500)
            server.is_away = False
        await made.until(lambda: made.all_ended() and not server.runs, 60, "it has ended")

    with world(f"away for long: {away}") as made:
        play(made, script)
        assert [row.status for row in made.truth.rows.values()] == ["done"]


def test_what_is_left_or_owed_on_a_server_that_is_removed_is_no_trouble() -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        panel = made.start_panel()
        made.border.faults += [
            Fault("undo release", HeadwayError("The engine does not answer."), FOR_EVER),
            Fault("forget", stuck(), FOR_EVER),
            Fault("close", stuck()),
        ]
        made.truth.without_log.add(await deployed(made, panel, "first", FAILING, "server"))
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has failed", every=0.001)
        await made.until(lambda: loops(panel) == ["leftover", "undo"], 10, "both are shown")
        del vars(panel.parts.registered.hosts)["_hosts"]["server"]
        await made.ask(panel, panel.db.run(lambda tx: pending_undos.leave(tx, "server")))
        await made.until(lambda: loops(panel) == [], 65, "neither is any more")
        server.runs.clear()
        made.effects.releases.clear()

    with world("removed server", 0.001) as made:
        play(made, script)


def test_a_run_that_loses_what_it_did_on_another_machine_ends_as_lost() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        gone = RunFailed("The machine was started anew, and what ran there ended with it.", Reason.LOST)
        made.border.faults.append(Fault("start", gone))
        await deployed(made, panel, "one", SHORT)
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has ended", every=0.001)
        (ended,) = made.truth.rows
        assert made.store.perform(lambda tx: store.find(tx, ended), writing=False)[1].epoch == 1, (
            "by the panel that began it"
        )

    with world("lost errand") as made:
        play(made, script)
        (row,) = made.truth.rows.values()
        assert (row.status, row.reason) == ("error", "lost")


def test_a_removed_record_that_cannot_be_read_holds_up_no_other_undo() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults.append(Fault("undo release", HeadwayError("The engine does not answer."), 4))
        first = await deployed(made, panel, "first", FAILING)
        second = await deployed(made, panel, "second", FAILING)
        await made.until(lambda: len(made.truth.ends) == 2, 20, "both have failed", every=0.001)

        def remove(tx: Tx) -> None:
            for each in (first, second):
                store.remove_all(tx, [each], undos_stay=pending_undos.keep(tx, store.find(tx, each)))
            kept = removed_deployments.c
            record = json.loads(tx.execute(select(kept.record).where(kept.deployment_id == second)).scalar_one())
            del record["answers"]  # as one of before there were any
            for each, text in ((first, "{}"), (second, json.dumps(record))):
                tx.execute(update(removed_deployments).where(kept.deployment_id == each).values(record=text))

        await made.ask(panel, panel.db.run(remove))
        await made.until(lambda: made.effects.releases == {first}, 130, "the other is taken back")
        assert loops(panel) == ["undo"]

    with world("unreadable undo") as made:
        play(made, script)
