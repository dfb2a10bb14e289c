"""Until when a certificate of one's own is good: on its page, in the list, and in time on Home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from headway.infra.db.tables.edge import certificates
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in
from tests.support.certificates.certificates import certificate_for


async def _added(world: World, name: str, days: int) -> str:
    """A certificate that is good for so long; one that is over was good when it was added."""
    pem, key = certificate_for(f"{name}.example.org")
    row = await world.post("certificates.create", name=name, certificateData=pem, privateKey=key)
    certificate_id: str = row["certificateId"]
    pem, _ = certificate_for(f"{name}.example.org", days=days)
    of_it = certificates.c.certificate_id == certificate_id
    await world.services.db.run(lambda tx: tx.execute(update(certificates).where(of_it).values(certificate=pem)))
    return certificate_id


async def test_one_that_ends_soon_is_told_of_where_somebody_looks(world: World) -> None:
    late, soon, over = await _added(world, "late", 90), await _added(world, "soon", 5), await _added(world, "over", -1)
    until = {each["certificateId"]: each["goodUntil"] for each in await world.get("certificates.all")}
    assert abs(datetime.fromisoformat(until[soon]) - datetime.now(UTC) - timedelta(days=5)) < timedelta(minutes=5)
    async with signed_in(world) as client:
        home = (await client.get("/home/-/attention")).text
        assert [home.count(f'href="/settings/certificates/{each}"') for each in (late, soon, over)] == [0, 1, 1]
        assert home.index(over) < home.index(soon), "what is over comes first"
        assert "Nothing is known to be wrong." not in home
        listed = (await client.get("/settings/certificates")).text
        assert (listed.count("ends soon"), listed.count("good no more")) == (1, 1)
        assert "ends soon" in (await client.get(f"/settings/certificates/{soon}")).text
        page = (await client.get(f"/settings/certificates/{late}")).text
        assert f'<time datetime="{until[late][:16]}' in page
        assert "ends soon" not in page
    async with signed_in(world, "member") as member:
        assert "certificate" not in (await member.get("/home/-/attention")).text, "who may not see them is told nothing"
