"""Links to deployments: who makes one, what it opens, and what ends it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, update

from headway.core.access import identities_store, sessions_store, store
from headway.core.access.identities import Identity
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.core.deployments.status import Status
from headway.features.deployments import links
from headway.infra.db.tables.access import api_keys, identities
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.transaction import Tx
from headway.infra.logs.lines import LineReader
from tests.integration.http.serving import eventually
from tests.integration.http.world import World, add_person, client_with, open_world

OVER = "This link is not known, was revoked, or is over. Whoever sent it to you can make another."
DAY = 86_400
T = TypeVar("T")


async def linked(world: World, deployment_id: str, **given: int) -> dict[str, Any]:
    """A new link of the owner's."""
    made: dict[str, Any] = await world.post("deployment.createLink", deploymentId=deployment_id, **given)
    return made


async def opened(world: World, token: str) -> tuple[int, str]:
    """What whoever has a token and no key is answered: the status, and the message of a refusal."""
    answers = [
        await world.nobody.get(f"/deployment.{name}", params={"token": token}) for name in ("shared", "sharedLines")
    ]
    told = {(each.status_code, "" if each.status_code == 200 else each.json()["message"]) for each in answers}
    assert len(told) == 1, told
    return told.pop()


async def kept(world: World) -> list[Any]:
    return await world.services.db.read(lambda tx: list(tx.execute(select(deployment_links)).all()))


async def end(world: World) -> None:
    """The time of every link has come."""
    await world.services.db.run(lambda tx: tx.execute(update(deployment_links).values(ends_at=tx.now)))


async def test_a_link_opens_its_deployment_to_who_has_no_key(world: World) -> None:
    shop = await world.application("shop")
    deployment_id = await world.ended(shop, Status.ERROR)
    world.write_log(deployment_id, "one\n\x1b[31mtwo\x1b[0m\n")
    link = await linked(world, deployment_id)

    shared = (await world.nobody.get("/deployment.shared", params={"token": link["token"]})).json()

    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert shared == {
        **{name: row[name] for name in ("title", "kind", "status", "reason", "errorMessage", "createdAt", "startedAt")},
        **{name: row[name] for name in ("finishedAt", "killRequestedAt", "outOfReachSince", "unstable", "answers")},
        "service": "shop",
        "commit": None,
        "steps": row["steps"],
        "linkEndsAt": link["endsAt"],
    }
    lines = await world.nobody.get("/deployment.sharedLines", params={"token": link["token"]})
    assert lines.json() == await world.get("deployment.lines", deploymentId=deployment_id)
    assert [each["runs"] for each in lines.json()["rows"]] == [[["", "one"]], [["ansi-red", "two"]]]


async def test_no_person_and_nothing_else_of_the_panel_is_told(world: World) -> None:
    shop = await world.application("shop")
    deployment_id = await world.deploy(shop)
    link = await linked(world, deployment_id)
    await world.post("deployment.cancel", deploymentId=deployment_id)

    answer = await world.nobody.get("/deployment.shared", params={"token": link["token"]})

    assert answer.json()["reason"] == "cancelled"
    assert answer.json()["errorMessage"] is None, "who wanted it might be named in it"
    owner = await world.get("user.get")
    for told in (deployment_id, shop, "owner", owner["userId"], owner["organizationId"], "logPath", "bench"):
        assert told not in answer.text, told


async def test_of_a_token_the_digest_alone_is_kept(world: World) -> None:
    link = await linked(world, await world.deploy(await world.application()))
    assert len(link["token"]) >= 43
    with closing(sqlite3.connect(world.platform.data_dir.path / "headway.db")) as database:
        assert link["token"] not in "\n".join(database.iterdump())
    assert link["token"] not in (await world.owner.get("/auditLog.all")).text
    listed = await world.get("deployment.links", deploymentId=link["deploymentId"])
    assert listed == {"allowed": True, "links": [{name: link[name] for name in link if name != "token"}]}


async def test_a_link_ends_at_its_time_by_the_clock_and_is_listed_no_more(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    link = await linked(world, deployment_id, expiresIn=3_600)
    (row,) = await kept(world)
    assert row.ends_at - row.created_at == timedelta(hours=1)
    assert await opened(world, link["token"]) == (200, "")

    await end(world)

    assert await opened(world, link["token"]) == (404, OVER)
    assert (await world.get("deployment.links", deploymentId=deployment_id))["links"] == []
    await linked(world, deployment_id)
    assert len(await kept(world)) == 1, "what has ended goes when another is made"


@pytest.mark.parametrize("seconds", [3_599, 30 * DAY + 1, 0, -1])
async def test_a_link_lasts_an_hour_at_least_and_thirty_days_at_most(world: World, seconds: int) -> None:
    deployment_id = await world.deploy(await world.application())
    given = {"deploymentId": deployment_id, "expiresIn": seconds}
    assert (await world.owner.post("/deployment.createLink", json=given)).status_code == 400
    for fits in (3_600, 30 * DAY):
        await linked(world, deployment_id, expiresIn=fits)


async def test_a_link_that_is_revoked_opens_nothing_whoever_made_it(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    link = await linked(world, deployment_id)
    other = await linked(world, deployment_id)
    await _give_all(world, "member")

    given = {"deploymentId": deployment_id, "linkId": link["linkId"]}
    assert (await world.member.post("/deployment.removeLink", json=given)).json()["open"] is False

    assert await opened(world, link["token"]) == (404, OVER)
    assert await opened(world, other["token"]) == (200, "")
    again = await world.owner.post("/deployment.removeLink", json=given)
    assert (again.status_code, again.json()["message"]) == (404, "Link not found")


async def test_a_link_belongs_to_one_deployment(world: World) -> None:
    shop = await world.application()
    first, second = await world.ended(shop), await world.ended(shop)
    for each in (first, second):
        world.write_log(each, f"of {each}\n")
    link = await linked(world, first)
    given = {"token": link["token"], "deploymentId": second}
    lines = (await world.nobody.get("/deployment.sharedLines", params=given)).json()
    assert lines["rows"][0]["runs"] == [["", f"of {first}"]]
    elsewhere = await world.owner.post(
        "/deployment.removeLink", json={"deploymentId": second, "linkId": link["linkId"]}
    )
    assert elsewhere.status_code == 404
    for name in ("one", "lines", "log", "links"):
        answer = await world.nobody.get(f"/deployment.{name}", params={"deploymentId": first, "token": link["token"]})
        assert answer.status_code == 401, name
    async with client_with(world.app, link["token"]) as as_a_key:
        assert (await as_a_key.get("/deployment.one", params={"deploymentId": first})).status_code == 401


async def test_nothing_is_changed_by_a_link(world: World) -> None:
    link = await linked(world, await world.deploy(await world.application()))
    for name in ("shared", "sharedLines", "followSharedLines"):
        answer = await world.nobody.post(f"/deployment.{name}", json={"token": link["token"]})
        assert answer.status_code == 404, name


async def test_whether_a_token_was_ever_good_is_not_told(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    over, revoked, stays = [await linked(world, deployment_id) for _ in range(3)]
    gone = await linked(world, await world.ended(await world.application()))
    await world.post("deployment.removeDeployment", deploymentId=gone["deploymentId"])
    await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=revoked["linkId"])
    await end(world)
    answers = {
        (answer.status_code, answer.content, tuple(name for name, _ in answer.headers.items()))
        for token in ("x" * 43, over["token"], revoked["token"], gone["token"], stays["token"][:-1], "é ' --")
        for answer in [await world.nobody.get("/deployment.shared", params={"token": token})]
    }
    assert len(answers) == 1


async def test_a_link_is_gone_with_its_deployment(world: World) -> None:
    link = await linked(world, await world.ended(await world.application()))
    await world.post("deployment.removeDeployment", deploymentId=link["deploymentId"])
    assert await kept(world) == []


async def _ada(world: World, terms: Terms | None = None) -> tuple[str, str, str, str]:
    """A member who was given everything: user, membership, another key than the first, and that key's id."""
    organization_id = (await world.get("user.get"))["organizationId"]
    user_id, member_id = await world.services.db.run(lambda tx: add_person(tx, "ada", organization_id, Role.MEMBER))
    await _give_all(world, "ada")
    key = "a-key-of-ada".ljust(64, "-")

    def add(tx: Tx) -> str:
        where = {"user_id": user_id, "organization_id": organization_id}
        return store.add_key(tx, key, name="second", terms=terms or Terms(), **where)

    return user_id, member_id, key, await world.services.db.run(add)


async def _give_all(world: World, name: str) -> None:
    member_id = next(each["userId"] for each in await world.get("user.all") if each["user"]["name"] == name)
    project_ids = [each["projectId"] for each in await world.get("project.all")]
    await world.post("user.assignPermissions", id=member_id, accessedProjects=project_ids)


async def _takes_the_grant(world: World, _user_id: str, member_id: str, _key_id: str) -> None:
    await world.services.db.run(lambda tx: store.give(tx, member_id, Grants()))


async def _removes_the_member(world: World, user_id: str, _member_id: str, _key_id: str) -> None:
    await world.post("user.remove", userId=user_id)


async def _removes_the_key(world: World, _user_id: str, _member_id: str, key_id: str) -> None:
    await world.post("user.deleteApiKey", apiKeyId=key_id)


async def _disables_the_key(world: World, _user_id: str, _member_id: str, key_id: str) -> None:
    await world.services.db.run(
        lambda tx: tx.execute(update(api_keys).where(api_keys.c.api_key_id == key_id).values(disabled_at=tx.now))
    )


async def _narrows_the_key(world: World, _user_id: str, _member_id: str, key_id: str) -> None:
    await world.services.db.run(
        lambda tx: tx.execute(update(api_keys).where(api_keys.c.api_key_id == key_id).values(projects=["elsewhere"]))
    )


async def _is_long_away_at_the_provider(world: World, user_id: str, _member_id: str, _key_id: str) -> None:
    known = Identity(issuer="https://id.example", subject="ada", name="ada", email=None, groups=frozenset())
    await world.services.db.run(lambda tx: identities_store.add(tx, user_id, known))
    long_ago = await world.services.db.read(lambda tx: tx.now - timedelta(days=31))
    await world.services.db.run(lambda tx: tx.execute(update(identities).values(signed_in_at=long_ago)))


ENDS: list[Callable[[World, str, str, str], Awaitable[None]]] = [
    _takes_the_grant,
    _removes_the_member,
    _removes_the_key,
    _disables_the_key,
    _narrows_the_key,
    _is_long_away_at_the_provider,
]


@pytest.mark.parametrize("ends", ENDS, ids=[each.__name__.strip("_") for each in ENDS])
async def test_a_link_is_as_good_as_its_makers_own_right_to_read(
    world: World, ends: Callable[[World, str, str, str], Awaitable[None]]
) -> None:
    deployment_id = await world.ended(await world.application())
    user_id, member_id, key, key_id = await _ada(world)
    async with client_with(world.app, key) as ada:
        made = (await ada.post("/deployment.createLink", json={"deploymentId": deployment_id})).json()
    assert made["madeBy"] == "ada"
    assert await opened(world, made["token"]) == (200, "")

    await ends(world, user_id, member_id, key_id)

    assert await opened(world, made["token"]) == (404, OVER)
    listed = (await world.get("deployment.links", deploymentId=deployment_id))["links"]
    assert [each["open"] for each in listed] in ([False], []), "it may be revoked, or is gone"


async def test_who_was_removed_and_comes_back_brings_no_link_along(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    user_id, _, _, _ = await _ada(world)
    organization_id = (await world.get("user.get"))["organizationId"]
    async with client_with(world.app, "ada".ljust(64, "-")) as ada:
        own = (await ada.post("/deployment.createLink", json={"deploymentId": deployment_id})).json()
    owners = await linked(world, deployment_id)

    def by_session(tx: Tx) -> None:
        mine = deployment_links.c.link_id == own["linkId"]
        tx.execute(update(deployment_links).where(mine).values(api_key_id=None))
        others = store.add_organization(tx, "Where ada is as well")
        store.add_member(tx, others, user_id, Role.MEMBER)

    await world.services.db.run(by_session)
    assert await opened(world, own["token"]) == (200, "")

    await world.post("user.remove", userId=user_id)
    await world.services.db.run(lambda tx: store.add_member(tx, organization_id, user_id, Role.ADMIN))

    assert await opened(world, own["token"]) == (404, OVER)
    assert [row.link_id for row in await kept(world)] == [owners["linkId"]]


async def test_a_link_ends_no_later_than_the_key_that_made_it(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    ends_at = await world.services.db.read(lambda tx: tx.now + timedelta(minutes=5))
    _, _, key, _ = await _ada(world, Terms(scopes=frozenset({Scope.READ}), expires_at=ends_at))
    async with client_with(world.app, key) as ada:
        answer = await ada.post("/deployment.createLink", json={"deploymentId": deployment_id})
    assert answer.status_code == 200, answer.text
    (row,) = await kept(world)
    assert abs((row.ends_at - ends_at).total_seconds()) < 0.001


async def test_there_are_so_many_links_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await world.application()
    first, second = await world.ended(shop), await world.ended(shop)
    for _ in range(10):
        await linked(world, first)
    answer = await world.owner.post("/deployment.createLink", json={"deploymentId": first})
    assert (answer.status_code, "to this deployment" in answer.json()["message"]) == (409, True)
    monkeypatch.setattr(links, "MOST_OF_ORGANIZATION", 11)
    await linked(world, second)
    answer = await world.owner.post("/deployment.createLink", json={"deploymentId": second})
    assert (answer.status_code, "of your organisation" in answer.json()["message"]) == (409, True)
    await end(world)
    await linked(world, first)


async def test_who_tries_links_that_are_none_is_looked_at_no_more_for_a_minute(world: World) -> None:
    link = await linked(world, await world.ended(await world.application()))
    for number in range(30):
        answer = await world.nobody.get("/deployment.shared", params={"token": f"no-such-token-{number}"})
        assert answer.status_code == 404, "each is looked at"
    for token in ("another", link["token"]):
        answer = await world.nobody.get("/deployment.shared", params={"token": token})
        assert answer.status_code == 429, "also for one that is good: nothing is told by it"
        assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_few_logs_are_counted_at_a_time_for_who_has_no_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "one\n")
    tokens = [(await linked(world, deployment_id))["token"] for _ in range(6)]
    reading, let = Counter[str](), asyncio.Event()

    async def held(name: str, answer: Callable[[], Awaitable[T]]) -> T:
        reading[name] += 1
        await let.wait()
        return await answer()

    read, place = LineReader.read, LineReader.place
    monkeypatch.setattr(LineReader, "read", lambda *given, **of: held("lines", lambda: read(*given, **of)))
    monkeypatch.setattr(LineReader, "place", lambda *given, **of: held("follow", lambda: place(*given, **of)))

    async def ask(name: str, token: str) -> int:
        return (await world.nobody.get(f"/deployment.{name}", params={"token": token})).status_code

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask("sharedLines", tokens[0])) for _ in range(2)]
        await eventually(lambda: reading["lines"] == 2)
        asked += [group.create_task(ask("followSharedLines", token)) for token in tokens for _ in range(2)]
        await eventually(lambda: reading["follow"] == 6)
        await asyncio.sleep(0.2)
        assert reading == {"lines": 2, "follow": 6}
        let.set()
    assert {each.result() for each in asked} == {200}


async def test_a_panel_may_make_no_links(tmp_path: Path, sqlite_template: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_DEPLOYMENT_LINKS="no") as world:
        service = world.platform.features.deployments.links
        assert not service.are_allowed
        service.are_allowed = True  # as it was once
        deployment_id = await world.ended(await world.application())
        link = await linked(world, deployment_id)
        service.are_allowed = False
        assert await opened(world, link["token"]) == (404, OVER)
        answer = await world.owner.post("/deployment.createLink", json={"deploymentId": deployment_id})
        assert (answer.status_code, "HEADWAY_DEPLOYMENT_LINKS" in answer.json()["message"]) == (403, True)
        listed = await world.get("deployment.links", deploymentId=deployment_id)
        assert (listed["allowed"], [each["open"] for each in listed["links"]]) == (False, [False])
        await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=link["linkId"])


async def test_a_panel_that_was_restored_opens_by_no_link_of_before(world: World) -> None:
    """One that was revoked since the copy was made would be good again."""
    link = await linked(world, await world.ended(await world.application()))
    await world.services.db.run(sessions_store.forget_all)
    assert await opened(world, link["token"]) == (404, OVER)


async def test_who_may_not_see_a_deployment_makes_no_link_and_sees_none(world: World) -> None:
    link = await linked(world, await world.ended(await world.application()))
    of_it = {"deploymentId": link["deploymentId"]}
    for client in (world.member, world.stranger):
        answers = [
            await client.post("/deployment.createLink", json=of_it),
            await client.get("/deployment.links", params=of_it),
            await client.post("/deployment.removeLink", json={**of_it, "linkId": link["linkId"]}),
        ]
        assert [each.status_code for each in answers] == [404] * 3
    assert len(await kept(world)) == 1
