"""Scenes that storms have found, and what must be true in them, each alone."""

from __future__ import annotations

import asyncio
from datetime import UTC

import pytest

from headway.core.deployments import store
from headway.core.deployments.status import Intent
from headway.core.engine.run_log import PumpedLog
from headway.infra.db.transaction import Tx
from tests.simulation.host import SimHost
from tests.simulation.machine import Machine, SimRun
from tests.simulation.truth import Row, read_rows
from tests.simulation.world import Panel, World, play, with_a_server, world
from tests.support.panel.factories import add_host, request

LONG = {"fetch": ["print fetching", "sleep 20"], "build": ["print building"], "migrate": ["print migrating"]}
SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}


def the_row(made: World) -> Row:
    (row,) = made.truth.rows.values()
    return row


async def begun(made: World, commands: dict[str, list[str]], seconds: float = 5) -> Panel:
    """A panel whose only deployment runs its first command."""
    panel = made.start_panel()
    made.ask(panel, made.enqueue(panel, request(input={"commands": commands})))
    await made.until(lambda: bool(made.machine.begun), seconds, "the first command has begun")
    return panel


async def ended(made: World, seconds: float) -> None:
    await made.until(lambda: made.all_ended() and not made.machine.runs, seconds, "it has ended, and nothing is left")


def test_a_run_whose_host_is_away_when_it_is_looked_at_is_taken_up_once_the_host_answers() -> None:
    async def script(made: World) -> None:
        (await begun(made, LONG)).process.kill()
        made.border.away_until["host"] = made.loop.time() + 30
        made.start_panel()
        await asyncio.sleep(15)
        marked = made.store.perform(lambda tx: store.find(tx, the_row(made).deployment_id), writing=False)[1]
        assert marked.out_of_reach_since is not None
        await asyncio.sleep(25)
        marked = made.store.perform(lambda tx: store.find(tx, marked.deployment_id), writing=False)[1]
        assert marked.out_of_reach_since is None
        await ended(made, 20)

    with world("away") as made:
        play(made, script)
        assert (the_row(made).status, made.machine.begun.total()) == ("done", 3)


def test_a_run_whose_host_goes_before_its_log_is_whole_is_shown_so_and_ends_once_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish, goes = PumpedLog.finish, [True]

    async def script(made: World) -> None:
        async def finishing(log: PumpedLog, closing: str) -> None:
            if goes:
                goes.clear()
                made.border.away_until["host"] = made.loop.time() + 60
            await finish(log, closing)

        monkeypatch.setattr(PumpedLog, "finish", finishing)
        await begun(made, SHORT)
        await made.until(lambda: not goes, 10, "it ends")
        await asyncio.sleep(50)
        marked = made.store.perform(lambda tx: store.find(tx, the_row(made).deployment_id), writing=False)[1]
        assert (marked.status, marked.out_of_reach_since is None) == ("running", False)
        await ended(made, 60)

    with world("away at the end", 0.02) as made:
        play(made, script)
        assert (the_row(made).status, made.machine.begun.total()) == ("done", 3)


def test_of_a_command_begun_after_a_restart_only_its_own_words_are_told() -> None:
    commands = {
        "fetch": ['print npm error Missing script: "fetched"', "sleep 20"],
        "build": ['print npm error Missing script: "built"', "sleep 1"],
        "migrate": ['print npm error Missing script: "migrated"', "exit 1"],
    }

    async def script(made: World) -> None:
        (await begun(made, commands)).process.kill()
        made.start_panel()
        await ended(made, 60)

    with world("own words") as made:
        play(made, script)
        found = made.store.perform(lambda tx: store.find(tx, the_row(made).deployment_id), writing=False)[1]
        assert 'Missing script: "migrated"' in (found.error_message or "")


def test_a_command_begun_before_a_restart_is_told_with_all_that_it_said() -> None:
    commands = {
        "fetch": ['print npm error Missing script: "fetched"', "sleep 20", "exit 1"],
        "build": [],
        "migrate": [],
    }

    async def script(made: World) -> None:
        (await begun(made, commands)).process.kill()
        made.start_panel()
        await ended(made, 60)

    with world("all words") as made:
        play(made, script)
        found = made.store.perform(lambda tx: store.find(tx, the_row(made).deployment_id), writing=False)[1]
        assert 'Missing script: "fetched"' in (found.error_message or "")


def test_each_step_of_a_run_that_ended_well_has_its_result() -> None:
    async def script(made: World) -> None:
        await begun(made, SHORT)
        await ended(made, 20)

    with world("steps") as made:
        play(made, script)
        row = the_row(made)
        steps = made.store.perform(lambda tx: store.steps_of(tx, row.deployment_id), writing=False)[1]
        assert [step.name for step in steps][-1] == "route"
        assert all(step.result is not None for step in steps)


def test_a_claim_whose_answer_is_lost_is_put_back_and_runs() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        await asyncio.sleep(0.5)
        made.border.lost_answers = 1.0
        made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        claimed = lambda: bool(made.truth.rows) and the_row(made).status == "running"  # noqa: E731
        await made.until(claimed, 5, "it is claimed", every=0.001)
        made.border.lost_answers = 0.0
        await ended(made, 60)

    with world("lost answer", 0.001) as made:
        play(made, script)
        assert the_row(made).status == "done"
        assert the_row(made).epoch > 1


def test_a_command_that_fails_after_its_anchor_has_died_ends_the_run() -> None:
    async def script(made: World) -> None:
        await begun(made, {**SHORT, "fetch": ["print fetching", "sleep 1", "exit 3"]})
        (run,) = made.machine.runs.values()
        await made.until(lambda: "fetch" in run.exits, 5, "it has failed")
        run.die()
        await ended(made, 60)

    with world("dead anchor", 0.4) as made:
        play(made, script)
        assert the_row(made).status == "error"


def test_a_run_whose_anchor_dies_before_its_first_command_starts_anew_with_a_log_of_its_own() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.ask(panel, made.enqueue(panel, request(input={"commands": SHORT})))
        await made.until(lambda: log_of(made).endswith("command\n"), 5, "a step has spoken", every=0.001)
        made.border.away_until["db"] = made.loop.time() + 6  # so that the log keeps how far it came
        await made.until(lambda: log_of(made).endswith("fetch begins\n"), 10, "another is, too", every=0.001)
        assert made.logs.checkpoint(the_row(made).deployment_id).exists()
        assert not made.machine.begun
        (run,) = made.machine.runs.values()
        run.die()
        await ended(made, 60)

    with world("begins anew", 0.3) as made:
        play(made, script)
        assert the_row(made).status == "done"


def test_a_kill_is_carried_out_by_the_successor_of_a_panel_that_died_over_it() -> None:
    async def script(made: World) -> None:
        panel = await begun(made, LONG)
        made.ask(panel, panel.engine.stopper.kill(the_row(made).deployment_id))
        await made.until(lambda: wish(made) is Intent.KILL, 2, "the wish is written", every=0.001)
        panel.process.kill()
        begun_at = made.loop.time()
        made.start_panel()
        await ended(made, 5)
        assert made.loop.time() - begun_at < 5

    with world("killed", 0.02) as made:
        play(made, script)
        assert the_row(made).reason == "killed"


def test_within_five_seconds_of_a_successor_every_running_row_is_held_and_alive() -> None:
    async def script(made: World) -> None:
        panel = await begun(made, LONG)
        await asyncio.sleep(3)
        panel.process.kill()
        made.start_panel()
        await asyncio.sleep(5)
        assert held(made) == {the_row(made).deployment_id: "a.2"}
        assert [run.is_alive for run in made.machine.runs.values()] == [True]
        await ended(made, 60)

    with world("succeeded", 0.02) as made:
        play(made, script)
        assert (the_row(made).status, made.machine.begun.total()) == ("done", 3)


def held(made: World) -> dict[str, str]:
    """Who holds each row, by a lease that has not run out."""
    now = int(made.loop.now().replace(tzinfo=UTC).timestamp() * 1_000_000)
    statement = "SELECT deployment_id, owner, expires_at FROM leases"
    leases = made.store.perform(lambda tx: tx.connection.exec_driver_sql(statement).all(), writing=False)[1]
    return {deployment_id: owner for deployment_id, owner, expires_at in leases if expires_at > now}


@pytest.mark.parametrize("elsewhere", [False, True])
def test_within_five_seconds_of_a_successor_one_beside_slow_undos_is_held_as_well(*, elsewhere: bool) -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        machine, where = (server, {"host_id": "server"}) if elsewhere else (made.machine, {})
        panel = made.start_panel()
        late = {**SHORT, "migrate": ["print migrating", "sleep 60"]}
        lost = await made.ask(panel, made.enqueue(panel, request(input={"commands": late})))
        wish = request(subject_id="other", exclusive_key="other", input={"commands": LONG}, **where)
        living = await made.ask(panel, made.enqueue(panel, wish))
        await made.until(
            lambda: (lost, "migrate") in made.machine.begun and (living, "fetch") in machine.begun, 5, "both"
        )
        panel.process.kill()
        made.machine.runs[lost, 1].die()
        made.machine.runs[lost, 1].sweep()
        made.undo_seconds = 50.0
        made.start_panel()
        await asyncio.sleep(5)
        assert held(made) == {lost: "a.2", living: "a.2"}
        assert machine.runs[living, 1].is_alive
        await made.until(lambda: living in made.truth.ends, 25, "what lives comes to its end")
        assert lost not in made.truth.ends
        await ended(made, 120)

    with world("succeeded beside slow undos", 0.02) as made:
        play(made, script)
        ends = {row.subject_id: row.reason or row.status for row in made.truth.rows.values()}
        assert ends.pop("other") == "done"
        assert [*ends.values()] == ["lost"]


def test_what_is_written_on_two_hosts_is_done_only_once_the_disks_of_both_have_it() -> None:
    async def script(made: World) -> None:
        made.servers = [server := Machine("server")]
        made.store.perform(lambda tx: add_host(tx, "server"))
        began, look = made.machine.started, made.store.watch

        def started(run: SimRun, name: str) -> None:
            began(run, name)
            server.write(run.handle.deployment_id, run.handle.epoch, "what is built here and released there")

        def watch(tx: Tx) -> None:
            done = {row.deployment_id for row in read_rows(tx) if row.status == "done"}
            made.truth.hold(not done & server.unsynced, "it is done, and no disk of the server has what it wrote")
            look(tx)  # which asks it of the disk here

        made.machine.started, made.store.watch = started, watch
        panel = made.start_panel()
        wish = request(release_host_id="server", input={"commands": LONG})
        deployment_id = await made.ask(panel, made.enqueue(panel, wish))
        both = (made.machine, server)
        await made.until(lambda: all(each.unsynced == {deployment_id} for each in both), 5, "both are written")
        await ended(made, 60)
        assert [each.unsynced for each in both] == [set(), set()]

    with world("two hosts", 0.02) as made:
        play(made, script)
        assert the_row(made).status == "done"


def test_a_panel_that_was_paused_longer_than_its_lease_changes_nothing_more() -> None:
    async def script(made: World) -> None:
        first = await begun(made, {**LONG, "fetch": ["print fetching", "sleep 60"]})
        made.start_panel("b")
        first.process.pause()
        await asyncio.sleep(35)
        assert the_row(made).epoch == 2
        first.process.go_on()
        await ended(made, 90)

    with world("paused", 0.02) as made:
        play(made, script)
        assert (the_row(made).status, the_row(made).epoch, made.machine.begun.total()) == ("done", 2, 3)


def log_of(made: World) -> str:
    path = made.logs.log(the_row(made).deployment_id) if made.truth.rows else None
    return path.read_text() if path and path.exists() else ""


def test_a_run_whose_last_command_must_not_be_repeated_is_lost_to_new_code() -> None:
    async def script(made: World) -> None:
        panel = await begun(made, {**SHORT, "migrate": ["print migrating", "sleep 20"]})
        await made.until(lambda: len(made.machine.begun) == 3, 5, "it migrates")
        panel.process.kill()
        made.version += 1
        made.start_panel()
        await ended(made, 5)

    with world("upgraded late", 0.02) as made:
        play(made, script)
        assert (the_row(made).reason, made.machine.begun.total()) == ("lost", 3)


def test_a_run_that_may_be_repeated_starts_anew_under_new_code() -> None:
    async def script(made: World) -> None:
        panel = await begun(made, LONG)
        panel.process.kill()
        made.version += 1
        made.start_panel()
        await ended(made, 60)

    with world("upgraded early", 0.02) as made:
        play(made, script)
        assert (the_row(made).status, the_row(made).kind_version, made.machine.begun.total()) == ("done", 2, 4)


def wish(made: World) -> Intent | None:
    row = the_row(made)
    return made.store.perform(lambda tx: store.find(tx, row.deployment_id), writing=False)[1].intent


async def a_link_breaks_within_a_fence(made: World) -> None:
    """The panel that holds it sleeps meanwhile, and another takes the run over; then it goes on."""
    first = await begun(made, SHORT, 20)
    await made.until(lambda: any(made.machine.fences.values()), 10, "a fence is held", every=0.0005)
    first.process.pause()
    made.machine.cut()
    made.start_panel("b")
    await asyncio.sleep(40)
    first.process.go_on()
    await asyncio.sleep(5)
    await ended(made, 60)


def test_whose_link_broke_within_a_fence_changes_nothing_more_under_it() -> None:
    with world("link within a fence 7", 0.8) as made:
        play(made, a_link_breaks_within_a_fence)
        assert (the_row(made).status, the_row(made).epoch) == ("done", 2)


def test_a_fence_that_outlived_its_link_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, world("link within a fence 7", 0.8) as made:
        patch.setattr(SimHost, "admits", lambda _self, _fence: True)
        with pytest.raises(AssertionError, match="a fence let in"):
            play(made, a_link_breaks_within_a_fence)
