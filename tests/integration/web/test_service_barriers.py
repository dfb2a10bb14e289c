"""Redirects, logins and the webhook address of a service, as a person sees and changes them."""

from __future__ import annotations

import html
from typing import Any

from sqlalchemy import update

from headway.infra.db.tables.edge import logins
from tests.integration.http.test_taken import A_FILE
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, form_token_of, send, signed_in

TYPED = {"regex": r"^http://old\.example/(.*)", "replacement": "https://new.example/${1}", "permanent": "true"}
SECRET = "a password of nobody"


async def rows(world: World, application_id: str, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get("application.one", applicationId=application_id))[what]
    return found


async def test_a_redirect_is_added_shown_changed_and_removed(world: World) -> None:
    id_ = await world.application("shop")
    path = f"/services/{id_}"
    async with signed_in(world) as client:
        listed = (await client.get(f"{path}/domains")).text
        assert "No address is answered with another one." in listed
        assert f"{path}/domains/add-redirect" in listed
        done = await send(client, f"{path}/domains/add-redirect", **TYPED)
        assert (done.status_code, done.headers["location"]) == (303, f"{path}/domains")
        (row,) = await rows(world, id_, "redirects")
        assert (row["regex"], row["permanent"]) == (TYPED["regex"], True)
        at = f"{path}/redirect/{row['redirectId']}"
        assert f'href="{at}"' in (await client.get(f"{path}/domains")).text
        assert "for ever (301)" in (await client.get(at)).text
        shown = html.unescape((await client.get(f"{at}/change")).text)
        assert f'value="{TYPED["replacement"]}"' in shown
        refused = await send(client, f"{at}/change", regex="(", replacement="https://kept.example")
        assert refused.status_code == 400
        assert 'value="https://kept.example"' in refused.text
        done = await send(client, f"{at}/change", regex=TYPED["regex"], replacement="https://kept.example")
        assert (done.status_code, done.headers["location"]) == (303, at)
        (row,) = await rows(world, id_, "redirects")
        assert (row["replacement"], row["permanent"]) == ("https://kept.example", False)
        done = await send(client, f"{at}/remove")
        assert done.headers["location"] == f"{path}/domains"
        assert (await client.get(at)).status_code == 404
    assert await rows(world, id_, "redirects") == []


async def test_a_login_is_added_changed_and_removed_and_its_password_is_shown_nowhere(world: World) -> None:
    id_ = await world.application("shop")
    path = f"/services/{id_}"
    async with signed_in(world) as client:
        assert "Everybody comes in" in (await client.get(f"{path}/domains")).text
        refused = await send(client, f"{path}/domains/add-login", username="ann:b", password=SECRET)
        assert refused.status_code == 400
        assert SECRET not in refused.text
        await send(client, f"{path}/domains/add-login", username="ann<b>", password=SECRET)
        (row,) = await rows(world, id_, "security")
        at = f"{path}/login/{row['securityId']}"
        listed = (await client.get(f"{path}/domains")).text
        assert f'href="{at}"' in listed
        assert "ann<b>" not in listed
        assert "Nobody comes in without one of these" in listed
        empty = await send(client, f"{at}/change", username="ben", password="")
        assert empty.status_code == 422, "the one that is kept cannot be sent along"
        assert (await send(client, f"{at}/change", username="ben", password=f"{SECRET} 2")).status_code == 303
        for address in (f"{path}/domains", at, f"{at}/change", f"{at}/remove"):
            text = (await client.get(address)).text
            assert SECRET not in text, address
            assert "$2b$" not in text, address
        assert (await rows(world, id_, "security"))[0]["username"] == "ben"
        assert (await send(client, f"{at}/remove")).status_code == 303
    assert await rows(world, id_, "security") == []


async def test_who_may_not_is_offered_nothing_and_refused_and_others_see_nothing(world: World) -> None:
    id_ = await world.application("shop")
    await world.post("security.create", applicationId=id_, username="ann", password=SECRET)
    (row,) = await rows(world, id_, "security")
    other = await world.application("other")
    member_id = next(each["userId"] for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member_id, accessedServices=[id_])
    path = f"/services/{id_}"
    at = f"{path}/login/{row['securityId']}"
    async with signed_in(world, "member") as member, signed_in(world, "stranger") as stranger:
        listed = (await member.get(f"{path}/domains")).text
        assert at in listed
        assert "add-login" not in listed
        assert "add-redirect" not in listed
        shown = (await member.get(at)).text
        assert "Remove" not in shown
        fields = {"form_token": await form_token_of(member)}
        assert (await member.post(f"{at}/remove", data=fields, headers=OWN)).status_code == 403
        assert "renew-application" not in (await member.get(f"{path}/settings")).text
        assert (await member.post(f"{path}/settings/renew-application", data=fields, headers=OWN)).status_code == 403
        fields = {"form_token": await form_token_of(stranger)}
        assert (await stranger.get(at)).status_code == 404
        assert (await stranger.post(f"{at}/remove", data=fields, headers=OWN)).status_code == 404
    async with signed_in(world) as client:
        assert (await client.get(f"/services/{other}/login/{row['securityId']}")).status_code == 404, "of another"
    assert len(await rows(world, id_, "security")) == 1


async def test_the_webhook_address_is_made_anew_after_a_question(world: World) -> None:
    application_id = await world.application("shop")
    given = {"name": "stack", "environmentId": await world.environment(), **A_FILE}
    compose_id = (await world.post("compose.create", **given))["composeId"]
    async with signed_in(world) as client:
        for router, id_, begin in (
            ("application", application_id, "/api/deploy/"),
            ("compose", compose_id, "/api/deploy/compose/"),
        ):
            read = f"{router}.one", {f"{router}Id": id_}
            before = (await world.get(read[0], **read[1]))["refreshToken"]
            page = f"/services/{id_}/settings"
            assert f"{begin}{before}" in (await client.get(page)).text
            assert f"{page}/renew-{router}" in (await client.get(page)).text
            asked = (await client.get(f"{page}/renew-{router}")).text
            assert "pushes there deploy nothing" in asked
            assert (await world.get(read[0], **read[1]))["refreshToken"] == before, "a question changes nothing"
            assert (await send(client, f"{page}/renew-{router}")).headers["location"] == page
            after = (await world.get(read[0], **read[1]))["refreshToken"]
            assert after != before
            shown = (await client.get(page)).text
            assert f"{begin}{after}" in shown
            assert before not in shown


async def test_the_domains_are_shown_where_what_stands_before_them_cannot_be_read(world: World) -> None:
    id_ = await world.application("shop")
    await world.post("security.create", applicationId=id_, username="ada", password=SECRET)
    await world.services.db.run(lambda tx: tx.execute(update(logins).values(hash="of another key")))
    assert (await world.owner.get("/application.one", params={"applicationId": id_})).status_code == 500
    async with signed_in(world) as client:
        shown = await client.get(f"/services/{id_}/domains")
    assert shown.status_code == 200
    assert "given by the panel" in shown.text
    told = html.unescape(shown.text)
    assert told.count("unknown") >= 2
    assert "A stored secret cannot be opened" in told
    for nothing in ("No address is answered with another one.", "Everybody comes in"):
        assert nothing not in told, "nobody knows that"
