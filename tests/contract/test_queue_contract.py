"""What the queue promises on both databases: its order, its bounds, and that each job is claimed once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import BigInteger, Column, select, type_coerce, update

from headway.core.deployments import leases, queue, store
from headway.core.deployments.leases import Lease, LeaseLost
from headway.core.deployments.ledger import IntentPending, Outcome
from headway.core.deployments.model import Lane
from headway.core.deployments.status import Intent, Maker, Reason, Status
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import deployments, hosts, outbox
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from headway.kernel.events import DeploymentMoved, Events
from tests.contract.queue_model import wrong_marks
from tests.contract.queue_steps import DONE, Write, add, book, claim, claimed, claimed_id
from tests.support.panel.factories import add_host, ledger, request

T = TypeVar("T")


# Order.


def test_the_oldest_goes_first(write: Write) -> None:
    added = [add(write, f"key {number}") for number in range(2)]
    assert [claimed_id(write), claimed_id(write)] == added


def test_a_lower_lane_goes_before_an_older_row(write: Write) -> None:
    add(write, "schedule", Lane.SCHEDULE)
    preview, deploy = add(write, "preview", Lane.PREVIEW), add(write, "deploy", Lane.DEPLOY)
    assert [claimed_id(write), claimed_id(write)] == [deploy, preview]


def test_what_is_late_goes_before_steady_deploys_and_no_more_often_than_that(write: Write) -> None:
    write(lambda tx: add_host(tx, "narrow", 1))
    backups = [add(write, f"backup {number}", Lane.BACKUP, "narrow") for number in range(2)]
    schedule = add(write, "schedule", Lane.SCHEDULE, "narrow")
    deploys = [add(write, f"deploy {number}", Lane.DEPLOY, "narrow") for number in range(3)]
    assert run_next(write) == deploys[0]
    age(write, deployments.c.created_at)
    assert [run_next(write) for _ in range(2)] == [backups[0], deploys[1]]
    age(write, hosts.c.late_at)
    assert [run_next(write) for _ in range(2)] == [backups[1], deploys[2]]
    assert run_next(write) == schedule


def run_next(write: Write) -> str:
    """What is claimed on the narrow host, and ends."""
    deployment, lease = claim(write, "narrow") or pytest.fail("nothing was claimed")
    write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    return deployment.deployment_id


def age(write: Write, column: Column[datetime]) -> None:
    """So long ago as makes late; times are kept in microseconds."""
    earlier = type_coerce(column, BigInteger) - queue.LATE_AFTER // timedelta(microseconds=1)
    write(lambda tx: tx.execute(update(column.table).values({column: earlier})))


def test_within_one_key_a_lower_lane_goes_first(write: Write) -> None:
    add(write, "one", Lane.DEPLOY)
    rollback = add(write, "one", Lane.ROLLBACK)
    assert [claimed_id(write), claimed_id(write)] == [rollback, None]


def test_nothing_waits_for_an_unknown_host(write: Write) -> None:
    add(write, "one")
    assert claim(write, "nowhere") is None


def test_hosts_do_not_wait_for_each_other(write: Write) -> None:
    write(lambda tx: add_host(tx, "there", 1))
    here = [add(write, f"here {number}") for number in range(3)]
    there = add(write, "there", host="there")
    assert [claimed_id(write) for _ in range(3)] == [*here[:2], None]
    assert claimed_id(write, "there") == there


async def test_a_creation_time_never_lies_before_an_earlier_one(sqlite_database_url: str) -> None:
    class Backwards:
        moment = datetime(2026, 3, 29, 2, 0, tzinfo=UTC)

        def now(self) -> datetime:
            self.moment -= timedelta(minutes=10)
            return self.moment

    database = SqlDatabase(sqlite_database_url, Backwards())
    try:
        await database.run(add_host)
        times = [(await database.run(lambda tx: book.enqueue(tx, request()))).created_at for _ in range(3)]
    finally:
        database.close()
    assert times == sorted(times)


# Bounds.


def test_one_of_a_key_runs_at_a_time_and_its_end_lets_the_next_in(write: Write) -> None:
    add(write, "one")
    second = add(write, "one")
    _, lease = claimed(write)
    assert claim(write) is None
    write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    assert claimed_id(write) == second


def test_a_busy_key_does_not_hold_up_another(write: Write) -> None:
    for _ in range(3):
        add(write, "busy")
    other = add(write, "other")
    claimed(write)
    assert claimed_id(write) == other


def test_rows_without_a_key_run_beside_each_other(write: Write) -> None:
    added = [add(write, None) for _ in range(3)]
    assert [claimed_id(write) for _ in range(3)] == [*added[:2], None]


def test_a_rollback_has_a_slot_of_its_own(write: Write) -> None:
    for number in range(3):
        add(write, f"deploy {number}")
    claimed(write)
    claimed(write)
    first, second = (add(write, f"rollback {number}", Lane.ROLLBACK) for number in range(2))
    found, lease = claimed(write)
    assert found.deployment_id == first
    assert claim(write) is None
    write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    assert claimed_id(write) == second


def test_a_changed_concurrency_holds_for_the_next_claim(write: Write) -> None:
    added = [add(write, f"key {number}") for number in range(3)]
    claimed(write)
    claimed(write)
    assert claim(write) is None
    write(lambda tx: add_host(tx, "here", 3))
    assert claimed_id(write) == added[2]


# The claim, and who holds it.


def test_a_claim_counts_the_epoch_and_grants_the_lease(write: Write) -> None:
    deployment_id = add(write, "one")
    found, lease = claimed(write)
    assert (found.status, found.epoch, found.handle) == (Status.RUNNING, 1, None)
    assert found.started_at is not None
    assert lease == Lease(deployment_id=deployment_id, owner="me", epoch=1)
    write(lambda tx: leases.hold(tx, lease))
    assert write(lambda tx: book.take_over(tx, deployment_id, "another")) is None


def test_a_lease_that_nobody_holds_is_taken_over_once_at_a_new_epoch(write: Write) -> None:
    deployment_id = add(write, "one")
    _, old = claimed(write)
    write(lambda tx: leases.release(tx, deployment_id))
    taken = write(lambda tx: book.take_over(tx, deployment_id, "another"))
    assert taken is not None
    assert taken[1] == Lease(deployment_id=deployment_id, owner="another", epoch=2)
    assert write(lambda tx: book.take_over(tx, deployment_id, "a third")) is None
    with pytest.raises(LeaseLost):
        write(lambda tx: book.finish(tx, old, DONE, Maker.RUNNER))
    assert write(lambda tx: book.finish(tx, taken[1], DONE, Maker.RECOVERY)).status is Status.DONE


def test_an_end_is_written_once_with_its_outbox_row(write: Write) -> None:
    deployment_id = add(write, "one")
    _, lease = claimed(write)
    ended = write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    assert ended.finished_at is not None
    assert ended.started_at is not None
    assert ended.finished_at >= ended.started_at >= ended.created_at
    with pytest.raises(LeaseLost):
        write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    told = write(lambda tx: tx.execute(select(outbox.c.topic, outbox.c.payload).order_by(outbox.c.seq)).all())
    assert [(row.payload["deploymentId"], row.topic) for row in told] == [
        (deployment_id, "application.started"),
        (deployment_id, "application.done"),
    ]
    assert (told[1].payload["status"], told[1].payload["reason"]) == ("done", None)


def test_a_success_does_not_pass_over_a_wish(write: Write) -> None:
    add(write, "one")
    found, lease = claimed(write)
    write(lambda tx: book.intend(tx, found, Intent.KILL))
    with pytest.raises(IntentPending):
        write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    killed = Outcome(status=Status.ERROR, reason=Reason.KILLED, message="Killed.")
    assert write(lambda tx: book.finish(tx, lease, killed, Maker.RUNNER)).reason is Reason.KILLED


def test_a_kill_replaces_a_cancel_and_a_cancel_no_kill(write: Write) -> None:
    deployment_id = add(write, "one")
    claimed(write)
    wishes = []
    for intent in (Intent.CANCEL, Intent.KILL, Intent.CANCEL):
        write(lambda tx, intent=intent: book.intend(tx, store.find(tx, deployment_id), intent))  # type: ignore[misc]
        wishes.append(write(lambda tx: store.find(tx, deployment_id)).intent)
    assert wishes == [Intent.CANCEL, Intent.KILL, Intent.KILL]


def test_every_move_is_told_after_its_commit(database: SqlDatabase) -> None:
    events, told = Events(), []
    events.listen(DeploymentMoved, lambda moved: told.append(moved.status))
    telling = ledger(events)

    def perform(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            tx = Tx(connection, SystemClock())
            before = list(told)
            result = work(tx)
            assert told == before
        tx.committed()
        return result

    perform(add_host)
    perform(lambda tx: telling.enqueue(tx, request()))
    found = perform(lambda tx: telling.claim(tx, "here", "me"))
    assert found is not None
    perform(lambda tx: telling.finish(tx, found[1], DONE, Maker.RUNNER))
    assert told == ["pending", "running", "done"]


def test_a_wish_for_what_has_ended_comes_too_late(write: Write) -> None:
    add(write, "one")
    found, lease = claimed(write)
    write(lambda tx: book.finish(tx, lease, DONE, Maker.RUNNER))
    assert not write(lambda tx: book.intend(tx, found, Intent.KILL))
    assert write(lambda tx: store.find(tx, found.deployment_id)).intent is None


def test_a_sentence_with_a_nul_is_written_without_it(write: Write) -> None:
    add(write, "one")
    found, lease = claimed(write)
    write(lambda tx: store.set_fields(tx, found.deployment_id, commit_message="one\0two"))
    broken = Outcome(status=Status.ERROR, reason=Reason.FAILED, message="It said \0.")
    ended = write(lambda tx: book.finish(tx, lease, broken, Maker.RUNNER))
    assert (ended.error_message, ended.commit_message) == ("It said .", "onetwo")


# Back into the queue, and out of it without running.


def test_what_is_put_back_keeps_its_place(write: Write) -> None:
    first = add(write, "one")
    add(write, "one")
    add(write, "other")
    _, lease = claimed(write)
    back = write(lambda tx: book.put_back(tx, lease))
    assert (back.status, back.started_at, back.handle) == (Status.PENDING, None, None)
    again, lease = claimed(write)
    assert (again.deployment_id, lease.epoch) == (first, 2)


def test_ending_the_first_that_waits_lets_the_second_in(write: Write) -> None:
    first, second = add(write, "one"), add(write, "one")
    ended = write(lambda tx: book.end_waiting(tx, store.find(tx, first), Reason.SUPERSEDED, "A newer one came."))
    assert ended is not None
    assert (ended.status, ended.reason, ended.error_message) == (Status.ERROR, Reason.SUPERSEDED, "A newer one came.")
    assert claimed_id(write) == second


def test_what_waits_of_a_key_is_ended_at_once_and_what_runs_and_others_go_on(write: Write) -> None:
    running = add(write, "one")
    claimed(write)
    waiting = [add(write, "one") for _ in range(3)]
    other = add(write, "two")
    chosen = [running, *waiting[:2]]
    ended = write(lambda tx: book.end_waiting_all(tx, chosen, Reason.CANCELLED, "Cancelled."))
    assert ended == set(waiting[:2])
    found = {each: write(lambda tx, id_=each: store.find(tx, id_)) for each in [running, *waiting, other]}  # type: ignore[misc]
    assert [found[each].status for each in found] == [
        Status.RUNNING,
        *(Status.ERROR,) * 2,
        *(Status.PENDING,) * 2,
    ]
    assert found[waiting[0]].finished_at is not None
    assert found[waiting[0]].error_message == "Cancelled."
    told = str(write(lambda tx: tx.execute(select(outbox.c.payload)).scalars().all()))
    assert all(each in told for each in waiting[:2])
    assert claimed_id(write) == other
    assert write(lambda tx: book.end_waiting_all(tx, chosen, Reason.CANCELLED, "Cancelled.")) == set()


def test_ending_what_waits_comes_too_late_for_what_runs(write: Write) -> None:
    deployment_id = add(write, "one")
    waiting = write(lambda tx: store.find(tx, deployment_id))
    claimed(write)
    assert write(lambda tx: book.end_waiting(tx, waiting, Reason.CANCELLED, "Cancelled.")) is None


def test_wrong_marks_are_repaired(database: SqlDatabase) -> None:
    with database.writer.begin() as connection:
        tx = Tx(connection, SystemClock())
        add_host(tx)
        for key in ("one", "one", "two"):
            book.enqueue(tx, request(exclusive_key=key))
        tx.execute(deployments.update().values(ready=~deployments.c.ready))
        assert len(wrong_marks(tx)) == 3
        queue.promote_all(tx)
        assert wrong_marks(tx) == []
