"""The pages of who belongs to an organisation: who sees whom, and what inviting, withdrawing and removing do."""

from __future__ import annotations

import pytest

from headway.features.access.pages.invitation import PAGE as INVITATION
from headway.features.access.pages.member import PAGE as ONE
from headway.features.access.pages.member_list import PAGE as LIST
from headway.kernel.errors import Forbidden, NotFound
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

EVIL = '"><script>alert(1)</script>'


async def test_admins_see_everybody_and_others_themselves(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")

    everybody, own = await ann.see(LIST), await bob.see(LIST)

    assert f"/members/users/{bob.actor.user_id}" in everybody.links.values()
    assert everybody.links["Invite a member"] == "/members/invite"
    assert ("everything" in everybody.text, "nothing yet" in everybody.text) == (True, True)
    assert [each["row"]["userId"] for each in own.view.values["members"]] == [bob.actor.user_id]  # type: ignore[attr-defined]
    assert "Invite a member" not in own.links
    with pytest.raises(Forbidden):
        await bob.see(ONE, ids={"userId": ann.actor.user_id})


async def test_somebody_is_invited_and_the_invitation_withdrawn(world: World) -> None:
    ann = await person(world)

    flash, then = await ann.send(LIST, "invite", {"email": "mia@example.org", "role": "owner"})

    made = (await world.get("organization.allInvitations"))[0]
    assert (made["role"], made["email"], then) == ("member", "mia@example.org", "/members")
    token = flash.text.rpartition("/invitation/")[2]
    invited = await ann.see(LIST)
    assert invited.links["mia@example.org"] == f"/members/invitations/{made['id']}"
    assert token not in invited.html
    ids = {"invitationId": made["id"]}
    assert (await ann.see(INVITATION, ids=ids)).links["Withdraw"] == f"/members/invitations/{made['id']}/withdraw"
    await ann.send(INVITATION, "withdraw", **ids)
    answer = await world.nobody.post("/organization.acceptInvitation", json={"token": token})
    assert answer.status_code == 404
    with pytest.raises(NotFound):
        await ann.see(INVITATION, ids=ids)


async def test_an_invitation_has_the_role_of_its_form(world: World) -> None:
    ann = await person(world)
    await ann.send(LIST, "invite-admin", {"email": "mia@example.org", "role": "owner"})
    assert (await world.get("organization.allInvitations"))[0]["role"] == "admin"


async def test_a_member_is_removed_with_their_keys(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")
    ids = {"userId": bob.actor.user_id}

    question = await ann.asked(ONE, "remove", **ids)
    _, then = await ann.send(ONE, "remove", None, **ids)

    assert (question.danger, then) == (True, "/members")
    assert (await world.member.get("/user.get")).status_code == 401
    with pytest.raises(NotFound):
        await ann.see(ONE, ids=ids)


async def test_nobody_is_offered_to_remove_themselves_or_who_is_more(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")
    member = next(each for each in await world.get("user.all") if each["userId"] == bob.actor.user_id)
    await world.post("organization.updateMemberRole", memberId=member["id"], role="admin")
    bob = await person(world, "member")

    assert "Remove" in (await ann.see(ONE, ids={"userId": bob.actor.user_id})).links
    assert "Remove" not in (await ann.see(ONE, ids={"userId": ann.actor.user_id})).links
    assert "Remove" not in (await bob.see(ONE, ids={"userId": ann.actor.user_id})).links


async def test_others_see_nobody_of_this_organisation(world: World) -> None:
    eve, bob = await person(world, "stranger"), await person(world, "member")
    assert [each["row"]["userId"] for each in (await eve.see(LIST)).view.values["members"]] == [eve.actor.user_id]  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        await eve.see(ONE, ids={"userId": bob.actor.user_id})
    with pytest.raises(NotFound):
        await eve.send(ONE, "remove", userId=bob.actor.user_id)


async def test_names_of_people_stay_text(world: World) -> None:
    made = await world.post("organization.inviteMember", email="mia@example.org", role="member")
    joined = await world.nobody.post("/organization.acceptInvitation", json={"token": made["token"], "name": EVIL})
    ann = await person(world)
    for seen in (await ann.see(LIST), await ann.see(ONE, ids={"userId": joined.json()["userId"]})):
        assert "<script>alert" not in seen.html
        assert EVIL in seen.text
