"""Who signs in while how they do so is changed, on both databases: PostgreSQL lets several write at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from headway.core.access import links
from headway.core.access.sign_in import Opened, Stage, WrongSignIn
from headway.core.access.throttle import Trial
from headway.infra.db.tables.access import second_factors
from headway.infra.db.transaction import Tx, companion
from tests.integration.access.people import (
    ANOTHER,
    BEGIN,
    CONFIRM,
    HERE,
    PASSWORD,
    People,
    account_of,
    code,
    half,
    with_factor,
)
from tests.support.panel.permissions import permission

SET, END = permission("account.setPassword"), permission("account.endAllSessions")


@contextmanager
def held() -> Iterator[tuple[threading.Event, threading.Event]]:
    """What is changed within is done and waits, not committed, until the second event is set; the first says so."""
    done, let_go = threading.Event(), threading.Event()

    def wait(_tx: Tx, _result: object) -> None:
        done.set()
        assert let_go.wait(20)

    token = companion.set(wait)
    try:
        yield done, let_go
    finally:
        companion.reset(token)


async def raced(
    change: Coroutine[None, None, object], way_in: Callable[[], Coroutine[None, None, Opened]]
) -> Opened | None:
    """What somebody gets who comes in while a change is under way, which has read and written and waits."""
    with held() as (done, let_go):
        changing = asyncio.create_task(change)
    try:
        assert await asyncio.to_thread(done.wait, 20)
        coming = asyncio.create_task(way_in())
        await asyncio.wait([coming], timeout=1.5)  # on PostgreSQL it reads meanwhile
    finally:
        let_go.set()
        await changing
    try:
        return await coming
    except WrongSignIn:
        return None


async def lets_in(people: People, way_in: Callable[[], Coroutine[None, None, Opened]]) -> bool:
    """Whether it does with no change beside it, so that whoever got nothing in a race got nothing because of that."""
    return await people.sign_in.by_session((await way_in()).token) is not None


@pytest.mark.slow
async def test_no_session_by_the_old_password_outlives_its_change(people: People) -> None:
    """On PostgreSQL two write at the same time, and each reads what the other has not committed as it was."""
    opened = await people.owner()
    actor = await people.actor(opened)
    assert await lets_in(people, lambda: people.sign_in.sign_in("ona", PASSWORD, HERE))
    change = account_of(people).set_password(actor, SET, ANOTHER)
    found = await raced(change, lambda: people.sign_in.sign_in("ona", PASSWORD, HERE))
    assert found is None or await people.sign_in.by_session(found.token) is None
    assert await people.sign_in.by_session(opened.token) is not None
    assert await lets_in(people, lambda: people.sign_in.sign_in("ona", ANOTHER, HERE))
    token, _ = await people.run(lambda tx: links.for_person(tx, "ona", second_factor=False))
    taken = people.sign_in.take_link(token, "ona", PASSWORD, HERE)
    found = await raced(taken, lambda: people.sign_in.sign_in("ona", ANOTHER, HERE))
    assert found is None or await people.sign_in.by_session(found.token) is None


async def test_no_half_session_becomes_whole_after_the_password_has_changed(people: People) -> None:
    opened, secret, _ = await with_factor(people)
    first = await half(people)
    assert await lets_in(people, lambda: people.sign_in.with_code(first.token, code(people, secret), HERE))
    people.clock.pass_(seconds=30)  # a code is good once
    actor, begun = await people.actor(opened), await half(people)
    change = account_of(people).set_password(actor, SET, ANOTHER)
    found = await raced(change, lambda: people.sign_in.with_code(begun.token, code(people, secret), HERE))
    assert found is None or await people.sign_in.by_session(found.token) is None


async def test_nobody_comes_in_without_a_code_while_a_second_factor_is_set(people: People) -> None:
    actor = await people.actor(await people.owner())
    begun = await account_of(people).begin_second_factor(actor, BEGIN)
    assert await lets_in(people, lambda: people.sign_in.sign_in("ona", PASSWORD, HERE))
    change = account_of(people).confirm_second_factor(actor, CONFIRM, code(people, begun.secret))
    found = await raced(change, lambda: people.sign_in.sign_in("ona", PASSWORD, HERE))
    assert found is None or await people.sign_in.by_session(found.token) is None


async def test_of_two_who_begin_a_second_factor_both_are_answered(people: People) -> None:
    actor = await people.actor(await people.owner())
    account = account_of(people)
    begun = await asyncio.gather(*(account.begin_second_factor(actor, BEGIN) for _ in range(4)))
    assert len({each.secret for each in begun}) == 4
    assert len(await people.run(lambda tx: tx.execute(select(second_factors)).all())) == 1


async def test_no_recovery_code_is_used_up_with_half_a_session_that_was_ended_meanwhile(people: People) -> None:
    opened, _, codes = await with_factor(people)
    actor, begun = await people.actor(opened), await half(people)
    change = account_of(people).set_password(actor, SET, ANOTHER)
    assert await raced(change, lambda: people.sign_in.with_code(begun.token, codes[0], HERE)) is None
    again = await people.sign_in.sign_in("ona", ANOTHER, HERE)
    assert (await people.sign_in.with_code(again.token, codes[0], HERE)).stage is Stage.WHOLE


async def test_tries_that_are_taken_back_and_tries_that_begin_wait_for_each_other_in_one_order(people: People) -> None:
    """One is counted here and not yet everywhere while another from here is taken back: each holds what it has."""
    trial = Trial.of_password("ona")
    begun = await people.run(lambda tx: people.throttle.begin(tx, trial, HERE.address, known=False))

    def back(tx: Tx) -> None:
        people.throttle.take_back(tx, trial, HERE.address, begun)

    def again(tx: Tx) -> None:
        people.throttle.begin(tx, trial, HERE.address, known=False)

    await asyncio.gather(*(people.run(each) for _ in range(10) for each in (back, again)))


async def test_a_session_that_was_ended_meanwhile_enters_no_organisation(people: People) -> None:
    opened = await people.owner()
    actor = await people.actor(opened)
    change = account_of(people).end_all(actor, END)
    assert await raced(change, lambda: people.sign_in.enter(opened.token, actor.organization_id, HERE)) is None
    assert "session.entered" not in [row.procedure for row in await people.log()]
