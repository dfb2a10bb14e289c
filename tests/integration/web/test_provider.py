"""Signing in by a real provider of OpenID Connect: what its groups make of somebody, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select, update

from headway.core.access import links, store
from headway.infra.db.tables.access import identities, members, sessions, users
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from tests.e2e.npm_clients import installed
from tests.integration.http.world import World, client_with, open_world
from tests.integration.web.browsers import (
    COOKIE,
    ORIGIN,
    OWN,
    PASSWORD,
    browser,
    form_token_of,
    link_for,
    send,
    signed_in,
)
from tests.integration.web.test_account import let_pass
from tests.support.panel.openid import PACKAGES, RunningProvider, provider, signed_in_there

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

BACK = f"{ORIGIN}/sign-in/provider/callback"


@pytest.fixture(scope="module")
def packages(request: pytest.FixtureRequest) -> Path:
    assert request.config.cache is not None
    return installed(request.config.cache, "openid-provider", PACKAGES)


@pytest.fixture
def openid(packages: Path, tmp_path: Path) -> Iterator[RunningProvider]:
    with provider(packages, tmp_path, BACK) as running:
        yield running


@asynccontextmanager
async def world_of(folder: Path, template: Path, **env: str) -> AsyncIterator[World]:
    data = folder / "data"
    data.mkdir()
    shutil.copyfile(template, data / "headway.db")
    async with open_world(data, **env) as opened:
        yield opened


@pytest.fixture
async def world(openid: RunningProvider, tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    async with world_of(tmp_path, sqlite_template, **openid.settings()) as opened:
        yield opened


async def lets_in(world: World, group: str, role: str, *projects: str) -> str:
    made = await world.post("organization.setGroupRule", name=group, role=role, projects=list(projects))
    return str(made["groupRuleId"])


async def come(client: httpx.AsyncClient, person: str, then: str = "/account") -> httpx.Response:
    """Goes to the provider, signs in there as somebody, and comes back."""
    sent = await client.get("/sign-in/provider", params={"next": then})
    assert sent.status_code == 303, sent.text
    return await client.get(signed_in_there(sent.headers["location"], person))


async def me(client: httpx.AsyncClient) -> dict[str, object]:
    found = await client.get("/api/user.get", headers={"sec-fetch-site": "same-origin"})
    assert found.status_code == 200, found.text
    row: dict[str, object] = found.json()
    return row


async def test_a_group_lets_somebody_in_and_each_sign_in_sets_anew_what_they_are(
    world: World, openid: RunningProvider
) -> None:
    shop, other = [(await world.post("project.create", name=each))["project"]["projectId"] for each in "ab"]
    await lets_in(world, "ops", "admin")
    await lets_in(world, "shop", "member", shop)
    await lets_in(world, "more", "member", other)
    openid.knows("ada", "ops", "of no concern", email="ada@example.org", email_verified=True)
    async with browser(world) as client:
        door = (await client.get("/sign-in?next=/account")).text
        assert ("/sign-in/provider?next=" in door, "Single sign-on" in door) == (True, True)
        back = await come(client, "ada")
        assert (back.status_code, back.headers["location"]) == (303, "/account"), back.text
        first = await me(client)
        assert first["role"] == "admin"
        account = (await client.get("/account")).text
        assert ("Ada of the provider" in account, "your password is there" in account) == (True, True)
        openid.knows("ada", "shop", "more")
        await come(client, "ada")
        then = await me(client)
        assert (then["userId"], then["role"]) == (first["userId"], "member")
        assert then["accessedProjects"] == sorted([shop, other])
        openid.knows("ada", "shop", "ops")
        await come(client, "ada")
        assert (await me(client))["role"] == "admin", "the highest of several"
    rows = await world.get("auditLog.all", userId=first["userId"])
    told = [(each["procedure"], each["metadata"].get("role")) for each in reversed(rows["logs"])]
    assert told == [
        *(("member.setByGroups", "admin"), ("session.signIn", None)),
        *(("member.setByGroups", "member"), ("session.signIn", None)),
        *(("member.setByGroups", "admin"), ("session.signIn", None)),
    ]


async def test_no_other_organisation_makes_members_of_whoever_is_in_a_likely_group(
    world: World, openid: RunningProvider
) -> None:
    await lets_in(world, "employees", "member")
    await world.stranger.post("/organization.setGroupRule", json={"name": "employees", "role": "member"})
    openid.knows("ada", "employees", email="ada@example.org", email_verified=True)
    async with browser(world) as client:
        assert (await come(client, "ada")).status_code == 303
        assert (await me(client))["organizationId"] == (await world.get("user.get"))["organizationId"]
    theirs = (await world.stranger.get("/user.all")).json()
    assert [each["user"]["name"] for each in theirs] == ["stranger"]


async def test_who_is_in_no_group_any_more_loses_all_of_it(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "admin")
    openid.knows("ada", "ops")
    async with browser(world) as client, browser(world) as other:
        await come(client, "ada")
        made = await send(client, "/keys/create", name="hers", **{"scopes.read": "true"})
        key = made.text.partition('id="once-value"')[2].partition('value="')[2].partition('"')[0]
        async with client_with(world.app, key) as program:
            assert (await program.get("/project.all")).status_code == 200
            openid.knows("ada", "of no concern")
            refused = await come(other, "ada")
            assert (refused.status_code, "none of your groups" in refused.text) == (401, True)
            assert COOKIE not in other.cookies
            assert (await client.get("/account")).status_code == 303, "her sessions have ended"
            assert (await program.get("/project.all")).status_code == 401
    left = await world.services.db.read(lambda tx: tx.execute(select(identities)).all())
    assert left == [], "a person who is nowhere is none"
    openid.knows("ada", "ops")
    async with browser(world) as client:
        assert (await come(client, "ada")).status_code == 303


async def test_a_mail_address_is_nobody(world: World, openid: RunningProvider) -> None:
    owner = (await world.get("user.get"))["userId"]
    mail = "owner@example.org"
    await world.services.db.run(lambda tx: tx.execute(update(users).where(users.c.user_id == owner).values(email=mail)))
    await lets_in(world, "ops", "member")
    openid.knows("eve", "ops", email=mail, email_verified=True)
    async with browser(world) as client:
        await come(client, "eve")
        found = await me(client)
        assert (found["userId"] == owner, found["role"]) == (False, "member")


async def test_a_local_owner_always_stays(world: World, openid: RunningProvider) -> None:
    owner = await world.get("user.get")
    await lets_in(world, "bosses", "owner")
    openid.knows("ada", "bosses")
    async with browser(world) as client:
        await come(client, "ada")
        assert (await me(client))["role"] == "owner"
        removed = await send(client, f"/members/users/{owner['userId']}/remove")
        assert (removed.status_code, "last owner" in removed.text) == (409, True)
        lessened = await send(client, f"/members/users/{owner['userId']}/role", role="member")
        assert (lessened.status_code, "last owner" in lessened.text) == (409, True)
        hers = await me(client)
        made = await client.post("/api/organization.create", json={"name": "Hers"}, headers=OWN)
        assert (made.status_code, "a password here" in made.text) == (409, True)
    assert (await world.get("user.get"))["role"] == "owner"
    async with signed_in(world) as client:
        page = (await client.get(f"/members/users/{hers['userId']}")).text
        assert ("by their groups" in page, "/remove" in page, "/role" in page) == (True, True, False)
    with pytest.raises(Conflict, match="would outlive it"):
        await world.services.db.run(lambda tx: links.for_person(tx, str(hers["userId"]), second_factor=False))
    await world.services.db.run(_as_if_they_were_first)
    assert await world.services.db.read(store.first_owner) == (owner["userId"], owner["organizationId"])
    for refused in (
        await world.owner.post("/organization.updateMemberRole", json={"memberId": hers["id"], "role": "member"}),
        await world.owner.post("/user.assignPermissions", json={"id": hers["userId"], "accessedProjects": []}),
    ):
        assert (refused.status_code, "by their groups" in refused.text) == (409, True)
    assert (await world.owner.post("/user.remove", json={"userId": hers["userId"]})).status_code == 200


def _as_if_they_were_first(tx: Tx) -> None:
    """Whom groups have let in came before those whom nobody's groups have."""
    of_groups = update(members).where(members.c.by_groups.is_(True))
    tx.execute(of_groups.values(created_at=tx.now - timedelta(days=9)))


async def test_what_comes_back_is_for_who_was_sent_and_once(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "member")
    openid.knows("ada", "ops")
    async with browser(world) as client, browser(world) as other:
        sent = await client.get("/sign-in/provider")
        back = signed_in_there(sent.headers["location"], "ada")
        for who, address in (
            (other, back),  # whoever was not sent
            (client, back.replace("state=", "state=x")),  # which ends the journey
            (client, back),
        ):
            refused = await who.get(address)
            assert (refused.status_code, "Begin again" in refused.text) == (401, True), address
        sent = await client.get("/sign-in/provider")
        back = signed_in_there(sent.headers["location"], "ada")
        assert (await client.get(back)).status_code == 303
        assert (await client.get(back)).status_code == 401
        sent = await client.get("/sign-in/provider")
        state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
        for query in (
            {"state": state, "error": "access_denied"},
            {"state": state, "code": "guessed"},
        ):
            told = await client.get("/sign-in/provider/callback", params=query)
            assert told.status_code == 401
        for issuer in (openid.issuer, "https://evil.example", None):  # which this provider tells always
            sent = await client.get("/sign-in/provider")
            led = httpx.URL(signed_in_there(sent.headers["location"], "ada"))
            led = led.copy_remove_param("iss") if issuer is None else led.copy_set_param("iss", issuer)
            assert (await client.get(led)).status_code == (303 if issuer == openid.issuer else 401), issuer
        assert (await client.post("/sign-in/provider", headers={"origin": ORIGIN})).status_code == 404


async def test_nobody_is_led_away_by_it(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "member")
    openid.knows("ada", "ops")
    async with browser(world) as client:
        for then in ("//evil.example", "https://evil.example/x", "/\\evil.example"):
            back = await come(client, "ada", then)
            assert back.headers["location"] == "/"


async def test_while_the_provider_is_away_the_local_owner_signs_in(world: World, openid: RunningProvider) -> None:
    async with signed_in(world):
        pass
    openid.stop()
    async with browser(world) as client:
        away = await client.get("/sign-in/provider")
        assert (away.status_code, "does not answer" in away.text, "<form" in away.text) == (503, True, True)
        come_in = await send(client, "/sign-in", name="Owner", password=PASSWORD)
        assert come_in.status_code == 303


async def test_the_wrong_audience_or_secret_lets_nobody_in(
    openid: RunningProvider, tmp_path: Path, sqlite_template: Path
) -> None:
    openid.knows("ada", "ops")
    wrong = openid.settings(HEADWAY_OIDC_CLIENT_SECRET="another")
    async with world_of(tmp_path, sqlite_template, **wrong) as world, browser(world) as client:
        await lets_in(world, "ops", "member")
        refused = await come(client, "ada")
        assert (refused.status_code, "lets nobody in" in refused.text) == (401, True)
        assert "another" not in refused.text


@pytest.mark.parametrize(
    "client",
    [
        {"inToken": True},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"id_token_signed_response_alg": "PS256"},
        {"id_token_signed_response_alg": "ES256"},
    ],
    ids=["groups in the token", "secret in the form", "another algorithm", "another key"],
)
async def test_providers_tell_it_in_more_than_one_way(
    packages: Path, tmp_path: Path, sqlite_template: Path, client: dict[str, object]
) -> None:
    secret = tmp_path / "secret"
    with provider(packages, tmp_path, BACK, **client) as running:
        settings = running.settings(HEADWAY_OIDC_CLIENT_SECRET_FILE=str(secret))
        secret.write_text(settings.pop("HEADWAY_OIDC_CLIENT_SECRET") + "\n")
        running.knows("ada", "ops")
        async with world_of(tmp_path, sqlite_template, **settings) as world, browser(world) as visitor:
            await lets_in(world, "ops", "member")
            assert (await come(visitor, "ada")).status_code == 303


async def test_who_has_no_password_confirms_with_the_provider(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "owner")
    openid.knows("ada", "ops")
    openid.knows("eve", "ops")
    async with browser(world) as client:
        await come(client, "ada")
        await let_pass(world)
        question = await client.get("/keys/create")
        address = "/sign-in/provider/confirm?next=/keys/create"
        assert ('name="confirm"' in question.text, address in question.text) == (False, True)
        sent = await client.get(address)
        asked = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
        wrong = await client.get(signed_in_there(sent.headers["location"], "eve"))
        assert (wrong.status_code, "somebody else" in wrong.text) == (401, True)
        log = await world.get("auditLog.all", userId=(await me(client))["userId"])
        assert log["logs"][0]["procedure"] == "session.confirmFailed"
        assert address in (await client.get("/keys/create")).text
        sent = await client.get(address)
        back = await client.get(signed_in_there(sent.headers["location"], "ada"))
        assert (back.status_code, back.headers["location"]) == (303, "/keys/create")
        assert address not in (await client.get("/keys/create")).text
        typed = {"form_token": await form_token_of(client), "password": PASSWORD, "again": PASSWORD}
        for path in ("/account/password", "/account/second-factor"):
            made = await client.post(path, data=typed, headers={"origin": ORIGIN})
            assert (made.status_code, "changed there" in made.text) == (409, True), path
        given = {"origin": "http://localhost:3000"}
        begun = await client.post("/api/account.beginPasskey", json=given, headers=OWN)
        assert (begun.status_code, "changed there" in begun.text) == (409, True)


async def test_who_confirms_is_what_their_groups_say_by_then(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "owner")
    await lets_in(world, "shop", "member")
    openid.knows("ada", "ops")
    async with browser(world) as client:
        await come(client, "ada")
        for groups, role in ((("shop",), "member"), (("of no concern",), None)):
            await let_pass(world)
            sent = await client.get("/sign-in/provider/confirm?next=/account")
            openid.knows("ada", *groups)
            back = await client.get(signed_in_there(sent.headers["location"], "ada"))
            assert back.status_code == (401 if role is None else 303)
            account = await client.get("/account")
            assert account.status_code == (303 if role is None else 200)
            if role is not None:
                assert (await me(client))["role"] == role


async def test_a_session_ends_after_hours_and_keys_with_a_long_absence(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "admin")
    openid.knows("ada", "ops")
    async with browser(world) as client:
        await come(client, "ada")
        made = await send(client, "/keys/create", name="hers", **{"scopes.read": "true"})
        key = made.text.partition('id="once-value"')[2].partition('value="')[2].partition('"')[0]
        (lasting,) = await world.services.db.read(
            lambda tx: [row.expires_at - row.created_at for row in tx.execute(select(sessions))]
        )
        assert lasting == timedelta(hours=12)

        async with client_with(world.app, key) as program:
            assert (await program.get("/project.all")).status_code == 200
            await world.services.db.run(
                lambda tx: tx.execute(update(identities).values(signed_in_at=tx.now - timedelta(days=31)))
            )
            world.services.access.forget()
            assert (await program.get("/project.all")).status_code == 401
            await come(client, "ada")
            world.services.access.forget()
            assert (await program.get("/project.all")).status_code == 200
            await world.services.db.run(_as_if_by_hand_and_away)
            world.services.access.forget()
            assert (await program.get("/project.all")).status_code == 401, "however they are a member"


def _as_if_by_hand_and_away(tx: Tx) -> None:
    tx.execute(update(members).where(members.c.by_groups.is_(True)).values(by_groups=False))
    tx.execute(update(identities).values(signed_in_at=tx.now - timedelta(days=31)))


async def test_what_was_given_by_hand_is_left_alone(world: World, openid: RunningProvider) -> None:
    await lets_in(world, "ops", "member")
    openid.knows("ada", "ops")
    async with browser(world) as client:
        await come(client, "ada")
        await world.services.db.run(
            lambda tx: tx.execute(update(members).where(members.c.by_groups.is_(True)).values(by_groups=False))
        )
        await lets_in(world, "bosses", "owner")
        for groups in ((), ("bosses",)):
            openid.knows("ada", *groups)
            assert (await come(client, "ada")).status_code == 303
            assert (await me(client))["role"] == "member", groups


async def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path, sqlite_template: Path) -> None:
    async with world_of(tmp_path, sqlite_template) as world, browser(world) as client:
        assert "/sign-in/provider" not in (await client.get("/sign-in")).text
        for path in ("/sign-in/provider", "/sign-in/provider/callback?state=x&code=y"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get(await link_for(world, "Owner"))).status_code == 200
