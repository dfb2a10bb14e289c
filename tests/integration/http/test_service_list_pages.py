"""The list of services where there are many of them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select

from headway.features.services.pages import service_list
from headway.features.services.pages.service_list import PAGE as LIST
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

MOST_BYTES = 150_000
_NAME = re.compile(r"service-\d{3}")


async def test_a_thousand_services_are_shown_a_hundred_at_a_time(world: World) -> None:
    application = await world.application("service")
    await world.services.db.run(lambda tx: _copied(tx, application, 999))
    ann = await person(world)

    first = await ann.see(LIST)
    second = await ann.see(LIST, after=first.links["Older"].rpartition("=")[2])

    for seen in (first, second):
        assert seen.html.count("<tr>") == 1 + service_list.ROWS
        assert len(seen.html.encode()) < MOST_BYTES
    names = [name for seen in (first, second) for name in seen.links if name.startswith("service")]
    assert len(set(names)) == 2 * service_list.ROWS
    assert second.links["Newest"] == "/services"


async def test_the_way_on_keeps_what_is_looked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_list, "ROWS", 2)
    application = await world.application("service")
    await world.services.db.run(lambda tx: _copied(tx, application, 30))
    ann = await person(world)

    found = await ann.see(LIST, text="service-02")

    assert [name for name in found.links if _NAME.fullmatch(name)] == ["service-020", "service-021"]
    older = found.links["Older"]
    assert older.startswith("/services?text=service-02&after=")
    further = await ann.see(LIST, text="service-02", after=older.rpartition("=")[2])
    assert [name for name in further.links if _NAME.fullmatch(name)] == ["service-022", "service-023"]


def _copied(tx: Tx, service_id: str, times: int) -> None:
    row = dict(tx.execute(select(services).where(services.c.service_id == service_id)).mappings().one())
    copies = [
        {**row, "service_id": f"copy{number:03}", "name": f"service-{number:03}", "app_name": f"copy-{number:03}"}
        for number in range(times)
    ]
    tx.execute(insert(services), [{**each, "host_name": None} for each in copies])
