"""Who tries passwords in vain, on both databases: who waits, who does not, and what the log tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import select

from headway.core.access import throttle
from headway.core.access.passwords import Passwords, TooManyPasswords
from headway.core.access.sign_in import SignIn, SignInParts, Stage, WrongSignIn
from headway.infra.db.tables.access import sign_in_failures, sign_in_places
from headway.infra.db.transaction import Tx
from headway.kernel.errors import TooManyRequests, Unavailable
from tests.integration.access.people import ELSEWHERE, HERE, PASSWORD, People, code, with_factor


async def test_tries_in_vain_are_told_once_a_minute(people: People) -> None:
    await people.owner()
    for _ in range(4):
        with pytest.raises(WrongSignIn):
            await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    assert (await people.procedures()).count("session.signInFailed") == 1
    people.clock.pass_(seconds=61)
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    assert (await people.procedures()).count("session.signInFailed") == 2


@pytest.mark.slow
async def test_who_tries_in_vain_waits_longer_each_time_and_nobody_else_does(people: People) -> None:
    await people.owner()
    for _ in range(6):
        with pytest.raises(WrongSignIn):
            await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    waits = []
    for _ in range(9):
        with pytest.raises(TooManyRequests) as wait:
            await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
        waits.append(wait.value.retry_after_seconds)
        people.clock.pass_(seconds=waits[-1])
        with pytest.raises(WrongSignIn):
            await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with pytest.raises(TooManyRequests):
        await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.WHOLE, "from another place at once"
    people.clock.pass_(seconds=60)
    await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)


async def test_a_wait_that_a_clock_which_was_ahead_has_begun_keeps_nobody_out(people: People) -> None:
    await people.owner()
    people.clock.pass_(hours=8)
    for _ in range(6):
        with pytest.raises(WrongSignIn):
            await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    people.clock.pass_(hours=-8)
    assert (await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)).stage is Stage.WHOLE


async def test_a_name_that_nobody_has_is_throttled_alike_and_kept_in_clear_nowhere(people: People) -> None:
    for _ in range(6):
        with pytest.raises(WrongSignIn):
            await people.sign_in.sign_in("nobody.at.all", "not this one", ELSEWHERE)
    with pytest.raises(TooManyRequests):
        await people.sign_in.sign_in("Nobody.At.All", "not this one", ELSEWHERE)
    rows = await people.run(lambda tx: repr(tx.execute(select(sign_in_failures)).all()))
    assert "nobody" not in rows
    people.clock.pass_(days=1, minutes=1)
    await people.run(throttle.remove_over)
    assert await people.run(lambda tx: tx.execute(select(sign_in_failures)).all()) == []


async def test_an_address_tries_thirty_times_a_minute_whatever_names(people: People) -> None:
    for number in range(30):
        people.throttle.admit(f"2001:db8::{number:x}")
    with pytest.raises(TooManyRequests) as wait:
        await people.sign_in.sign_in("another", PASSWORD, replace(HERE, address="2001:db8::ffff"))
    assert wait.value.retry_after_seconds == 60
    people.throttle.admit("2001:db8:0:1::1")
    people.clock.pass_(seconds=60)
    people.throttle.admit("2001:db8::1")


async def test_who_is_attacked_from_everywhere_signs_in_from_where_they_have_signed_in_lately(people: People) -> None:
    await people.sign_in.sign_out((await people.owner(HERE)).token)
    people.clock.pass_(days=29)
    await people.run(throttle.remove_over)
    trial = throttle.Trial.of_password("ona")

    def attack(tx: Tx) -> None:
        for number in range(101):
            people.throttle.begin(tx, trial, f"198.51.100.{number}", known=False)

    await people.run(attack)
    with pytest.raises(TooManyRequests) as wait:
        await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    assert wait.value.retry_after_seconds == 10
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.WHOLE
    people.clock.pass_(seconds=10)
    assert (await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)).stage is Stage.WHOLE


async def test_a_place_is_kept_in_clear_nowhere_and_for_a_month(people: People) -> None:
    await people.owner(HERE)
    rows = await people.run(lambda tx: tx.execute(select(sign_in_places)).all())
    assert (len(rows), HERE.address in repr(rows)) == (1, False)
    people.clock.pass_(days=30)
    await people.run(throttle.remove_over)
    assert await people.run(lambda tx: tx.execute(select(sign_in_places)).all()) == []


async def test_many_tries_at_the_same_time_are_counted_one_by_one(people: People) -> None:
    await people.owner()
    tries = [people.sign_in.sign_in("ona", "not this one", ELSEWHERE) for _ in range(9)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, WrongSignIn) for each in results) == 6
    assert sum(isinstance(each, TooManyRequests) for each in results) == 3


async def test_a_password_that_nobody_had_time_for_is_no_failure(people: People) -> None:
    opened = await people.owner()
    with ExitStack() as busy:
        for _ in range(10):
            busy.enter_context(people.passwords.looking())
        for _ in range(8):
            with pytest.raises(TooManyPasswords):
                await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
            with pytest.raises(TooManyPasswords):
                await people.sign_in.confirm(opened.token, PASSWORD)
    assert await people.run(lambda tx: tx.execute(select(sign_in_failures)).all()) == []
    assert (await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)).stage is Stage.WHOLE


class _WithoutArgon(Passwords):
    """Those of a machine whose OpenSSL cannot tell what was kept elsewhere."""

    async def _fits(self, password: str, kept: str | None) -> bool:
        raise Unavailable(f"{len(password)} and {kept}")


async def test_a_password_that_this_machine_cannot_tell_is_no_failure(people: People) -> None:
    opened = await people.owner()
    parts = SignInParts(passwords=_WithoutArgon(), throttle=people.throttle, second_factors=people.second_factors)
    moved = SignIn(people.db, people.access, parts)
    for _ in range(8):
        with pytest.raises(Unavailable):
            await moved.sign_in("ona", PASSWORD, ELSEWHERE)
        with pytest.raises(Unavailable):
            await moved.confirm(opened.token, PASSWORD)
    numbers = await people.run(lambda tx: tx.execute(select(sign_in_failures.c.number)).scalars().all())
    assert set(numbers) == {0}


async def test_a_code_waits_for_no_place_among_passwords(people: People) -> None:
    opened, secret, _ = await with_factor(people)
    with ExitStack() as busy:
        for _ in range(10):
            busy.enter_context(people.passwords.looking())
        people.clock.pass_(minutes=11)
        await people.sign_in.confirm(opened.token, code(people, secret))
        with pytest.raises(WrongSignIn):
            await people.sign_in.confirm(opened.token, "000000")
    assert (await people.actor(opened)).credential.is_confirmed


async def test_a_try_that_is_taken_back_shortens_nobodys_wait(people: People) -> None:
    trial = throttle.Trial.of_password("ona")
    mine = [await people.run(lambda tx: people.throttle.begin(tx, trial, "192.0.2.7", known=False)) for _ in range(5)]

    def fail(tx: Tx) -> None:
        people.throttle.begin(tx, trial, "192.0.2.7", known=False)
        people.throttle.fail(tx, trial, "192.0.2.7")

    await people.run(fail)
    await people.run(lambda tx: people.throttle.take_back(tx, trial, "192.0.2.7", mine[-1]))
    with pytest.raises(TooManyRequests):
        await people.run(lambda tx: people.throttle.begin(tx, trial, "192.0.2.7", known=False))


async def test_nobody_waits_for_a_try_that_was_taken_back(people: People) -> None:
    trial = throttle.Trial.of_code("ona")

    def begin(address: str) -> Callable[[Tx], throttle.Begun]:
        return lambda tx: people.throttle.begin(tx, trial, address, known=False)

    for number in range(20):
        await people.run(begin(f"198.51.100.{number}"))
    begun = await people.run(begin("192.0.2.7"))
    with pytest.raises(TooManyRequests):
        await people.run(begin("192.0.2.8"))
    await people.run(lambda tx: people.throttle.take_back(tx, trial, "192.0.2.7", begun))
    await people.run(begin("192.0.2.8"))
