"""A second factor, what is confirmed, and somebody's own account, on both databases."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Row, inspect, select, update

from headway.core.access import links, second_factor, sessions_store
from headway.core.access.account import NotSignedIn, WrongCode
from headway.core.access.audit import Entry, action_of
from headway.core.access.model import Actor, Grants, Role, Terms
from headway.core.access.policy import ConfirmFirst, Missing
from headway.core.access.sign_in import Stage, WrongSignIn
from headway.infra.db.tables import metadata
from headway.infra.db.tables.access import recovery_codes, second_factors, sessions
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, Forbidden, InvalidInput, TooManyRequests
from tests.integration.access.people import (
    ANOTHER,
    BEGIN,
    CONFIRM,
    ELSEWHERE,
    HERE,
    PASSWORD,
    People,
    account_of,
    code,
    half,
    with_factor,
)
from tests.support.panel.permissions import permission

REMOVE, RENEW = permission("account.removeSecondFactor"), permission("account.newRecoveryCodes")
SET, LIST, END = (permission(f"account.{name}") for name in ("setPassword", "sessions", "endSession"))


async def test_a_second_factor_counts_once_a_code_of_it_was_given(people: People) -> None:
    actor = await people.actor(await people.owner())
    begun = await account_of(people).begin_second_factor(actor, BEGIN)
    asked = parse_qs(urlsplit(begun.address).query)
    assert (asked["secret"], asked["issuer"]) == ([begun.secret], ["Headway"])
    assert begun.address.startswith("otpauth://totp/Headway:ona?")
    with pytest.raises(WrongCode):
        await account_of(people).confirm_second_factor(actor, CONFIRM, code(people, begun.secret, steps=5))
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.WHOLE
    assert not (await people.members.me(actor, permission("user.get"))).second_factor
    await account_of(people).confirm_second_factor(actor, CONFIRM, code(people, begun.secret))
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.HALF
    assert (await people.members.me(actor, permission("user.get"))).second_factor
    with pytest.raises(Conflict):
        await account_of(people).begin_second_factor(actor, BEGIN)


async def test_half_a_session_opens_nothing_and_a_code_makes_a_whole_one_with_another_token(people: People) -> None:
    _, secret, _ = await with_factor(people)
    opened = await half(people)
    assert await people.sign_in.by_session(opened.token) is None
    with pytest.raises(WrongSignIn):
        await people.sign_in.confirm(opened.token, PASSWORD)
    whole = await people.sign_in.with_code(opened.token, code(people, secret), ELSEWHERE)
    assert (whole.stage, whole.token != opened.token) == (Stage.WHOLE, True)
    assert await people.sign_in.by_session(opened.token) is None
    assert await people.sign_in.by_session(whole.token) is not None
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code(opened.token, code(people, secret, steps=1), ELSEWHERE)


async def test_the_log_tells_of_half_a_session_and_of_codes_and_confirmations_in_vain(people: People) -> None:
    opened, secret, _ = await with_factor(people)
    actor, before = await people.actor(opened), len(await people.log())
    begun = await half(people)
    for _ in range(3):
        with pytest.raises(WrongSignIn):
            await people.sign_in.with_code(begun.token, "000000", ELSEWHERE)
        with pytest.raises(WrongSignIn):
            await people.sign_in.confirm(opened.token, "not this one")
    await people.sign_in.with_code(begun.token, code(people, secret), ELSEWHERE)
    people.clock.pass_(seconds=61)
    with pytest.raises(WrongSignIn):
        await people.sign_in.confirm(opened.token, "not this one")
    rows = (await people.log())[before:]
    assert [(row.procedure, row.api_key_id == actor.session_id) for row in rows] == [
        ("session.signInHalf", False),
        ("session.codeFailed", False),
        ("session.confirmFailed", True),
        ("session.signIn", False),
        ("session.confirmFailed", True),
    ]
    assert {row.user_id for row in rows} == {actor.user_id}
    assert rows[1].details == {"given": ["address"], "address": ELSEWHERE.address}
    assert [action_of(row.procedure) for row in rows] == ["login", "login", "update", "login", "update"]


async def test_half_a_session_is_over_after_five_minutes(people: People) -> None:
    _, secret, _ = await with_factor(people)
    opened = await half(people)
    people.clock.pass_(minutes=5)
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code(opened.token, code(people, secret), ELSEWHERE)


async def test_a_code_is_good_once_and_so_are_those_before_it(people: People) -> None:
    _, secret, _ = await with_factor(people)
    used = code(people, secret)
    await people.sign_in.with_code((await half(people)).token, used, ELSEWHERE)
    for again in (used, code(people, secret, steps=-1)):
        with pytest.raises(WrongSignIn):
            await people.sign_in.with_code((await half(people)).token, again, ELSEWHERE)
    await people.sign_in.with_code((await half(people)).token, code(people, secret, steps=1), ELSEWHERE)


async def test_a_code_of_two_half_minutes_ago_is_refused(people: People) -> None:
    _, secret, _ = await with_factor(people)
    people.clock.pass_(minutes=3)
    opened = await half(people)
    for steps in (-2, 2):
        with pytest.raises(WrongSignIn):
            await people.sign_in.with_code(opened.token, code(people, secret, steps=steps), ELSEWHERE)
    await people.sign_in.with_code(opened.token, f" {code(people, secret)[:3]} {code(people, secret)[3:]} ", ELSEWHERE)


async def test_codes_are_those_of_the_standard_at_its_times(people: People) -> None:
    """RFC 6238, appendix B, in six digits."""
    opened, _, _ = await with_factor(people)
    user_id = (await people.actor(opened)).user_id
    sealed = people.vault.seal(base64.b32encode(b"12345678901234567890").decode())
    shown = {59: "287082", 1_111_111_109: "081804", 1_111_111_111: "050471", 1_234_567_890: "005924"}

    def takes(tx: Tx, code: str) -> bool:
        tx.execute(update(second_factors).values(secret=sealed, last_counter=None))
        return people.second_factors.takes_code(tx, user_id, code)

    for seconds, wanted in (shown | {2_000_000_000: "279037"}).items():
        people.clock.at = datetime.fromtimestamp(seconds, UTC)
        assert await people.run(lambda tx, wanted=wanted: takes(tx, wanted)), seconds  # type: ignore[misc]
        people.clock.pass_(seconds=61)
        assert not await people.run(lambda tx, wanted=wanted: takes(tx, wanted)), seconds  # type: ignore[misc]


async def test_of_two_who_give_one_code_at_the_same_time_one_comes_in(people: People) -> None:
    _, secret, _ = await with_factor(people)
    halves = [await half(people), await half(people)]
    given = [people.sign_in.with_code(each.token, code(people, secret), ELSEWHERE) for each in halves]
    results = await asyncio.gather(*given, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["Opened", "WrongSignIn"]


async def test_a_recovery_code_is_good_once_however_it_is_typed(people: People) -> None:
    _, _, codes = await with_factor(people)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    await people.sign_in.with_code((await half(people)).token, codes[0].upper().replace("-", " "), ELSEWHERE)
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code((await half(people)).token, codes[0], ELSEWHERE)
    whole = await people.sign_in.with_code((await half(people)).token, codes[1], ELSEWHERE)
    told = await account_of(people).sessions(await people.actor(whole), LIST)
    assert (told.second_factor, told.recovery_codes) == (True, 8)


async def test_five_codes_are_tried_with_half_a_session_and_then_it_is_over(people: People) -> None:
    _, secret, _ = await with_factor(people)
    opened = await half(people)
    for _ in range(5):
        with pytest.raises(WrongSignIn):
            await people.sign_in.with_code(opened.token, "000000", ELSEWHERE)
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code(opened.token, code(people, secret), ELSEWHERE)
    assert (await half(people)).stage is Stage.HALF


async def test_who_knows_the_password_cannot_try_codes_without_end(people: People) -> None:
    await with_factor(people)
    tried = 0
    for _ in range(30):
        try:
            opened = await half(people)
            await people.sign_in.with_code(opened.token, "000000", ELSEWHERE)
        except WrongSignIn:
            tried += 1
        except TooManyRequests:
            pass
    assert tried == 6, "five are free, and after the sixth one waits"


async def test_nothing_of_a_second_factor_is_in_clear_in_the_database(people: People) -> None:
    _, secret, codes = await with_factor(people)
    rows = await people.db.read(
        lambda tx: repr([tx.execute(select(each)).all() for each in (second_factors, recovery_codes)])
    )
    assert not [each for each in (secret, *codes, *(each.replace("-", "") for each in codes)) if each in rows]


async def test_setting_and_removing_a_second_factor_ends_all_other_sessions(people: People) -> None:
    opened = await people.owner()
    actor, other = await people.actor(opened), await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    begun = await account_of(people).begin_second_factor(actor, BEGIN)
    assert await people.sign_in.by_session(other.token) is not None
    await account_of(people).confirm_second_factor(actor, CONFIRM, code(people, begun.secret))
    assert await people.sign_in.by_session(other.token) is None
    people.clock.pass_(seconds=30)
    other = await people.sign_in.with_code((await half(people)).token, code(people, begun.secret), ELSEWHERE)
    await account_of(people).remove_second_factor(actor, REMOVE)
    assert await people.sign_in.by_session(other.token) is None
    assert await people.sign_in.by_session(opened.token) is not None
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.WHOLE
    assert await people.run(lambda tx: tx.execute(select(recovery_codes)).all()) == []


async def test_other_recovery_codes_end_those_of_before(people: People) -> None:
    opened, _, before = await with_factor(people)
    anew = await account_of(people).new_recovery_codes(await people.actor(opened), RENEW)
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code((await half(people)).token, before[0], ELSEWHERE)
    await people.sign_in.with_code((await half(people)).token, anew[0], ELSEWHERE)


async def test_a_link_leaves_the_second_factor_unless_it_was_made_to_take_it_away(people: People) -> None:
    _, secret, _ = await with_factor(people)
    token, _ = await people.run(lambda tx: links.for_person(tx, "ona", second_factor=False))
    opened = await people.sign_in.take_link(token, "ona", ANOTHER, HERE)
    assert opened.stage is Stage.HALF
    await people.sign_in.with_code(opened.token, code(people, secret), HERE)
    token, _ = await people.run(lambda tx: links.for_person(tx, "ona", second_factor=True))
    assert (await people.sign_in.sign_in("ona", ANOTHER, HERE)).stage is Stage.HALF, "until it is used"
    assert (await people.sign_in.take_link(token, "ona", PASSWORD, HERE)).stage is Stage.WHOLE
    assert (await people.sign_in.sign_in("ona", PASSWORD, HERE)).stage is Stage.WHOLE


async def invited(people: People, actor: Actor, name: str) -> None:
    invite = permission("organization.inviteMember")
    await people.members.invite(actor, invite, f"{name}@example.org", Role.MEMBER, Grants())


async def test_what_is_careful_is_open_for_ten_minutes_after_signing_in_and_after_confirming(people: People) -> None:
    opened = await people.owner()
    await invited(people, await people.actor(opened), "mia")
    people.clock.pass_(minutes=10)
    with pytest.raises(ConfirmFirst):
        await invited(people, await people.actor(opened), "leo")
    with pytest.raises(WrongSignIn):
        await people.sign_in.confirm(opened.token, "not this one")
    with pytest.raises(ConfirmFirst):
        await invited(people, await people.actor(opened), "leo")
    await people.sign_in.confirm(opened.token, PASSWORD)
    await invited(people, await people.actor(opened), "leo")
    key = await people.access.authenticate("the-first-key")
    people.clock.pass_(minutes=11)
    assert key is not None
    await invited(people, key, "uma")
    with pytest.raises(ConfirmFirst):
        await invited(people, await people.actor(opened), "kim")


async def test_a_code_confirms_too_and_is_used_up_by_it(people: People) -> None:
    opened, secret, codes = await with_factor(people)
    people.clock.pass_(minutes=11)
    for wrong in ("000000", codes[0]):
        with pytest.raises(WrongSignIn):
            await people.sign_in.confirm(opened.token, wrong)
    given = code(people, secret)
    await people.sign_in.confirm(opened.token, given)
    await invited(people, await people.actor(opened), "mia")
    with pytest.raises(WrongSignIn):
        await people.sign_in.confirm(opened.token, given)


async def test_whoever_has_a_session_tries_to_confirm_it_five_times_and_then_waits(people: People) -> None:
    opened = await people.owner()
    for _ in range(6):
        with pytest.raises(WrongSignIn):
            await people.sign_in.confirm(opened.token, "not this one")
    with pytest.raises(TooManyRequests):
        await people.sign_in.confirm(opened.token, PASSWORD)
    people.clock.pass_(seconds=1)
    await people.sign_in.confirm(opened.token, PASSWORD)


async def test_another_password_ends_all_other_sessions(people: People) -> None:
    opened, other = await people.owner(), await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    actor = await people.actor(opened)
    for wrong in ("short", "ona", "password123"):
        with pytest.raises(InvalidInput):
            await account_of(people).set_password(actor, SET, wrong)
    await account_of(people).set_password(actor, SET, ANOTHER)
    assert await people.sign_in.by_session(opened.token) is not None
    assert await people.sign_in.by_session(other.token) is None
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", PASSWORD, HERE)
    await people.sign_in.sign_in("ona", ANOTHER, HERE)


async def test_a_key_and_a_session_that_has_ended_set_nothing(people: People) -> None:
    opened = await people.owner()
    key, gone = await people.access.authenticate("the-first-key"), await people.actor(opened)
    await people.sign_in.sign_out(opened.token)
    assert key is not None
    for actor in (key, gone):
        account = account_of(people)
        for refused in (
            account.set_password(actor, SET, ANOTHER),
            account.begin_second_factor(actor, BEGIN),
            account.confirm_second_factor(actor, CONFIRM, "000000"),
            account.remove_second_factor(actor, REMOVE),
            account.new_recovery_codes(actor, RENEW),
        ):
            with pytest.raises(NotSignedIn):
                await refused
    assert await people.run(lambda tx: tx.execute(select(second_factors)).all()) == []
    await people.sign_in.sign_in("ona", PASSWORD, HERE)


async def test_somebody_sees_and_ends_their_own_sessions_and_nobody_elses(people: People) -> None:
    owner = await people.owner()
    await people.somebody("mia")
    mia, again = [await people.sign_in.sign_in("mia", PASSWORD, each) for each in (HERE, ELSEWHERE)]
    account, actor = account_of(people), await people.actor(mia)
    told = await account.sessions(actor, LIST)
    assert {each.session_id: (each.address, each.agent) for each in told.sessions} == {
        actor.session_id: (HERE.address, HERE.agent),
        (await people.actor(again)).session_id: (ELSEWHERE.address, ELSEWHERE.agent),
    }
    assert (told.current, told.sign_in_name, told.second_factor) == (actor.session_id, "mia", False)
    with pytest.raises(Missing, match="Session not found"):
        await account.end(actor, END, (await people.actor(owner)).credential.id)
    await account.end(actor, END, (await people.actor(again)).credential.id)
    assert await people.sign_in.by_session(again.token) is None
    assert await people.sign_in.by_session(mia.token) is not None
    await account.end_all(actor, permission("account.endAllSessions"))
    assert await people.sign_in.by_session(mia.token) is None
    assert await people.sign_in.by_session(owner.token) is not None


async def test_a_key_for_some_projects_neither_sees_nor_ends_the_sessions_of_its_person(people: People) -> None:
    here = await people.owner()
    owner = await people.access.authenticate("the-first-key")
    assert owner is not None
    account, some = account_of(people), replace(owner, terms=Terms(projects=frozenset({"a-project"})))
    (session,) = (await account.sessions(owner, LIST)).sessions
    assert (await account.sessions(some, LIST)).sessions == []
    with pytest.raises(Missing, match="Session not found"):
        await account.end(some, END, session.session_id)
    with pytest.raises(Forbidden, match="for some projects only"):
        await account.end_all(some, permission("account.endAllSessions"))
    assert await people.sign_in.by_session(here.token) is not None
    await account.end_all(owner, permission("account.endAllSessions"))
    assert await people.sign_in.by_session(here.token) is None


async def test_the_log_of_a_change_by_a_session_says_so_and_names_nothing_secret(people: People) -> None:
    actor = await people.actor(await people.owner())
    before = len(await people.log())
    entry = Entry(actor, SET, {"password": ANOTHER})
    await people.audit.kept(entry, lambda actor: account_of(people).set_password(actor, SET, ANOTHER))
    (row,) = (await people.log())[before:]
    assert (row.procedure, row.credential, row.api_key_id) == ("account.setPassword", "session", actor.session_id)
    assert (row.subject_type, row.subject_name) == ("member", "Owner")
    assert row.details == {"given": ["password"]}


async def test_a_panel_that_is_restored_knows_no_session_link_or_recovery_code_and_no_failure(people: People) -> None:
    _, secret, codes = await with_factor(people)
    await people.run(lambda tx: links.for_person(tx, "ona", second_factor=False))
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", "not this one", HERE)
    await people.run(sessions_store.forget_all)
    emptied = ("sessions", "links", "recovery_codes", "sign_in_failures")
    left = await people.db.read(
        lambda tx: [name for name in emptied if tx.execute(select(metadata.tables[name])).all()]
    )
    assert left == []
    opened = await half(people)
    with pytest.raises(WrongSignIn):
        await people.sign_in.with_code(opened.token, codes[0], HERE)
    assert (await people.sign_in.with_code(opened.token, code(people, secret), HERE)).stage is Stage.WHOLE


async def test_forgetting_them_in_a_database_of_before_changes_nothing(people: People) -> None:
    gone = (sessions, recovery_codes, metadata.tables["links"], metadata.tables["sign_in_failures"])
    for table in gone:
        await people.run(lambda tx, table=table: table.drop(tx.connection))  # type: ignore[misc]

    def contents(tx: Tx) -> dict[str, list[Row[Any]]]:
        there = metadata.tables.keys() & {*inspect(tx.connection).get_table_names()}
        return {name: list(tx.execute(select(metadata.tables[name])).all()) for name in there}

    before = await people.db.read(contents)
    await people.run(sessions_store.forget_all)
    assert await people.db.read(contents) == before
    assert before["users"]
    assert before.keys() & {table.name for table in gone} == set()
