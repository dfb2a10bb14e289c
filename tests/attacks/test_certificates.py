"""A certificate that somebody brings along is shown for names of his own only, however they are written in it."""

from __future__ import annotations

import shutil
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.traefik import Https
from headway.features.edge.certificate_parser import fingerprint
from headway.features.edge.certificates_model import Certificate, covers, reserved_in
from headway.features.edge.certificates_store import survey
from headway.features.edge.module import edge_facts
from headway.infra.db.tables.edge import certificates
from headway.infra.http_request import certificate
from headway.kernel.artifacts import KeyPair
from headway.kernel.secret import Secret
from tests.integration.http.world import World, open_world
from tests.support.certificates.certificates import certificate_for
from tests.support.panel.panel import free_port

SECONDS = 5.0
VICTIM, MINE, PANEL = "victim.example.test", "mine.test", "panel.of.test"
# The ways in which the edge would read the victim's name in a certificate, beside the one in which browsers do.
FORMS: dict[str, dict[str, Any]] = {
    "the name": {"hosts": [VICTIM]},
    "beside another": {"hosts": [MINE, VICTIM]},
    "any of the domain": {"hosts": [MINE, "*.example.test"]},
    "subject": {"hosts": [MINE], "subject": VICTIM},
    "subject in capitals": {"hosts": [MINE], "subject": VICTIM.upper()},
    "subject with a star": {"hosts": [MINE], "subject": "*.example.test"},
    "subject with a comma": {"hosts": [MINE], "subject": f"nobody,{VICTIM}"},
    "name with a comma": {"hosts": [f"{MINE},{VICTIM}"]},
    "dot at the end": {"hosts": [MINE, f"{VICTIM}."]},
    "star and a dot": {"hosts": [MINE, "*.example.test."]},
}
# By which it would be shown to whoever asks without a name.
NAMELESS: dict[str, dict[str, Any]] = {
    "address": {"hosts": [MINE], "addresses": ["127.0.0.1"]},
    "any address": {"hosts": [MINE], "addresses": ["203.0.113.7"]},
    "address as a name": {"hosts": [MINE, "127.0.0.1"]},
    "address as the subject": {"hosts": [MINE], "subject": "127.0.0.1"},
    "IPv6": {"hosts": [MINE], "addresses": ["::1"]},
}
# What looks like it and is nobody's.
HARMLESS: dict[str, dict[str, Any]] = {
    "words": {"hosts": [MINE], "subject": "An Origin Certificate, of nobody"},
    "part of a label": {"hosts": [MINE, "v*.example.test"]},
    "a star within": {"hosts": [MINE, "victim.*.test"]},
    "below it": {"hosts": [MINE, f"*.{VICTIM}"]},
}


@pytest.fixture
async def owned(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    """A panel with a name, where one organisation has the victim's host."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_PUBLIC_URL=f"https://{PANEL}") as world:
        await world.post("domain.create", applicationId=await world.application("shop"), host=VICTIM)
        yield world


def made(form: dict[str, Any]) -> tuple[str, str]:
    more = {name: value for name, value in form.items() if name != "hosts"}
    return certificate_for(*form["hosts"], **more)


async def brought(world: World, pem: str, key: str) -> tuple[int, str]:
    """What the other organisation is told that brings it along."""
    body = {"name": "m", "certificateData": pem, "privateKey": key}
    answer = await world.stranger.post("/certificates.create", json=body)
    return answer.status_code, answer.text


async def test_none_is_for_a_host_of_another_organisation(owned: World) -> None:
    own, own_key = certificate_for(MINE)
    assert (await brought(owned, own, own_key))[0] == 200
    (kept,) = (await owned.stranger.get("/certificates.all")).json()
    for name, form in FORMS.items():
        pem, key = made(form)
        status, said = await brought(owned, pem, key)
        assert (status, "not yours" in said) == (409, True), (name, said)
        renewed = {"certificateId": kept["certificateId"], "certificateData": pem, "privateKey": key}
        assert (await owned.stranger.post("/certificates.update", json=renewed)).status_code == 409, name
    folder = owned.platform.data_dir.path / "edge/certificates"
    assert {path.read_text() for path in folder.iterdir()} == {own, own_key}


async def test_none_is_for_the_panel_the_machine_or_whoever_names_no_host(owned: World) -> None:
    of_nobody = [(made(form), "whoever names no host") for form in NAMELESS.values()]
    of_others = [(certificate_for(*hosts), "own name") for hosts in ([PANEL], ["*.of.test"], [MINE, "localhost"])]
    for pair, why in (*of_nobody, *of_others):
        status, said = await brought(owned, *pair)
        assert (status, why in said, "grantMachine" in said) == (403, True, True), said


async def test_what_nobody_is_shown_is_taken(owned: World) -> None:
    for name, form in HARMLESS.items():
        status, said = await brought(owned, *made(form))
        assert status == 200, (name, said)
        (kept,) = (await owned.stranger.get("/certificates.all")).json()
        await owned.stranger.post("/certificates.remove", json={"certificateId": kept["certificateId"]})


async def test_what_was_taken_before_is_shown_for_no_host_of_another_and_listed(owned: World) -> None:
    vault, facts = owned.platform.data_dir.vault, edge_facts(owned.platform.base.settings)
    other = (await owned.stranger.get("/organization.all")).json()[0]["id"]
    for number, form in enumerate((FORMS["subject"], NAMELESS["address"])):
        pem, key = made(form)
        row = {"certificate_id": f"c{number}", "organization_id": other, "name": f"n{number}", "certificate": pem}
        row |= {"private_key": vault.seal(key), "auto_renew": None, "created_at": datetime.now(UTC)}
        await owned.services.db.run(lambda tx, row=row: tx.execute(certificates.insert().values(**row)))  # type: ignore[misc]
    told = await owned.services.db.read(lambda tx: [line.sentence for line in survey(tx, vault, facts=facts)])
    assert [("n0" in each, "not shown" in each, "changed next" in each) for each in told] == [
        (True, True, False),
        (False, False, True),
    ]


def odd() -> dict[str, tuple[str, str]]:
    """Certificates that can be taken up, but whose subject, names or key nobody can read."""
    made = certificate_for(MINE, subject="subject")
    after = {
        "subject": (b"\x0c\x07subject", b"\x14\x07s\xfcbject"),
        "names": (MINE.encode(), b"\xfc" + MINE.encode()[1:]),
        "kind of key": (bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")),
        "curve": (bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030109")),
    }
    der = x509.load_pem_x509_certificate(made[0].encode()).public_bytes(Encoding.DER)
    assert all(before in der for before, _ in after.values())
    return {name: (ssl.DER_cert_to_PEM_cert(der.replace(*each)), made[1]) for name, each in after.items()}


async def test_one_that_cannot_be_read_is_refused(owned: World) -> None:
    for name, pair in odd().items():
        status, said = await brought(owned, *pair)
        assert (status, "cannot be read" in said) == (400, True), (name, said)


async def test_one_that_cannot_be_read_and_was_taken_breaks_nothing(owned: World) -> None:
    """It is listed and removed as any other, and everybody else's are shown."""
    vault, facts = owned.platform.data_dir.vault, edge_facts(owned.platform.base.settings)
    other = (await owned.stranger.get("/organization.all")).json()[0]["id"]
    kept = {"subject": odd()["subject"][0], "names": odd()["names"][0], "no text": "none"}
    for name, pem in kept.items():
        row = {"certificate_id": name, "organization_id": other, "name": name, "certificate": pem}
        row |= {"private_key": vault.seal("k"), "auto_renew": None, "created_at": datetime.now(UTC)}
        await owned.services.db.run(lambda tx, row=row: tx.execute(certificates.insert().values(**row)))  # type: ignore[misc]
    listed = await owned.stranger.get("/certificates.all")
    assert listed.status_code == 200, listed.text
    assert {each["name"]: each["hosts"] for each in listed.json()} == {name: [] for name in kept}
    told = await owned.services.db.read(lambda tx: [line.sentence for line in survey(tx, vault, facts=facts)])
    assert (len(told), all("cannot be read" in each for each in told)) == (len(kept), True), told
    own, own_key = certificate_for(MINE)
    assert (await brought(owned, own, own_key))[0] == 200
    folder = owned.platform.data_dir.path / "edge/certificates"
    assert {path.read_text() for path in folder.iterdir()} == {own, own_key}
    renewed = {"certificateId": "subject", "certificateData": certificate_for("renewed.test")[0], "privateKey": own_key}
    assert (await owned.stranger.post("/certificates.update", json=renewed)).status_code == 400
    for name in kept:
        removed = await owned.stranger.post("/certificates.remove", json={"certificateId": name})
        assert removed.status_code == 200, removed.text


async def test_a_key_that_costs_the_edge_too_much_is_refused(owned: World) -> None:
    large = rsa.RSAPublicNumbers(e=65537, n=(2**2203 - 1) * (2**2281 - 1)).public_key()
    pem, key = certificate_for(MINE, public=large)
    status, said = await brought(owned, pem, key)
    assert (status, "4484 bits" in said) == (400, True), said
    began = time.monotonic()
    status, said = await brought(owned, certificate_for(MINE)[0], key + "x" * 90_000)
    assert (status, "8 KiB" in said) == (400, True), said
    assert time.monotonic() - began < SECONDS


@pytest.mark.slow
async def test_the_edge_shows_it_for_no_other_name_than_those_that_are_judged(tmp_path: Path) -> None:
    """The real edge, asked for the victim's name, and for none."""
    port = free_port()
    edge = Edge(tmp_path / "edge", host="127.0.0.1", port=free_port(), https=Https(port=port))
    await edge.ensure()
    seen: list[tuple[bool, bool]] = []
    try:
        for name, form in {**FORMS, **NAMELESS, **HARMLESS}.items():
            pem, key = made(form)
            kept = Certificate(
                certificate_id="c",
                organization_id="o",
                name="n",
                pem=pem,
                auto_renew=None,
                created_at=datetime.now(UTC),
            )
            await edge.set_certificates([KeyPair(name="c", certificate=pem, key=Secret(key))])
            own, der = form["hosts"][0].partition(",")[0], fingerprint(pem)
            await edge.shown(own, der)
            of_victim = await certificate("127.0.0.1", port, tls_name=VICTIM, timeout_seconds=5) == der
            of_nobody = await certificate("127.0.0.1", port, tls_name="127.0.0.1", timeout_seconds=5) == der
            judged = covers(kept, VICTIM), reserved_in(kept, {}) is not None
            assert (of_victim <= judged[0], of_nobody <= judged[1]) == (True, True), name
            seen.append((of_victim, of_nobody))
    finally:
        await edge.shut_down()
    assert (any(victim for victim, _ in seen), any(nobody for _, nobody in seen)) == (True, True)
