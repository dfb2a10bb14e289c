"""A row that cannot be read, or whose turn breaks where nobody foresaw it, keeps loops from no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from headway.core.deployments.status import Status
from headway.features.notifications.disk import DiskWatch
from headway.infra.db.tables.deployments import outbox
from tests.integration.http.test_bad_items import loop, rounds, shown
from tests.integration.http.test_notification import Roomy, channel, make_due
from tests.integration.http.world import World
from tests.support.notifications.receivers import receiver

Json = Any


async def test_what_cannot_be_handed_out_keeps_nothing_else_from_being_told(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        await channel(world, heard)
        damaged = await world.ended(application_id, Status.ERROR)
        seqs = await world.services.db.read(lambda tx: tx.execute(select(outbox.c.seq)).scalars().all())
        broken = update(outbox).values(payload=["no", "object"])
        await world.services.db.run(lambda tx: tx.execute(broken).rowcount)
        well = await world.ended(application_id, Status.ERROR)
        handing = loop(world, "outbox")
        await rounds(handing)
        await make_due(world)
        await rounds(loop(world, "notifications"))
    assert [each.told["data"]["deploymentId"] for each in heard.posted] == [well], f"{damaged} says nothing any more"
    assert sorted(await shown(world)) == sorted(f"outbox what was written as number {seq}" for seq in seqs)
    assert await handing._work() > 0, "what fails again and again holds up nobody's turn"


async def test_a_disk_that_cannot_be_looked_at_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(_path: object) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("shutil.disk_usage", unforeseen)

    class Broken(Roomy):
        async def free_bytes(self, path: str) -> int:
            raise KeyError(path)

    servers: Mapping[str, Roomy] = {"broken": Broken(link=1, free=0), "full": Roomy(link=1, free=1 << 20)}
    of_panel = cast("DiskWatch", loop(world, "disk watch")._work.__self__)  # type: ignore[attr-defined]
    watch = replace(of_panel, servers=servers, low=set())
    assert await watch.look() > 1
    assert watch.low == {"full"}
    assert sorted(await shown(world)) == ["disk watch broken", "disk watch this machine"]
