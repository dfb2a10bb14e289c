"""``certificates.*``: checked, kept with a sealed key, and for nobody else's names."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from headway.infra.db.tables.edge import certificates
from tests.integration.http.world import World
from tests.support.certificates.certificates import certificate_for


async def test_a_certificate_is_kept_shown_renewed_and_forgotten(world: World) -> None:
    pem, key = certificate_for("www.example.org", "*.example.org")
    made = await world.post("certificates.create", name="mine", certificateData=pem, privateKey=key, autoRenew=False)
    assert (made["hosts"], made["certificateData"]) == (["www.example.org", "*.example.org"], pem)
    assert await world.get("certificates.all") == [made]
    assert await world.get("certificates.one", certificateId=made["certificateId"]) == made
    newer, newer_key = certificate_for("www.example.org")
    renewed = await world.post(
        "certificates.update", certificateId=made["certificateId"], certificateData=newer, privateKey=newer_key
    )
    assert (renewed["name"], renewed["certificateData"]) == ("mine", newer)
    folder = world.platform.data_dir.path / "edge/certificates"
    assert {path.read_text() for path in folder.iterdir()} == {newer, newer_key}
    assert await world.post("certificates.remove", certificateId=made["certificateId"]) is True
    assert list(folder.iterdir()) == []


async def test_the_key_is_sealed_and_in_no_answer(world: World) -> None:
    pem, key = certificate_for("www.example.org")
    made = await world.owner.post("/certificates.create", json={"name": "m", "certificateData": pem, "privateKey": key})
    listed = await world.owner.get("/certificates.all")
    rows = await world.services.db.read(lambda tx: tx.execute(select(certificates)).all())
    assert made.json()["privateKey"] == listed.json()[0]["privateKey"] == ""
    for text in (made.text, listed.text, repr(rows)):
        assert key.splitlines()[1] not in text


async def test_what_is_no_good_pair_is_refused(world: World) -> None:
    pem, key = certificate_for("www.example.org")
    old, old_key = certificate_for("old.example", days=-1)
    for sent, why in (
        ((pem, certificate_for("x")[1]), "not the one of the first certificate"),
        (("nonsense", key), "certificate cannot be read"),
        ((pem, "nonsense"), "private key cannot be read"),
        ((old, old_key), "is good until"),
        (certificate_for(), "names no host"),
    ):
        body = {"name": "m", "certificateData": sent[0], "privateKey": sent[1]}
        refused = await world.owner.post("/certificates.create", json=body)
        assert (refused.status_code, why in refused.json()["message"]) == (400, True), refused.text
    assert await world.get("certificates.all") == []


@pytest.mark.parametrize("names", [("www.example.org",), ("*.example.org",), ("shop.localhost",), ("*.localhost",)])
async def test_a_certificate_for_a_host_of_another_organisation_is_refused(
    world: World, names: tuple[str, ...]
) -> None:
    application_id = await world.application("shop")
    await world.post("domain.create", applicationId=application_id, host="www.example.org")
    pem, key = certificate_for(*names)
    body = {"name": "m", "certificateData": pem, "privateKey": key}
    refused = await world.stranger.post("/certificates.create", json=body)
    assert (refused.status_code, "not yours" in refused.json()["message"]) == (409, True), refused.text
    assert (await world.owner.post("/certificates.create", json=body)).status_code == 200


async def test_a_certificate_is_taken_out_of_use_when_its_name_turns_out_to_be_anothers(world: World) -> None:
    pem, key = certificate_for("www.example.org")
    body = {"name": "m", "certificateData": pem, "privateKey": key}
    assert (await world.stranger.post("/certificates.create", json=body)).status_code == 200
    folder = world.platform.data_dir.path / "edge/certificates"
    assert len(list(folder.iterdir())) == 2
    await world.post("domain.create", applicationId=await world.application(), host="www.example.org")
    assert list(folder.iterdir()) == []


async def test_two_certificates_for_one_name_are_one_too_many(world: World) -> None:
    for status in (200, 409):
        pem, key = certificate_for("www.example.org")
        body = {"name": "m", "certificateData": pem, "privateKey": key}
        assert (await world.owner.post("/certificates.create", json=body)).status_code == status


async def test_there_is_no_server_to_put_it_on(world: World) -> None:
    pem, key = certificate_for("a.example")
    body = {"name": "m", "certificateData": pem, "privateKey": key, "serverId": "nope"}
    missing = await world.owner.post("/certificates.create", json=body)
    assert (missing.status_code, missing.json()["message"]) == (404, "Server not found")
