"""The queue against a model, and with many at once: real processes, real transactions that meet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Executable

from headway.core.deployments import queue, store
from headway.core.deployments.leases import Lease
from headway.core.deployments.ledger import IntentPending
from headway.core.deployments.model import Deployment, Lane
from headway.core.deployments.status import Intent, Maker, Reason, Status
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.contract.queue_model import Job, Model, wrong_marks
from tests.contract.queue_steps import DONE, Write, add, await_a_waiting_lock, book
from tests.support.panel.factories import add_host, request

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


# Against a model.

LIMITS = {"here": 2, "there": 1}
ORGANIZATIONS = ["org", "other", "third"]
KEYS = st.sampled_from(["a", "b", None])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"), KEYS, st.sampled_from(Lane), st.sampled_from(list(LIMITS)), st.sampled_from(ORGANIZATIONS)
        ),
        st.tuples(st.just("claim"), st.sampled_from(list(LIMITS))),
        st.tuples(st.sampled_from(["finish", "put back", "end waiting"]), st.integers(0, 9)),
    ),
    max_size=40,
)


class Undone(Exception):
    """Raised at an example's end, so that the next finds an empty database."""


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_queue_does_what_its_model_does(database: SqlDatabase, steps: list[tuple[object, ...]]) -> None:
    with suppress(Undone), database.writer.begin() as connection:
        for host, limit in LIMITS.items():
            add_host(Tx(connection, SystemClock()), host, limit)
        beside = BesideModel(Model(limits=LIMITS))
        for step in steps:
            tx = Tx(connection, SystemClock())
            beside.perform(tx, step)
            assert wrong_marks(tx) == []
        raise Undone


class BesideModel:
    """Does each step with the real queue and with the model, and compares."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._ids: dict[str, Job] = {}
        self._leases: dict[int, Lease] = {}

    def perform(self, tx: Tx, step: tuple[object, ...]) -> None:
        match step:
            case ("add", str() | None as key, Lane() as lane, str() as host, str() as organization):
                added = book.enqueue(tx, request(host, exclusive_key=key, lane=lane, organization_id=organization))
                self._ids[added.deployment_id] = self._model.add(key, lane, host, organization)
            case ("claim", str() as host):
                self._claim(tx, host)
            case ("end waiting", int() as choice):
                for job in self._chosen("pending", choice):
                    assert book.end_waiting(tx, self._row(tx, job), Reason.CANCELLED, "Cancelled.") is not None
                    job.status = "error"
            case (str() as way, int() as choice):
                for job in self._chosen("running", choice):
                    lease = self._leases.pop(job.number)
                    if way == "finish":
                        book.finish(tx, lease, DONE, Maker.RUNNER)
                    else:
                        book.put_back(tx, lease)
                    job.status = "done" if way == "finish" else "pending"

    def _claim(self, tx: Tx, host: str) -> None:
        expected, found = self._model.next_of(host), book.claim(tx, host, "me")
        assert (self._ids[found[0].deployment_id] if found else None) == expected
        if found and expected:
            expected.status = "running"
            self._leases[expected.number] = found[1]

    def _chosen(self, status: str, choice: int) -> list[Job]:
        found = self._model.in_state(status)
        return [found[choice % len(found)]] if found else []

    def _row(self, tx: Tx, job: Job) -> Deployment:
        return store.find(tx, next(id_ for id_, other in self._ids.items() if other is job))


# Many at once.


@pytest.mark.slow
def test_many_claimers_claim_each_job_once_and_keep_every_bound(write: Write, database: SqlDatabase) -> None:
    """`script/prove queue_at_once` has them meet in more ways."""
    claim_all_at_once(write, database, seed=1)


def claim_all_at_once(write: Write, database: SqlDatabase, seed: int) -> None:
    """Many claim, end and put back, all by chance, until nothing is left."""
    write(lambda tx: add_host(tx, "there", 1))
    added = [
        add(
            write,
            None if number % 7 == 0 else f"key {number % 5}",
            Lane.ROLLBACK if number % 11 == 0 else Lane.DEPLOY,
            # A key that moved from one host to another is waiting on both.
            "there" if number % 3 == 0 else "here",
        )
        for number in range(60)
    ]
    claims = run_claimers(database.url, number=5, seed=seed)
    assert [claim["broken"] for claim in claims if claim["broken"]] == []
    by_id = Counter(claim["id"] for claim in claims)
    rows = write(lambda tx: [store.find(tx, deployment_id) for deployment_id in added])
    assert {row.status for row in rows} <= {Status.DONE, Status.ERROR}
    assert {row.reason for row in rows} <= {None, Reason.CANCELLED}
    # Who was put back was claimed again: as many claims as epochs, and no epoch twice.
    assert by_id == {row.deployment_id: row.epoch for row in rows if row.epoch}
    assert len({(claim["id"], claim["epoch"]) for claim in claims}) == len(claims)


def run_claimers(url: str, number: int, seed: int) -> list[dict[str, object]]:
    """Real processes that start at once; everything that they claimed."""
    argv = [sys.executable, "-m", "tests.contract.claimer", url]
    claimers = [
        subprocess.Popen(
            [*argv, f"claimer {index}", f"{seed} {index}", json.dumps(LIMITS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(number)
    ]
    try:
        for claimer in claimers:
            assert claimer.stdout is not None
            assert claimer.stdout.readline() == "ready\n"
        for claimer in claimers:
            assert claimer.stdin is not None
            claimer.stdin.write("\n")
            claimer.stdin.flush()
        return [claim for claimer in claimers for claim in claims_of(claimer)]
    finally:
        for claimer in claimers:
            claimer.kill()
            claimer.communicate()


def claims_of(claimer: subprocess.Popen[str]) -> list[dict[str, object]]:
    """What a claimer printed, which must have ended well."""
    output, errors = claimer.communicate(timeout=60)
    assert claimer.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.postgres
@pytest.mark.parametrize("left", [1, 0])
def test_what_is_cancelled_between_two_looks_of_a_claim_holds_up_no_other(
    postgres_database_url: str, left: int
) -> None:
    database = SqlDatabase(postgres_database_url)

    def transact(work: Callable[[Tx], T], kind: type[Tx] = Tx) -> T:
        with database.writer.begin() as connection:
            return work(kind(connection, SystemClock()))

    class Meanwhile(Tx):
        """One that has found an organisation whose turn it may be, and sees what it waits for ended by another."""

        def scalar(self, statement: Executable, parameters: Any = None) -> Any:  # noqa: ANN401 - as Tx
            found = super().scalar(statement, parameters)
            if statement is queue._NEXT_ORGANIZATION and found in waiting:
                cancel(waiting.pop(found))
            return found

    def cancel(deployment_id: str) -> None:
        reason = Reason.CANCELLED
        transact(lambda tx: book.end_waiting(tx, store.find(tx, deployment_id), reason, "Cancelled."))

    def enqueue(tx: Tx, organization: str) -> str:
        return book.enqueue(tx, request(organization_id=organization, exclusive_key=organization)).deployment_id

    try:
        transact(add_host)
        waiting = {each: transact(lambda tx, each=each: enqueue(tx, each)) for each in ("one", "two")}  # type: ignore[misc]
        stays = waiting.pop("two") if left else None
        claimed = transact(lambda tx: book.claim(tx, "here", "me"), Meanwhile)
        assert (claimed and claimed[0].deployment_id) == stays
        assert waiting == {}
    finally:
        database.close()


@pytest.mark.postgres
def test_of_a_wish_and_a_success_at_once_one_comes_first(postgres_database_url: str) -> None:
    database = SqlDatabase(postgres_database_url)
    try:
        for wish_first in (True, False):
            assert outcomes_of_both_at_once(database, wish_first=wish_first) == (
                (True, "IntentPending") if wish_first else (False, "done")
            )
    finally:
        database.close()


def outcomes_of_both_at_once(database: SqlDatabase, *, wish_first: bool) -> tuple[bool, str]:
    """What a wish and a success say when the second of them begins while the first is not committed yet."""

    def transact(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            return work(Tx(connection, SystemClock()))

    def succeed(tx: Tx) -> str:
        try:
            return book.finish(tx, lease, DONE, Maker.RUNNER).status
        except IntentPending as pending:
            return type(pending).__name__

    transact(lambda tx: add_host(tx, concurrency=10))
    transact(lambda tx: book.enqueue(tx, request(exclusive_key=str(wish_first))))
    found, lease = transact(lambda tx: book.claim(tx, "here", "me")) or pytest.fail("nothing to claim")
    with ThreadPoolExecutor(1) as pool:
        if wish_first:
            with database.writer.begin() as connection:
                wished = book.intend(Tx(connection, SystemClock()), found, Intent.KILL)
                succeeding = pool.submit(transact, succeed)
                await_a_waiting_lock(database)
            return wished, succeeding.result(10)
        with database.writer.begin() as connection:
            status = succeed(Tx(connection, SystemClock()))
            wishing = pool.submit(transact, lambda tx: book.intend(tx, found, Intent.KILL))
            await_a_waiting_lock(database)
        return wishing.result(10), status


@pytest.mark.postgres
def test_a_cancel_that_meets_the_claim_of_a_row_without_a_key_looks_again(postgres_database_url: str) -> None:
    database = SqlDatabase(postgres_database_url)

    def cancel(tx: Tx) -> object:
        waiting = store.find(tx, deployment_id)
        return book.end_waiting(tx, waiting, Reason.CANCELLED, "Cancelled.")

    def transact(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            return work(Tx(connection, SystemClock()))

    try:
        transact(add_host)
        deployment_id = transact(lambda tx: book.enqueue(tx, request(exclusive_key=None))).deployment_id
        with ThreadPoolExecutor(1) as pool:
            with database.writer.begin() as connection:
                assert book.claim(Tx(connection, SystemClock()), "here", "me") is not None
                cancelling = pool.submit(transact, cancel)
                await_a_waiting_lock(database)
            assert cancelling.result(10) is None
        row = transact(lambda tx: store.find(tx, deployment_id))
        assert (row.status, row.finished_at) == (Status.RUNNING, None)
    finally:
        database.close()


@pytest.mark.postgres
def test_who_ends_one_and_adds_another_waits_for_no_one_who_waits_for_it(postgres_database_url: str) -> None:
    database = SqlDatabase(postgres_database_url)

    def replace_all(tx: Tx, ended: Deployment) -> None:
        book.end_waiting(tx, ended, Reason.SUPERSEDED, "Replaced.")
        adding.append(pool.submit(transact, lambda other: book.enqueue(other, request(exclusive_key="one"))))
        await_a_waiting_lock(database)
        book.enqueue(tx, request(exclusive_key="one"))

    def transact(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            return work(Tx(connection, SystemClock()))

    adding: list[Future[Deployment]] = []
    try:
        transact(add_host)
        waiting = transact(lambda tx: book.enqueue(tx, request(exclusive_key="one")))
        with ThreadPoolExecutor(1) as pool:
            transact(lambda tx: replace_all(tx, waiting))
            assert adding[0].result(10).status is Status.PENDING
    finally:
        database.close()


@pytest.mark.postgres
def test_the_repair_of_all_keys_waits_for_no_one_who_waits_for_it(postgres_database_url: str) -> None:
    database = SqlDatabase(postgres_database_url)

    def transact(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            return work(Tx(connection, SystemClock()))

    def add_both(tx: Tx) -> None:
        book.enqueue(tx, request(exclusive_key="two"))
        repairing.append(pool.submit(transact, queue.promote_all))
        await_a_waiting_lock(database)
        book.enqueue(tx, request(exclusive_key="one"))

    repairing: list[Future[None]] = []
    try:
        transact(add_host)
        for key in ("one", "two"):
            transact(lambda tx, key=key: book.enqueue(tx, request(exclusive_key=key)))  # type: ignore[misc]
        with ThreadPoolExecutor(1) as pool:
            transact(add_both)
            repairing[0].result(10)
    finally:
        database.close()
