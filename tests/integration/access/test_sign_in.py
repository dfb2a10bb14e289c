"""Signing in by a link and by a password, on both databases: what opens a session, what ends it, and what shows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from headway.core.access import links, members_store, people_store, sessions_store, store
from headway.core.access.audit import Search, action_of
from headway.core.access.links import HasPassword
from headway.core.access.model import CredentialKind, Grants, Role
from headway.core.access.policy import Missing
from headway.core.access.sign_in import LinkGone, NameTaken, Stage, WrongSignIn
from headway.infra.db.tables import metadata
from headway.infra.db.tables.access import invitations, passwords, sessions
from headway.infra.db.tables.access import links as link_rows
from headway.kernel.errors import InvalidInput
from tests.integration.access.people import ANOTHER, ELSEWHERE, HERE, PASSWORD, People, digest
from tests.support.panel.permissions import permission


async def test_the_first_link_sets_a_password_and_opens_a_session_of_the_owner(people: People) -> None:
    token = await people.link()
    told = await people.sign_in.link(token)
    assert (told.user_name, told.sign_in_name) == ("Owner", None)
    opened = await people.sign_in.take_link(token, " Ona ", PASSWORD, HERE)
    assert opened.stage is Stage.WHOLE
    actor = await people.actor(opened)
    assert (actor.role, actor.by_hand, actor.api_key_id, actor.on_machine) == (Role.OWNER, True, None, True)
    assert actor.credential.kind is CredentialKind.SESSION
    assert opened.ends_at == people.clock.at + timedelta(days=30)
    assert actor.credential.ends_at == people.clock.at + timedelta(days=7), "what it follows ends with it, unused"
    again = await people.sign_in.sign_in("ONA", PASSWORD, ELSEWHERE)
    assert (await people.actor(again)).user_id == actor.user_id
    assert again.token != opened.token


async def test_there_is_a_first_link_once_and_another_only_by_whoever_has_the_machine(people: People) -> None:
    first = await people.link()
    assert await people.run(links.first) is None, "a later start makes none"
    another = await people.run(links.for_owner)
    with pytest.raises(LinkGone):
        await people.sign_in.link(first)
    await people.sign_in.take_link(another, "ona", PASSWORD, HERE)
    with pytest.raises(HasPassword, match="headway members reset-password ona"):
        await people.run(links.for_owner)
    people.clock.pass_(hours=2)
    await people.run(people_store.remove_over)
    assert await people.run(links.first) is None


async def test_a_link_is_good_once_and_for_an_hour_and_looking_at_it_uses_nothing_up(people: People) -> None:
    token = await people.link()
    for _ in range(3):
        await people.sign_in.link(token)
    people.clock.pass_(minutes=61)
    for gone in (token, "another", ""):
        with pytest.raises(LinkGone) as over:
            await people.sign_in.take_link(gone, "ona", PASSWORD, HERE)
        assert over.value.message == LinkGone().message
        with pytest.raises(LinkGone):
            await people.sign_in.link(gone)
    token = await people.run(links.for_owner)
    await people.sign_in.take_link(token, "ona", PASSWORD, HERE)
    with pytest.raises(LinkGone):
        await people.sign_in.take_link(token, "ona", ANOTHER, HERE)


async def test_of_two_who_take_a_link_at_the_same_time_one_gets_it(people: People) -> None:
    token = await people.link()
    takers = [people.sign_in.take_link(token, name, PASSWORD, HERE) for name in ("ona", "eve", "mallory")]
    results = await asyncio.gather(*takers, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["LinkGone", "LinkGone", "Opened"]
    assert len(await people.run(lambda tx: tx.execute(select(passwords)).all())) == 1
    assert (await people.procedures()).count("link.used") == 1


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ona", "short"),
        ("ona", "x" * 1_025),
        ("ona", "password123"),
        ("ona", "aaaaaaaaaaaa"),
        ("ona.the.owner", "Ona.The.Owner"),
        ("", PASSWORD),
        ("two words", PASSWORD),
        ("a\x1bb", PASSWORD),
        ("x" * 255, PASSWORD),
    ],
)
async def test_what_can_be_no_name_or_password_leaves_the_link_good(people: People, name: str, password: str) -> None:
    token = await people.link()
    with pytest.raises(InvalidInput):
        await people.sign_in.take_link(token, name, password, HERE)
    await people.sign_in.take_link(token, "ona", PASSWORD, HERE)


async def test_a_name_belongs_to_one_person(people: People) -> None:
    await people.owner()
    mia = await people.somebody("mia")
    token, _ = await people.run(lambda tx: links.for_person(tx, mia, second_factor=False))
    with pytest.raises(NameTaken):
        await people.sign_in.take_link(token, "Ona", PASSWORD, HERE)
    await people.sign_in.take_link(token, "Mia.2", ANOTHER, HERE)
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("mia", ANOTHER, HERE)
    assert (await people.sign_in.sign_in("mia.2", ANOTHER, HERE)).stage is Stage.WHOLE


_NOBODYS = (
    ("ona", "not this one"),
    ("nobody", PASSWORD),
    ("", ""),
    ("ona", "x" * 5_000),
    ("o\0na", PASSWORD),
    ("on\ud800a", PASSWORD),
)


async def test_an_unknown_name_and_a_wrong_password_have_one_sentence(people: People) -> None:
    await people.owner()
    said = set()
    for name, password in _NOBODYS:
        with pytest.raises(WrongSignIn) as wrong:
            await people.sign_in.sign_in(name, password, HERE)
        said.add(wrong.value.message)
    assert len(said) == 1


async def test_no_token_and_no_password_is_in_the_database(people: People) -> None:
    token = await people.link()
    opened = await people.sign_in.take_link(token, "ona", PASSWORD, HERE)
    rows = await people.db.read(lambda tx: repr([tx.execute(select(each)).all() for each in metadata.sorted_tables]))
    assert digest(opened) in rows
    assert not [each for each in (token, opened.token, PASSWORD) if each in rows]


async def test_a_digest_opens_nothing_and_no_session_is_a_key_nor_a_key_a_session(people: People) -> None:
    opened = await people.owner()
    assert await people.sign_in.by_session(digest(opened)) is None
    assert await people.sign_in.by_session("the-first-key") is None
    assert await people.sign_in.by_session(opened.token) is not None
    assert await people.access.authenticate(opened.token) is None
    assert await people.access.authenticate(f"session {opened.token}") is None


async def test_a_session_ends_after_thirty_days_and_after_seven_without_use(people: People) -> None:
    used, idle = await people.owner(), await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    for _ in range(5):
        people.clock.pass_(days=5)
        actor = await people.actor(used)
        people.access.usage.spend(actor)
        seen = {actor.credential.id: people.clock.at}
        await people.run(lambda tx, seen=seen: sessions_store.save_uses(tx, seen))  # type: ignore[misc]
    assert await people.sign_in.by_session(idle.token) is None
    people.clock.pass_(days=4, hours=23)
    assert (await people.actor(used)).credential.ends_at == used.ends_at, "the earlier of both"
    people.clock.pass_(hours=1, seconds=1)
    assert await people.sign_in.by_session(used.token) is None
    await people.run(sessions_store.remove_over)
    assert await people.run(lambda tx: tx.execute(select(sessions)).all()) == []


async def test_a_session_that_is_remembered_ends_at_its_time(people: People) -> None:
    opened = await people.owner()
    end = {"expires_at": people.clock.at + timedelta(seconds=2)}
    await people.run(lambda tx: tx.execute(update(sessions).values(**end)))
    assert await people.sign_in.by_session(opened.token) is not None
    people.clock.pass_(seconds=2.1)
    assert await people.sign_in.by_session(opened.token) is None


async def test_when_sessions_were_seen_is_saved_by_the_minute_and_finding_them_writes_nothing(people: People) -> None:
    opened = await people.owner()
    people.clock.pass_(hours=1)
    people.access.usage._clock = people.clock.monotonic
    people.access.usage.spend(await people.actor(opened))
    (before,) = await people.run(lambda tx: tx.execute(select(sessions.c.seen_at)).scalars().all())
    assert before == people.clock.at - timedelta(hours=1)
    await people.access.save_uses()
    (after,) = await people.run(lambda tx: tx.execute(select(sessions.c.seen_at)).scalars().all())
    assert after == people.clock.at


async def test_signing_out_ends_this_session_at_once_and_no_other(people: People) -> None:
    one, other = await people.owner(), await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    told: list[str] = []
    people.access.tell(told.append)
    actor = await people.actor(one)
    await people.sign_in.sign_out(one.token)
    assert await people.sign_in.by_session(one.token) is None
    assert await people.sign_in.by_session(other.token) is not None
    assert told == [actor.user_id], "what it follows ends"
    await people.sign_in.sign_out(one.token)
    assert (await people.procedures()).count("session.signOut") == 1


async def test_a_link_to_another_password_ends_all_sessions(people: People) -> None:
    opened = await people.owner()
    token, person = await people.run(lambda tx: links.for_person(tx, "ONA", second_factor=False))
    assert person.name == "Owner"
    assert await people.sign_in.by_session(opened.token) is not None, "until it is used"
    anew = await people.sign_in.take_link(token, "ona", ANOTHER, HERE)
    assert await people.sign_in.by_session(opened.token) is None
    assert await people.sign_in.by_session(anew.token) is not None
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", PASSWORD, HERE)


async def test_a_member_who_is_removed_has_no_session_and_signs_in_no_more(people: People) -> None:
    owner = await people.actor(await people.owner())
    mia = await people.somebody("mia")
    opened = await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE)
    assert await people.sign_in.by_session(opened.token) is not None
    await people.members.remove(owner, permission("user.remove"), mia)
    assert await people.sign_in.by_session(opened.token) is None
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE)
    assert await people.run(lambda tx: people_store.people_named(tx, "mia", "mia")) == []


async def test_who_leaves_one_organisation_keeps_what_they_have_in_another(people: People) -> None:
    owner = await people.actor(await people.owner())
    mia = await people.somebody("mia")
    opened = await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE)
    others = await people.run(lambda tx: store.add_organization(tx, "Others"))
    await people.run(lambda tx: store.add_member(tx, others, mia, Role.OWNER))
    await people.members.remove(owner, permission("user.remove"), mia)
    left = await people.run(lambda tx: tx.execute(select(sessions.c.user_id)).scalars().all())
    assert left == [owner.user_id], "it was one of the first organisation, and is no more where they come back"
    assert await people.sign_in.by_session(opened.token) is None
    anew = await people.actor(await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE))
    assert (anew.organization_id, anew.role) == (others, Role.OWNER)


async def test_a_role_that_changes_counts_for_sessions_at_once(people: People) -> None:
    owner = await people.actor(await people.owner())
    mia = await people.somebody("mia")
    opened = await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE)
    assert (await people.actor(opened)).role is Role.MEMBER
    member = await people.members.one(owner, permission("user.one"), mia)
    await people.members.set_role(owner, permission("organization.updateMemberRole"), member.member_id, Role.ADMIN)
    assert (await people.actor(opened)).role is Role.ADMIN


async def test_an_invitation_is_accepted_with_a_password_and_without_a_key(people: People) -> None:
    owner = await people.actor(await people.owner())
    assert owner.api_key_id is None
    invite = permission("organization.inviteMember")
    made, token = await people.members.invite(owner, invite, "mia@example.org", Role.ADMIN, Grants())
    assert await people.run(lambda tx: tx.execute(select(invitations.c.api_key_id)).scalars().all()) == [None]
    with pytest.raises(NameTaken):
        await people.sign_in.join(token, "Ona", PASSWORD, HERE)
    opened = await people.sign_in.join(token, "Mia", PASSWORD, HERE)
    mia = await people.actor(opened)
    assert (mia.name, mia.email, mia.role, mia.organization_id) == (
        "Mia",
        "mia@example.org",
        Role.ADMIN,
        owner.organization_id,
    )
    for gone in (token, "another"):
        with pytest.raises(Missing, match="Invitation not found"):
            await people.sign_in.join(gone, "mia.3", PASSWORD, HERE)
    row = next(each for each in await people.log() if each.procedure == "invitation.accepted")
    assert (row.user_id, row.subject_id, row.credential) == (mia.user_id, made.invitation_id, "session")


async def test_an_invitation_of_somebody_who_left_lets_nobody_in(people: People) -> None:
    owner = await people.actor(await people.owner())
    mia_id = await people.somebody("mia", Role.ADMIN)
    mia = await people.actor(await people.sign_in.sign_in("mia", PASSWORD, ELSEWHERE))
    _, token = await people.members.invite(
        mia, permission("organization.inviteMember"), "leo@example.org", Role.MEMBER, Grants()
    )
    await people.members.remove(owner, permission("user.remove"), mia_id)
    with pytest.raises(Missing):
        await people.sign_in.join(token, "leo", PASSWORD, HERE)


async def test_the_log_says_who_has_signed_in_from_where_and_that_it_was_a_session(people: People) -> None:
    opened = await people.owner()
    actor = await people.actor(opened)
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("ona", "not this one", ELSEWHERE)
    with pytest.raises(WrongSignIn):
        await people.sign_in.sign_in("nobody", "not this one", ELSEWHERE)
    await people.sign_in.sign_out(opened.token)
    rows = await people.log()
    assert [row.procedure for row in rows] == ["link.used", "session.signIn", "session.signInFailed", "session.signOut"]
    assert {(row.credential, row.user_id, row.organization_id) for row in rows} == {
        ("session", actor.user_id, actor.organization_id)
    }
    assert [row.api_key_id for row in rows] == ["", actor.credential.id, "", actor.credential.id]
    assert rows[2].details == {"given": ["address"], "address": ELSEWHERE.address}
    assert [action_of(row.procedure) for row in rows] == ["update", "login", "login", "logout"]
    search = Search(action="logout")
    found, total, _ = await people.audit.page(actor, permission("auditLog.all"), search)
    assert ([each.procedure for each in found], total) == (["session.signOut"], 1)


async def test_an_organisation_is_removed_with_its_sessions(people: People) -> None:
    opened = await people.owner()
    actor = await people.actor(opened)
    assert await people.run(lambda tx: members_store.contents_of(tx, actor.organization_id)) == []
    await people.run(lambda tx: members_store.remove_organization(tx, actor.organization_id))
    for table in (sessions, passwords, link_rows):
        assert await people.run(lambda tx, table=table: tx.execute(select(table)).all()) == []  # type: ignore[misc]
