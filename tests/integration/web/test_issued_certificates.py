"""Whether an authority has issued a domain's certificate, and until when: in the answers, on its page, and on Home."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.edge.issuance import Issuance, IssuedCertificate, Refusal
from headway.infra.db.tables.edge import certificates, domains
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import signed_in
from tests.support.certificates.certificates import certificate_for

HTTPS = {"https": True, "certificateType": "letsencrypt"}
ASKS = {"HEADWAY_HTTPS_PORT": "8443", "HEADWAY_CERTIFICATE_MAIL": "ann@example.org"}
OLD = timedelta(hours=2)


@pytest.fixture
async def asking(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    """A panel whose edge asks an authority."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, **ASKS) as opened:
        yield opened


def tell(world: World, *issued: tuple[str, int], refused: dict[str, str] | None = None) -> None:
    """The edge of the panel's machine tells of certificates, good for so many days, and of refusals."""
    now = datetime.now(UTC)
    found = [IssuedCertificate(hosts=(host,), until=now + timedelta(days=days)) for host, days in issued]
    why = [Refusal(hosts=(host,), at=now, why=text) for host, text in (refused or {}).items()]
    world.services.domains.issuance.note(LOCAL_HOST, Issuance(certificates=found, refusals=why))


async def added(world: World, application_id: str, host: str, *, old: bool = True) -> dict[str, Any]:
    """A domain that asks for a certificate, since two hours ago."""
    row: dict[str, Any] = await world.post("domain.create", applicationId=application_id, host=host, **HTTPS)

    def age(tx: Tx) -> None:
        tx.execute(update(domains).where(domains.c.host == host).values(asked_at=tx.now - OLD))
        tx.execute(update(releases).values(serving_since=tx.now - OLD))

    if old:
        await world.services.db.run(age)
    return row


async def issued_of(world: World, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await world.get("domain.one", domainId=row["domainId"]))["issued"]
    return found


async def test_what_was_issued_is_told_by_each_operation_and_unknown_before_that(asking: World) -> None:
    application, _, _ = await serving(asking, "shop")
    row = await added(asking, application, "www.example.org")
    assert row["issued"]["unknown"] == "The edge of its machine was not looked at since the panel was started."
    tell(asking, ("www.example.org", 60))
    issued = await issued_of(asking, row)
    assert (issued["unknown"], issued["refusal"], issued["certificateId"]) == (None, None, None)
    left = datetime.fromisoformat(issued["goodUntil"]) - datetime.now(UTC)
    assert timedelta(days=59) < left < timedelta(days=60)
    own, listed = await asking.get("domain.byApplicationId", applicationId=application)
    assert (own["issued"], listed["issued"]["goodUntil"]) == (None, issued["goodUntil"])
    (all_,) = await asking.get("domain.certificates")
    told = {name: all_[name] for name in ("domainId", "host", "path", "serviceId", "serviceName")}
    assert told == {
        "domainId": row["domainId"],
        "host": "www.example.org",
        "path": "/",
        "serviceId": application,
        "serviceName": "shop",
    }
    assert all_["issued"]["goodUntil"] == issued["goodUntil"]
    off = await asking.post("domain.toggleEnable", domainId=row["domainId"])
    assert off["issued"] is None
    assert await asking.get("domain.certificates") == []


async def test_it_is_asked_for_since_it_was_switched_on_for_this_host(asking: World) -> None:
    application, _, _ = await serving(asking)
    host = {"host": "a.example.org"}
    made = await asking.post("domain.create", applicationId=application, **host, https=True)
    assert made["issued"] is None
    of_it = {"domainId": made["domainId"]}
    row = await asking.post("domain.update", **of_it, **host, certificateType="letsencrypt")
    since = row["issued"]["askedAt"]
    assert since >= made["createdAt"]
    again = await asking.post("domain.update", **of_it, **host, path="/shop")
    assert again["issued"]["askedAt"] == since
    other = await asking.post("domain.update", **of_it, host="b.example.org")
    assert other["issued"]["askedAt"] > since
    mine = services.c.service_id == application
    await asking.services.db.run(lambda tx: tx.execute(update(services).where(mine).values(wanted="down")))
    assert (await issued_of(asking, made))["askedAt"] is None, "an edge asks for what it leads to alone"


async def test_one_that_was_added_is_told_in_its_place(asking: World) -> None:
    application, _, _ = await serving(asking)
    row = await added(asking, application, "www.example.org")
    pem, _ = certificate_for("*.example.org", days=20)

    def add(tx: Tx) -> None:
        one = tx.execute(domains.select()).one()
        kept = {"certificate_id": "own", "organization_id": one.organization_id, "name": "own", "created_at": tx.now}
        tx.execute(insert(certificates).values(**kept, certificate=pem, private_key="sealed"))

    await asking.services.db.run(add)
    issued = await issued_of(asking, row)
    assert (issued["certificateId"], issued["unknown"]) == ("own", None)
    assert issued["goodUntil"] is not None
    async with signed_in(asking) as client:
        page = (await client.get(f"/services/{application}/domain/{row['domainId']}")).text
        assert "one that was added" in page
        assert 'href="/settings/certificates/own"' in page


async def test_pages_say_what_was_issued_what_ends_and_what_was_not(asking: World) -> None:
    application, _, _ = await serving(asking, "shop")
    rows = {
        name: await added(asking, application, f"{name}.example.org", old=name != "young")
        for name in ("good", "soon", "over", "none", "young")
    }
    refused = {"none.example.org": "no such name <b>", "young.example.org": "too early"}
    tell(asking, ("good.example.org", 60), ("soon.example.org", 5), ("over.example.org", -1), refused=refused)
    at = {name: f"/services/{application}/domain/{row['domainId']}" for name, row in rows.items()}
    async with signed_in(asking) as client:
        home = (await client.get("/home/-/attention")).text
        assert {name: home.count(f'href="{path}"') for name, path in at.items()} == {
            "good": 0,
            "soon": 1,
            "over": 1,
            "none": 1,
            "young": 0,
        }
        assert "No certificate was issued for" in home
        assert "no such name &lt;b&gt;" in home
        assert "Nothing is known to be wrong." not in home
        pages = {name: (await client.get(path)).text for name, path in at.items()}
        listed = (await client.get(f"/services/{application}/domains")).text
    words = {"good": "issued", "soon": "ends soon", "over": "good no more", "none": "none was issued"}
    for name, word in words.items():
        assert f"<span>{word}</span>" in pages[name], name
        assert name == "good" or f"<span>{word}</span>" in listed, name
    assert "no such name &lt;b&gt;" in pages["none"]
    assert "too early" in pages["young"], "its page says at once what was said"
    assert "has to lead to port 80" not in pages["good"]
    assert "has to lead to port 80" in pages["none"]


async def test_unknown_is_told_as_unknown(asking: World) -> None:
    application, _, _ = await serving(asking)
    row = await added(asking, application, "www.example.org")
    why = "The edge of its machine was not looked at since the panel was started."
    async with signed_in(asking) as client:
        for path in (f"/services/{application}/domain/{row['domainId']}", f"/services/{application}/domains"):
            page = (await client.get(path)).text
            assert f"because {why}" in page, path
            assert "none was issued" not in page
        home = (await client.get("/home/-/attention")).text
        assert why in home
        assert "www.example.org" in home
        assert "No certificate was issued" not in home


async def test_nobody_is_told_of_what_they_may_not_see(asking: World) -> None:
    application, _, _ = await serving(asking)
    row = await added(asking, application, "www.example.org")
    tell(asking)
    for caller in (asking.member, asking.stranger):
        assert (await caller.get("/domain.certificates")).json() == []
        assert (await caller.get("/domain.one", params={"domainId": row["domainId"]})).status_code == 404
    who = next(each for each in await asking.get("user.all") if each["user"]["name"] == "member")
    async with signed_in(asking, "member") as member:
        assert "www.example.org" not in (await member.get("/home/-/attention")).text
        await asking.post("user.assignPermissions", id=who["userId"], accessedServices=[application])
        listed = (await asking.member.get("/domain.certificates")).json()
        assert [each["host"] for each in listed] == ["www.example.org"]
        assert "No certificate was issued for" in (await member.get("/home/-/attention")).text


async def test_a_panel_that_asks_nobody_any_more_says_so(world: World) -> None:
    application, _, _ = await serving(world)
    made = await world.post("domain.create", applicationId=application, host="www.example.org")
    of_it = domains.c.domain_id == made["domainId"]

    def before(tx: Tx) -> None:
        asked = {"https": True, "certificate_type": "letsencrypt", "asked_at": tx.now}
        tx.execute(update(domains).where(of_it).values(**asked))

    await world.services.db.run(before)
    assert "HEADWAY_CERTIFICATE_MAIL" in (await issued_of(world, made))["refusal"]
