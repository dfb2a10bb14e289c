"""The pages of who belongs to an organisation: who sees whom, and what inviting, withdrawing and removing do."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from headway.features.access.pages.invitation import PAGE as INVITATION
from headway.features.access.pages.member import PAGE as ONE
from headway.features.access.pages.member_list import PAGE as LIST
from headway.kernel.errors import Forbidden, NotFound
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

if TYPE_CHECKING:
    from headway.features.access.api.rows import NewInvitationRow

EVIL = '"><script>alert(1)</script>'


async def test_admins_see_everybody_and_others_themselves(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")

    everybody, own = await ann.see(LIST), await bob.see(LIST)

    assert f"/members/users/{bob.actor.user_id}" in everybody.links.values()
    assert everybody.links["Invite somebody"] == "/members/invite"
    assert ("everything" in everybody.text, "nothing yet" in everybody.text) == (True, True)
    assert [each["row"]["userId"] for each in own.view.values["members"]] == [bob.actor.user_id]  # type: ignore[attr-defined]
    assert "Invite somebody" not in own.links
    with pytest.raises(Forbidden):
        await bob.see(ONE, ids={"userId": ann.actor.user_id})


async def test_somebody_is_invited_and_the_invitation_withdrawn(world: World) -> None:
    ann = await person(world)

    made = cast(
        "NewInvitationRow",
        await ann.answered(LIST, "invite", {"email": "mia@example.org", "role": "member", "expiresIn": "3600"}),
    )
    assert (made["role"], made["email"]) == ("member", "mia@example.org")
    shown = LIST.forms["invite"].shows
    assert shown is not None
    view = shown(ann.visit({}, {}), made)
    assert view.values["path"] == f"/invitation/{made['token']}"
    token = made["token"]
    invited = await ann.see(LIST)
    assert invited.links["mia@example.org"] == f"/members/invitations/{made['id']}"
    assert token not in invited.html
    ids = {"invitationId": made["id"]}
    assert (await ann.see(INVITATION, ids=ids)).links["Withdraw"] == f"/members/invitations/{made['id']}/withdraw"
    await ann.send(INVITATION, "withdraw", None, **ids)
    answer = await world.nobody.post("/organization.acceptInvitation", json={"token": token})
    assert answer.status_code == 404
    with pytest.raises(NotFound):
        await ann.see(INVITATION, ids=ids)


async def test_an_invitation_has_the_role_and_the_reach_that_were_chosen(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")
    application_id = await world.application()
    project_id = (await world.get("project.all"))[0]["projectId"]
    question = await ann.asked(LIST, "invite")
    assert (project_id in str(question.more), application_id in str(question.more)) == (True, True)
    boxes = {f"accessedProjects.{project_id}": "true", f"accessedServices.{application_id}": "true"}
    for role in ("member", "admin"):
        await ann.answered(LIST, "invite", {"email": f"{role}@example.org", "role": role, **boxes})
    admin, member = await world.get("organization.allInvitations")
    assert (admin["role"], admin["accessedProjects"], admin["accessedServices"]) == ("admin", [], [])
    assert (member["accessedProjects"], member["accessedServices"]) == ([project_id], [application_id])
    with pytest.raises(Forbidden):
        await bob.answered(LIST, "invite", {"email": "mia@example.org", "role": "member"})


async def test_a_member_is_given_what_is_chosen_and_nothing_else(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")
    ids, application_id = {"userId": bob.actor.user_id}, await world.application()
    project_id = (await world.get("project.all"))[0]["projectId"]
    flash, then = await ann.send(ONE, "access", {f"accessedServices.{application_id}": "true"}, **ids)
    assert (flash.text, then) == ("They see 1 service now.", f"/members/users/{bob.actor.user_id}")
    seen = await ann.see(ONE, ids=ids)
    assert f"/services/{application_id}" in seen.links.values()
    question = await ann.asked(ONE, "access", **ids)
    assert question.more["chosen_services"] == [application_id]
    flash, _ = await ann.send(ONE, "access", {f"accessedProjects.{project_id}": "true"}, **ids)
    row = await world.get("user.one", userId=bob.actor.user_id)
    assert (row["accessedProjects"], row["accessedServices"]) == ([project_id], [])
    flash, _ = await ann.send(ONE, "access", {}, **ids)
    assert flash.text == "They see nothing yet now."


async def test_a_role_is_changed_and_never_above_ones_own(world: World) -> None:
    ann, bob = await person(world), await person(world, "member")
    ids = {"userId": bob.actor.user_id}
    flash, _ = await ann.send(ONE, "role", {"role": "admin"}, **ids)
    assert flash.text == "Their role is admin now."
    bob = await person(world, "member")
    assert (await bob.asked(ONE, "role", userId=ann.actor.user_id)).more["roles"] == ("member", "admin")
    with pytest.raises(Forbidden):
        await bob.send(ONE, "role", {"role": "member"}, userId=ann.actor.user_id)
    assert "Change the role" not in (await bob.see(ONE, ids={"userId": ann.actor.user_id})).links
    assert "Change what they see" not in (await ann.see(ONE, ids=ids)).links, "an admin sees everything"


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
