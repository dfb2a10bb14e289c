"""``domain.*``: what is kept, what is given back, and whose a name is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.world import REPOSITORY, World


async def test_an_application_has_the_name_that_headway_gives(world: World) -> None:
    application_id = await world.application("shop")
    (given,) = await world.get("domain.byApplicationId", applicationId=application_id)
    assert (given["host"], given["generated"], given["domainId"]) == ("shop.localhost", True, application_id)
    assert await world.get("domain.one", domainId=application_id) == given
    assert (given.pop("issued"), given.pop("look")) == (None, None)
    assert (await world.get("application.one", applicationId=application_id))["domains"] == [given]
    for procedure, more in (("delete", {}), ("toggleEnable", {}), ("update", {"host": "x.example"})):
        answer = await world.owner.post(f"/domain.{procedure}", json={"domainId": application_id, **more})
        assert answer.status_code == 409
        assert "stays as long as the application does" in answer.json()["message"]


async def test_a_domain_is_given_back_as_it_was_sent_and_what_is_not_sent_stays(world: World) -> None:
    application_id = await world.application()
    sent = {
        "host": "www.example.org",
        "path": "/shop",
        "internalPath": "/v1",
        "stripPath": True,
        "port": 3000,
        "serviceName": "web",
        "certificateType": "none",
        "customEntrypoint": "web",
    }
    made = await world.post("domain.create", applicationId=application_id, domainType="application", **sent)
    assert sent.items() <= made.items()
    assert (made["applicationId"], made["composeId"], made["enabled"], made["https"]) == (
        application_id,
        None,
        True,
        False,
    )
    changed = await world.post("domain.update", domainId=made["domainId"], host="www.example.org", stripPath=False)
    assert changed == {**made, "stripPath": False}
    cleared = await world.post("domain.update", domainId=made["domainId"], host="b.example", path=None, port=None)
    assert (cleared["host"], cleared["path"], cleared["port"]) == ("b.example", "/", None)
    off = await world.post("domain.toggleEnable", domainId=made["domainId"])
    assert off["enabled"] is False
    assert await world.get("domain.one", domainId=made["domainId"]) == off
    assert await world.post("domain.delete", domainId=made["domainId"]) == off
    missing = await world.owner.get("/domain.one", params={"domainId": made["domainId"]})
    assert (missing.status_code, missing.json()["message"]) == (404, "Domain not found")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"host": "*.example"}, "stands for many names"),
        ({"host": "10.0.0.1"}, "IP address"),
        ({"host": "a.example", "path": "/a b"}, "no path"),
        ({"host": "a.example", "https": True}, "HEADWAY_HTTPS_PORT"),
        ({"host": "a.example", "customEntrypoint": "traefik"}, "no entry point"),
        ({"host": "a.example", "customCertResolver": "mine"}, "no certificate resolver"),
        ({"host": "a.example", "middlewares": ["auth@file"]}, "no middlewares"),
        ({"host": "a.example", "forwardAuthEnabled": True}, "no forward authentication"),
    ],
)
async def test_what_the_edge_cannot_do_is_refused_and_not_kept(world: World, sent: dict[str, Any], why: str) -> None:
    application_id = await world.application()
    refused = await world.owner.post("/domain.create", json={"applicationId": application_id, **sent})
    assert (refused.status_code, why in refused.json()["message"]) == (400, True), refused.text
    assert len(await world.get("domain.byApplicationId", applicationId=application_id)) == 1


@pytest.mark.parametrize("host", ["www.example.org", "WWW.EXAMPLE.ORG.", "other.localhost"])
async def test_a_name_that_is_taken_is_refused_with_a_sentence(world: World, host: str) -> None:
    other = await world.application("other")
    mine = await world.application("mine")
    await world.post("domain.create", applicationId=other, host="www.example.org")
    for path in ("/", "") if host != "other.localhost" else ("/", "/part"):
        refused = await world.owner.post("/domain.create", json={"applicationId": mine, "host": host, "path": path})
        assert (refused.status_code, "is taken already" in refused.json()["message"]) == (409, True)


async def test_a_host_may_be_shared_by_path_within_an_organisation_only(world: World) -> None:
    one, other = await world.application("one"), await world.application("other")
    await world.post("domain.create", applicationId=one, host="www.example.org")
    await world.post("domain.create", applicationId=other, host="www.example.org", path="/other")
    made = await world.stranger.post("/project.create", json={"name": "theirs"})
    where = {"environmentId": made.json()["environment"]["environmentId"], "customGitUrl": REPOSITORY}
    theirs = (await world.stranger.post("/application.create", json={"name": "theirs", **where})).json()
    sent = {"applicationId": theirs["applicationId"], "host": "www.example.org", "path": "/theirs"}
    refused = await world.stranger.post("/domain.create", json=sent)
    assert (refused.status_code, refused.json()["message"]) == (
        409,
        "www.example.org/theirs is taken already; choose another name or path.",
    )


async def test_a_new_application_does_not_get_the_name_that_a_domain_has(world: World) -> None:
    application_id = await world.application("one")
    await world.post("domain.create", applicationId=application_id, host="two.localhost")
    two = await world.get("application.one", applicationId=await world.application("two"))
    assert two["domains"][0]["host"] == f"{two['appName']}.localhost"


async def test_a_domain_in_place_of_the_given_name_replaces_it(world: World) -> None:
    application_id = await world.application("shop")
    made = await world.post("domain.create", applicationId=application_id, host="shop.localhost")
    assert await world.get("domain.byApplicationId", applicationId=application_id) == [made]
    await world.post("domain.toggleEnable", domainId=made["domainId"])
    found = await world.get("domain.byApplicationId", applicationId=application_id)
    assert [(each["generated"], each["enabled"]) for each in found] == [(True, True), (False, False)]


async def test_names_are_free_again_when_the_application_is_gone(world: World) -> None:
    for _ in range(2):
        application_id = await world.application("shop")
        await world.post("domain.create", applicationId=application_id, host="www.example.org")
        await world.post("application.delete", applicationId=application_id)


async def test_a_generated_host_is_free_and_below_the_base_domain(world: World) -> None:
    host = await world.post("domain.generateDomain", appName="My Shop")
    assert host.startswith("my-shop-")
    assert host.endswith(".localhost")
    await world.post("domain.create", applicationId=await world.application(), host=host)
    assert await world.get("domain.canGenerateTraefikMeDomains", serverId="") == ""


async def test_the_dns_is_asked_what_it_knows(world: World) -> None:
    known = await world.post("domain.validateDomain", domain="localhost")
    assert (known["isValid"], known["isThisMachine"], known["error"]) == (True, True, None)
    unknown = await world.post("domain.validateDomain", domain="nowhere.invalid")
    assert (unknown["isValid"], unknown["resolvedIp"]) == (False, None)
    assert "nowhere.invalid" in unknown["error"]


@pytest.mark.parametrize("sent", [{}, {"applicationId": "a", "composeId": "b"}])
async def test_a_domain_leads_to_one_service(world: World, sent: dict[str, str]) -> None:
    refused = await world.owner.post("/domain.create", json={"host": "a.example", **sent})
    assert (refused.status_code, "one of them" in refused.json()["message"]) == (400, True)


@pytest.mark.parametrize(("field", "noun"), [("composeId", "Compose"), ("previewDeploymentId", "Preview deployment")])
async def test_what_there_is_none_of_yet_is_not_found(world: World, field: str, noun: str) -> None:
    missing = await world.owner.post("/domain.create", json={"host": "a.example", field: "nope"})
    assert (missing.status_code, missing.json()["message"]) == (404, f"{noun} not found")
