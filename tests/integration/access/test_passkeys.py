"""Passkeys, on both databases: what makes one, what it opens, what is refused, and what ends it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from headway.core.access import links, passkeys_store
from headway.core.access.account import NotSignedIn
from headway.core.access.account_passkeys import NoPasskeyMade
from headway.core.access.model import Actor, Terms
from headway.core.access.passkeys import (
    MOST_PASSKEYS,
    NewCredential,
    NoPasskeysHere,
    Passkey,
    PasskeyHost,
)
from headway.core.access.policy import Missing
from headway.core.access.sign_in import Opened, Stage, WrongSignIn
from headway.infra.db.tables import metadata
from headway.infra.db.tables.access import passkeys
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput, TooManyRequests
from tests.integration.access.people import ELSEWHERE, HERE, PASSWORD, People, with_factor
from tests.support.panel.authenticator import FLAG, LOCAL, Authenticator, Faults
from tests.support.panel.permissions import permission

HOST = PasskeyHost(name="localhost", origin=LOCAL)
BEGIN, ADD, ALL = (permission(f"account.{name}") for name in ("beginPasskey", "addPasskey", "passkeys"))
RENAME, REMOVE = permission("account.renamePasskey"), permission("account.removePasskey")
ANOTHER = "http://localhost:3001"
WRONG: dict[str, Faults] = {
    "another port": Faults(origin=ANOTHER),
    "another scheme": Faults(origin="https://localhost:3000"),
    "a name below": Faults(origin="http://panel.localhost:3000"),
    "within another page": Faults(cross_origin=True),
    "for another host": Faults(host="example.org"),
    "for another challenge": Faults(challenge="YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"),
    "by nobody": Faults(flags=FLAG.UV),
    "by somebody": Faults(flags=FLAG.UP),
}
WRONG_MADE = {
    **WRONG,
    "shown, not made": Faults(type="webauthn.get"),
    "an algorithm that was not offered": Faults(algorithm=-65535),
}
WRONG_SHOWN = {
    **WRONG,
    "made, not shown": Faults(type="webauthn.create"),
    "signed by another key": Faults(foreign_key=True),
    "not signed": Faults(signature=b""),
    "of another person": Faults(user_handle=b"somebody else"),
}


async def added(people: People, actor: Actor, device: Authenticator, name: str = "my telephone") -> Passkey:
    options = await people.passkeys.begin(actor, BEGIN, LOCAL)
    return await people.passkeys.add(actor, ADD, name, LOCAL, device.make(options))


async def shown(people: People, device: Authenticator, faults: Faults | None = None, name: str = "") -> Opened:
    question = await people.by_passkey.question(HOST, name, ELSEWHERE)
    answer = device.show(question.options, faults or Faults())
    return await people.by_passkey.sign_in(HOST, question.token, answer, ELSEWHERE)


async def test_a_passkey_opens_a_whole_session_with_a_name_and_without(people: People) -> None:
    opened, _, _ = await with_factor(people)
    actor, device = await people.actor(opened), Authenticator()
    made = await added(people, actor, device)
    assert (made.name, made.host, made.counter, made.synced, made.last_used_at) == (
        *("my telephone", "localhost", 0, False),
        None,
    )
    for name in ("", "ONA", "nobody"):  # who shows one is known by it, whatever was typed
        people.clock.pass_(minutes=1)
        again = await shown(people, device, name=name)
        assert again.stage is Stage.WHOLE, "no code is asked for"
        assert (await people.actor(again)).user_id == actor.user_id
    (now,) = await people.passkeys.all(actor, ALL)
    assert (now.counter, now.last_used_at) == (3, people.clock.at)
    row = (await people.log())[-1]
    assert (row.procedure, row.details["passkey"]) == ("session.signIn", "my telephone")


async def test_what_a_browser_is_asked_names_the_panel_the_person_and_what_is_known(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    await added(people, actor, device)
    asked: dict[str, Any] = json.loads(await people.passkeys.begin(actor, BEGIN, LOCAL))
    assert asked["rp"] == {"name": "Headway", "id": "localhost"}
    assert (asked["user"]["name"], asked["attestation"]) == ("ona", "none")
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    (made,) = await people.passkeys.all(actor, ALL)
    assert [each["id"] for each in asked["excludeCredentials"]] == [made.credential_id]
    assert {each["alg"] for each in asked["pubKeyCredParams"]} >= {-7, -8, -257}
    assert actor.user_id not in asked["user"]["id"], "in base64url, as all bytes"
    question = json.loads((await people.by_passkey.question(HOST, "", HERE)).options)
    assert (question["rpId"], question["userVerification"]) == ("localhost", "required")
    assert "allowCredentials" not in question


async def test_nobody_learns_by_a_name_whether_there_is_such_a_person(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    made = await added(people, actor, device)
    await people.somebody("mia")

    async def ids(name: str, host: PasskeyHost = HOST) -> list[str]:
        people.clock.pass_(minutes=1)
        question = await people.by_passkey.question(host, name, ELSEWHERE)
        return [each["id"] for each in json.loads(question.options)["allowCredentials"]]

    assert await ids("Ona") == [made.credential_id]
    told = {name: await ids(name) for name in ("mia", "nobody", "o\0na", "on\ud800a", "x" * 5_000)}
    assert {name: await ids(name) for name in told} == told, "they stay the same"
    assert all(told.values())
    assert len({each for ids_ in told.values() for each in ids_}) == sum(map(len, told.values()))
    elsewhere = PasskeyHost(name="panel.example", origin="https://panel.example")
    assert set(await ids("ona", elsewhere)) & {made.credential_id} == set()


async def test_a_challenge_is_good_once_for_five_minutes_and_for_who_was_asked(people: People) -> None:
    opened = await people.owner()
    actor, device = await people.actor(opened), Authenticator()
    options = await people.passkeys.begin(actor, BEGIN, LOCAL)
    other = await people.actor(await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE))
    with pytest.raises(NoPasskeyMade):  # another session of the same person
        await people.passkeys.add(other, ADD, "k", LOCAL, device.make(options))
    answer = device.make(options)
    await people.passkeys.add(actor, ADD, "k", LOCAL, answer)
    with pytest.raises(NoPasskeyMade):
        await people.passkeys.add(actor, ADD, "k", LOCAL, answer)
    late = await people.passkeys.begin(actor, BEGIN, LOCAL)
    people.clock.pass_(seconds=301)
    with pytest.raises(NoPasskeyMade):
        await people.passkeys.add(actor, ADD, "k", LOCAL, Authenticator().make(late))

    question = await people.by_passkey.question(HOST, "", HERE)
    signed = device.show(question.options, which=1)
    for token in ("another", None):
        with pytest.raises(WrongSignIn):
            await people.by_passkey.sign_in(HOST, token, signed, HERE)
    await people.by_passkey.sign_in(HOST, question.token, signed, HERE)
    with pytest.raises(WrongSignIn):
        await people.by_passkey.sign_in(HOST, question.token, signed, HERE)
    question = await people.by_passkey.question(HOST, "", HERE)
    people.clock.pass_(seconds=301)
    with pytest.raises(WrongSignIn):
        await people.by_passkey.sign_in(HOST, question.token, device.show(question.options, which=1), HERE)


@pytest.mark.parametrize("why", WRONG_MADE)
async def test_nothing_is_added_by_a_wrong_answer(people: People, why: str) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    options = await people.passkeys.begin(actor, BEGIN, LOCAL)
    with pytest.raises(NoPasskeyMade):
        await people.passkeys.add(actor, ADD, "k", LOCAL, device.make(options, WRONG_MADE[why]))
    assert await people.passkeys.all(actor, ALL) == []


@pytest.mark.parametrize("why", WRONG_SHOWN)
async def test_nothing_is_opened_by_a_wrong_answer(people: People, why: str) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    await added(people, actor, device)
    with pytest.raises(WrongSignIn):
        await shown(people, device, WRONG_SHOWN[why])
    assert (await people.procedures()).count("session.signIn") == 1, "that of the link"
    await shown(people, device)


async def test_a_wrong_answer_is_told_in_the_log_once_a_minute(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    await added(people, actor, device)
    for _ in range(3):
        with pytest.raises(WrongSignIn):
            await shown(people, device, WRONG_SHOWN["signed by another key"])
    (row,) = [row for row in await people.log() if row.procedure == "session.passkeyFailed"]
    assert (row.user_id, row.details["why"], row.details["address"]) == (
        *(actor.user_id, "not shown"),
        ELSEWHERE.address,
    )


async def test_a_copy_that_counts_back_is_refused_and_one_that_counts_nothing_is_not(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    await added(people, actor, device)
    copy = device.copy()
    await shown(people, device)
    await shown(people, device)
    with pytest.raises(WrongSignIn, match="a copy of it"):
        await shown(people, copy)
    assert [row.details["why"] for row in await people.log() if row.procedure == "session.passkeyFailed"] == [
        "counted back"
    ]
    await shown(people, device)
    synced = Authenticator(counts=False, synced=True)
    made = await added(people, actor, synced, "everywhere")
    assert made.synced
    for _ in range(2):
        await shown(people, synced)


async def test_a_passkey_is_renamed_and_removed_by_who_has_it_and_by_nobody_else(people: People) -> None:
    opened = await people.owner()
    actor, device = await people.actor(opened), Authenticator()
    made = await added(people, actor, device)
    await people.somebody("mia")
    mia = await people.actor(await people.sign_in.sign_in("mia", PASSWORD, HERE))
    for refused in (
        people.passkeys.rename(mia, RENAME, made.passkey_id, "mine"),
        people.passkeys.remove(mia, REMOVE, made.passkey_id),
        people.passkeys.remove(replace(actor, terms=Terms(projects=frozenset())), REMOVE, made.passkey_id),
        people.passkeys.remove(actor, REMOVE, "unknown"),
    ):
        with pytest.raises(Missing):
            await refused
    assert await people.passkeys.all(mia, ALL) == []
    assert await people.passkeys.all(replace(actor, terms=Terms(projects=frozenset())), ALL) == []
    assert (await people.passkeys.rename(actor, RENAME, made.passkey_id, " the \t old one ")).name == "the old one"
    for name in ("", " ", "a\u202eb"):
        with pytest.raises(InvalidInput):
            await people.passkeys.rename(actor, RENAME, made.passkey_id, name)
    other = await shown(people, device)
    await people.passkeys.remove(actor, REMOVE, made.passkey_id)
    assert await people.sign_in.by_session(other.token) is None, "whoever has the device is signed out"
    assert await people.sign_in.by_session(opened.token) is not None
    with pytest.raises(WrongSignIn, match="does not know"):
        await shown(people, device)


async def test_a_link_takes_passkeys_away_and_a_key_makes_none(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    await added(people, actor, device)
    token, _ = await people.run(lambda tx: links.for_person(tx, "ona", second_factor=False))
    await people.sign_in.take_link(token, "ona", PASSWORD, HERE)
    assert await people.run(lambda tx: tx.execute(select(passkeys)).all()) == []
    with pytest.raises(WrongSignIn):
        await shown(people, device)
    key = await people.access.authenticate("the-first-key")
    assert key is not None
    for refused in (
        people.passkeys.begin(key, BEGIN, LOCAL),
        people.passkeys.add(key, ADD, "k", LOCAL, "{}"),
        people.passkeys.begin(actor, BEGIN, LOCAL),  # whose session has ended
    ):
        with pytest.raises(NotSignedIn):
            await refused


async def test_a_person_has_so_many_and_each_is_somebodys(people: People) -> None:
    actor, device = await people.actor(await people.owner()), Authenticator()
    options = await people.passkeys.begin(actor, BEGIN, LOCAL)
    answer = device.make(options)

    def fill(tx: Tx) -> None:
        for each in range(MOST_PASSKEYS):
            made = NewCredential(credential_id=f"id {each}", credential="", counter=0, synced=False)
            passkeys_store.add(tx, actor.user_id, HOST, "k", made)

    await people.run(fill)
    for refused in (
        people.passkeys.begin(actor, BEGIN, LOCAL),
        people.passkeys.add(actor, ADD, "k", LOCAL, answer),
    ):
        with pytest.raises(Conflict, match="nobody has more"):
            await refused
    await people.somebody("mia")
    mia = await people.actor(await people.sign_in.sign_in("mia", PASSWORD, HERE))
    made = await added(people, mia, device)
    taken = NewCredential(credential_id=made.credential_id, credential="", counter=0, synced=False)
    with pytest.raises(Conflict, match="known already"):
        await people.run(lambda tx: people.passkeys._added(tx, mia, ADD, "k", host=HOST, made=taken))


async def test_who_tries_much_waits(people: People) -> None:
    for _ in range(30):
        await people.by_passkey.question(HOST, "ona", HERE)
    with pytest.raises(TooManyRequests):
        await people.by_passkey.question(HOST, "ona", HERE)
    with pytest.raises(TooManyRequests):
        await people.by_passkey.sign_in(HOST, "x", "{}", HERE)


async def test_no_passkey_is_begun_at_an_address_of_numbers_or_of_somebody_else(people: People) -> None:
    actor = await people.actor(await people.owner())
    for origin in ("http://127.0.0.1:3000", "https://panel.example"):
        with pytest.raises(NoPasskeysHere):
            await people.passkeys.begin(actor, BEGIN, origin)


async def test_no_challenge_is_in_the_database(people: People) -> None:
    actor = await people.actor(await people.owner())
    asked = json.loads(await people.passkeys.begin(actor, BEGIN, LOCAL))
    question = await people.by_passkey.question(HOST, "", HERE)
    rows = await people.db.read(lambda tx: repr([tx.execute(select(each)).all() for each in metadata.sorted_tables]))
    told = (asked["challenge"], question.token, json.loads(question.options)["challenge"])
    assert [each for each in told if each in rows] == []
