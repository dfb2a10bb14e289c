"""``redirects.*``, ``security.*`` and an application's own Traefik configuration: what is kept and given back."""

from __future__ import annotations

import bcrypt
import pytest
from sqlalchemy import select

from headway.infra.db.tables.edge import logins
from tests.integration.http.world import Json, World

REDIRECT = {"regex": "^http://a/(.*)", "replacement": "https://b/${1}", "permanent": True}


async def kept(world: World, application_id: str, what: str) -> list[Json]:
    """What stands before an application."""
    found: list[Json] = (await world.get("application.one", applicationId=application_id))[what]
    return found


async def test_a_redirect_is_kept_changed_and_removed(world: World) -> None:
    application_id = await world.application()
    assert await world.post("redirects.create", applicationId=application_id, **REDIRECT) is True
    (made,) = await kept(world, application_id, "redirects")
    assert REDIRECT.items() <= made.items()
    assert await world.get("redirects.one", redirectId=made["redirectId"]) == made
    changed = await world.post("redirects.update", redirectId=made["redirectId"], **{**REDIRECT, "permanent": False})
    assert changed == {**made, "permanent": False}
    assert await world.post("redirects.delete", redirectId=made["redirectId"]) == changed
    assert await kept(world, application_id, "redirects") == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"regex": "("}, "missing closing"),
        ({"replacement": "{{ env }}"}, "opening braces"),
        ({"regex": "a\nb"}, "printable"),
        ({"regex": "x" * 3_000}, "2048 characters"),
    ],
)
async def test_a_redirect_that_cannot_be_is_refused(world: World, change: dict[str, str], why: str) -> None:
    application_id = await world.application()
    body = {"applicationId": application_id, **REDIRECT, **change}
    refused = await world.owner.post("/redirects.create", json=body)
    assert (refused.status_code, why in refused.json()["message"]) == (400, True), refused.text
    assert await kept(world, application_id, "redirects") == []


async def test_a_password_is_kept_as_a_sealed_hash_and_never_given_back(world: World) -> None:
    application_id = await world.application()
    given = {"username": "me", "password": "first of many"}
    assert await world.post("security.create", applicationId=application_id, **given) is True
    (made,) = await kept(world, application_id, "security")
    assert (made.keys(), made["password"]) == ({"securityId", "applicationId", "username", "password", "createdAt"}, "")
    changed = await world.post("security.update", securityId=made["securityId"], username="you", password="second")
    assert changed == {**made, "username": "you"}
    (row,) = await world.services.db.read(lambda tx: tx.execute(select(logins)).all())
    assert "$2b$" not in row.hash
    opened = world.platform.data_dir.vault.open(row.hash)
    assert bcrypt.checkpw(b"second", opened.encode())
    assert await world.post("security.delete", securityId=made["securityId"]) == changed
    assert await kept(world, application_id, "security") == []


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ({"username": "me", "password": "again"}, 409, "named 'me' already"),
        ({"username": "a:b", "password": "x"}, 400, "no colon"),
        ({"username": "a\nb", "password": "x"}, 400, "printable"),
        ({"username": "a", "password": "é" * 37}, 400, "72 bytes"),
    ],
)
async def test_a_login_that_cannot_be_is_refused(world: World, given: dict[str, str], status: int, why: str) -> None:
    application_id = await world.application()
    await world.post("security.create", applicationId=application_id, username="me", password="x")
    refused = await world.owner.post("/security.create", json={"applicationId": application_id, **given})
    assert (refused.status_code, why in refused.json()["message"]) == (status, True), refused.text
    assert len(await kept(world, application_id, "security")) == 1


async def test_what_ones_own_configuration_names_stays(world: World) -> None:
    application_id = await world.application("shop")
    await world.post("redirects.create", applicationId=application_id, **REDIRECT)
    shop = (await world.get("application.one", applicationId=application_id))["appName"]
    router = f"{{rule: 'Path(`/x`)', service: {shop}, entryPoints: [web], middlewares: [{shop}.redirect.1]}}"
    text = f"http: {{routers: {{{shop}.x: {router}}}}}"
    assert await world.post("application.updateTraefikConfig", applicationId=application_id, traefikConfig=text) is True
    (made,) = await kept(world, application_id, "redirects")
    refused = await world.owner.post("/redirects.delete", json={"redirectId": made["redirectId"]})
    assert (refused.status_code, f"{shop}.redirect.1" in refused.json()["message"]) == (409, True)
    assert await kept(world, application_id, "redirects") == [made]
    await world.post("application.updateTraefikConfig", applicationId=application_id, traefikConfig="")
    await world.post("redirects.delete", redirectId=made["redirectId"])


async def test_an_application_without_a_route_has_no_configuration_to_read(world: World) -> None:
    assert await world.get("application.readTraefikConfig", applicationId=await world.application()) is None
