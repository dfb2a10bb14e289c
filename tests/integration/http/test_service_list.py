"""The list of services by its filters, and the palette by what services are found by."""

from __future__ import annotations

import pytest

from headway.features.home.pages.palette import PAGE as PALETTE
from headway.features.services.pages.service_list import PAGE as LIST
from tests.integration.http.page_visits import person
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_service_pages import runs as every_process_runs
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World

runs = every_process_runs


@pytest.mark.usefixtures("runs")
async def test_services_are_found_by_domain_state_and_machine(world: World) -> None:
    shop, _, _ = await serving(world, "shop")
    server_id = (await world.post("server.create", **{**A_SERVER, "name": "from-berlin"}))["serverId"]
    given = {"environmentId": await world.environment(), "serverId": server_id}
    blog = (await world.post("application.create", name="blog", **given))["applicationId"]
    await world.post("domain.create", applicationId=shop, host="news.example.org")
    ann, row = await person(world), next(each for each in await world.get("service.all") if each["serviceId"] == shop)
    assert row["hosts"] == ["news.example.org"]
    assert (await world.get("service.one", serviceId=blog))["hosts"] == []

    for query, names in (
        ({"text": "news.example"}, {"shop"}),
        ({"state": "serving"}, {"shop"}),
        ({"state": "idle"}, {"blog"}),
        ({"state": "stopped"}, set()),
        ({"serverId": server_id}, {"blog"}),
        ({"serverId": "panel"}, {"shop"}),
        ({"serverId": "panel", "state": "idle"}, set()),
    ):
        seen = await ann.see(LIST, text=query.pop("text", ""), **query)
        assert {"shop", "blog"} & set(seen.links) == names, query
        assert ("No service is like that." in seen.text) == (not names), query
        part = await ann.see(LIST, "list", **query)
        for name, text in query.items():
            assert f"{name}={text}" in part.html, "what is pulled is filtered alike"
    left_out = await ann.see(LIST, state="idle", serverId=server_id)
    assert f'href="/services?serverId={server_id}"' in left_out.html
    for typed, label, name in (
        ("restart news.example", "Restart shop", "shop"),
        ("serving", "shop", "shop"),
        ("idle", "blog", "blog"),
        ("log from-berlin", "Log of blog", "blog"),
    ):
        found = {each.strip() for each in (await ann.see(PALETTE, text=typed)).links}
        assert label in found, typed
        assert not ({"shop", "blog"} - {name}) & found, typed
