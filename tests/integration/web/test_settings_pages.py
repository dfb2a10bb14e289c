"""The pages of the panel itself: what it is, what it cannot do, what it was started with, and certificates."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import OWN, form_token_of, send, signed_in
from tests.support.certificates.certificates import certificate_for

SECRET = "the-key-of-the-metrics"


async def test_the_panel_says_what_it_is_and_that_all_is_well(world: World) -> None:
    async with signed_in(world) as client:
        text = (await client.get("/settings")).text
        first, again = [(await client.get("/settings/-/health")).text for _ in range(2)]
    assert "Headway 0." in text
    assert str(world.platform.data_dir.path) in text
    assert "SQLite" in text
    assert 'href="/api/docs"' in text
    assert "Nothing is known that the panel could not do." in text
    assert first == again


async def test_what_loops_could_not_do_is_said_in_plain_words(world: World) -> None:
    world.services.troubles.note("retention", "deployment abc", "The disk is full.")
    async with signed_in(world) as client, signed_in(world, "stranger") as other:
        text = (await client.get("/settings/-/health")).text
        of_other = (await other.get("/settings")).text
    assert "Removing old deployments and their logs" in text
    assert "The disk is full." in text
    assert "tried 1 time" in text
    assert "The disk is full." not in of_other
    assert str(world.platform.data_dir.path) not in of_other, "where it lies is for who may use the machine"


async def test_a_member_is_offered_what_they_may_open(world: World) -> None:
    async with signed_in(world, "member") as client:
        text = (await client.get("/settings")).text
    assert "This panel" in text
    assert "/settings/certificates" not in text, "what may not be opened is not offered"
    assert "/settings/environment" not in text


async def test_what_it_was_started_with_is_listed_and_no_secret_of_it(tmp_path: Path) -> None:
    async with (
        open_world(tmp_path / "data", HEADWAY_METRICS_KEY=SECRET, HEADWAY_KEEP_RELEASES="7") as world,
        signed_in(world) as client,
        signed_in(world, "member") as member,
    ):
        text = (await client.get("/settings/environment")).text
        found = (await client.get("/settings/environment?text=keep+releases")).text
        row = await world.get("settings.about")
        refused = await member.get("/settings/environment")
        of_member = (await world.member.get("/settings.about")).json()
    assert SECRET not in text
    assert SECRET not in str(row)
    assert "a secret, which is not shown" in text
    names = re.findall(r'id="row-(HEADWAY_\w+)"', text)
    assert len(names) > 60
    assert names.index("HEADWAY_KEEP_RELEASES") < names.index("HEADWAY_BALLAST") or "HEADWAY_BALLAST" in names[:9]
    assert "HEADWAY_KEEP_RELEASES" in found
    assert "HEADWAY_LOG_LEVEL" not in found
    keep = next(each for each in row["machine"]["settings"] if each["variable"] == "HEADWAY_KEEP_RELEASES")
    assert (keep["value"], keep["default"], keep["isDefault"]) == ("7", "5", False)
    assert refused.status_code == 404
    assert of_member["machine"] is None


async def test_a_certificate_is_brought_renewed_and_forgotten_and_its_key_never_shown(world: World) -> None:
    pem, key = certificate_for("shop.example.org")
    other, other_key = certificate_for("www.example.org")
    async with signed_in(world) as client:
        assert "There is no certificate yet." in (await client.get("/settings/certificates")).text
        wrong = await send(
            client, "/settings/certificates/create", name="shop", certificateData=pem, privateKey=other_key
        )
        assert wrong.status_code == 400
        assert "PRIVATE KEY" not in wrong.text, "what was typed of a key is not shown again"
        assert "BEGIN CERTIFICATE" in wrong.text
        made = await send(client, "/settings/certificates/create", name="shop", certificateData=pem, privateKey=key)
        assert made.status_code == 303, made.text
        path = made.headers["location"]
        text = (await client.get(path)).text
        assert "shop.example.org" in text
        assert "PRIVATE KEY" not in text
        named = await send(client, f"{path}/change", name="the shop")
        assert named.status_code == 303, named.text
        renewed = await send(client, f"{path}/change", certificateData=other, privateKey=other_key)
        assert renewed.status_code == 303, renewed.text
        text = (await client.get("/settings/certificates")).text
        assert "the shop" in text
        assert "www.example.org" in text
        assert "1 certificate added" in (await client.get("/settings")).text
        gone = await send(client, f"{path}/remove")
        assert gone.headers["location"] == "/settings/certificates"
        assert (await client.get(path)).status_code == 404


async def test_certificates_are_for_admins(world: World) -> None:
    pem, key = certificate_for("shop.example.org")
    made = await world.post("certificates.create", name="shop", certificateData=pem, privateKey=key)
    path = f"/settings/certificates/{made['certificateId']}"
    async with signed_in(world, "member") as member, signed_in(world, "stranger") as stranger:
        for address in ("/settings/certificates", "/settings/certificates/create", path, f"{path}/remove"):
            assert (await member.get(address)).status_code == 403, address
        assert "shop" not in (await stranger.get("/settings/certificates")).text
        fields = {"form_token": await form_token_of(stranger)}
        assert (await stranger.post(f"{path}/remove", data=fields, headers=OWN)).status_code == 404
        assert (await stranger.get(path)).status_code == 404
