"""Services where they are shown by what they lie in: each says what it does as the list of all says it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from headway.features.projects.pages import environment_services
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.pages import service_lines
from tests.integration.http.test_service_overview import lose_server_of
from tests.integration.http.test_service_pages import runs as every_process_runs
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in

runs = every_process_runs
_PROJECT = re.compile(r'<td data-label="Project".*?</td>', re.DOTALL)


def _row(page: str, service_id: str) -> str:
    """The row of a service, without the place that it lies in."""
    (found,) = (each for each in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if f'"/services/{service_id}"' in each)
    return _PROJECT.sub("", found)


def _words(row: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", row).split())


async def _paths(world: World, service_id: str) -> tuple[str, str]:
    (found,) = [each for each in await world.get("service.all") if each["serviceId"] == service_id]
    project = f"/projects/{found['environment']['project']['projectId']}"
    return project, f"{project}/environments/{found['environment']['environmentId']}"


async def _stop(world: World, service_id: str) -> None:
    def stop(tx: Tx) -> None:
        tx.execute(update(services).where(services.c.service_id == service_id).values(wanted="down"))

    await world.services.db.run(stop)


@pytest.mark.usefixtures("runs")
async def test_a_project_and_an_environment_say_of_a_service_what_the_list_says(world: World) -> None:
    (up, *_), (down, *_) = await serving(world, "up"), await serving(world, "down")
    fresh = await world.application("new")
    await _stop(world, down)
    told = {}
    async with signed_in(world) as client:
        for service_id in (up, down, fresh):
            listed = _row((await client.get("/services")).text, service_id)
            for path in await _paths(world, service_id):
                for address in (path, f"{path}/-/services"):
                    assert _row((await client.get(address)).text, service_id) == listed, address
            told[service_id] = _words(listed).partition(" application ")[0]
            assert ("<time" in listed) == (service_id != down), "where it is known since when"
        page = (await client.get((await _paths(world, up))[0])).text
    assert told[up].startswith("serves")
    assert told[down].startswith("stopped")
    assert told[fresh].startswith("not deployed yet")
    assert 'data-topic="services"' in page


async def test_a_server_says_of_what_is_on_it_what_the_list_says(world: World) -> None:
    service_id, *_ = await serving(world)
    await world.services.db.run(lambda tx: lose_server_of(tx, service_id))
    async with signed_in(world) as client:
        listed = _row((await client.get("/services")).text, service_id)
        for address in ("/servers/far", "/servers/far/-/services"):
            answer = (await client.get(address)).text
            assert _row(answer, service_id) == listed, address
            assert 'data-label="Project"' in answer
    assert "because its server does not answer" in _words(listed)


@pytest.mark.usefixtures("runs")
async def test_what_is_not_known_in_time_is_there_and_said_not_to_be_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_id, *_ = await serving(world)
    paths = await _paths(world, service_id)
    monkeypatch.setattr(service_lines, "_SECONDS", 0.0)
    async with signed_in(world) as client:
        for path in paths:
            row = _words(_row((await client.get(path)).text, service_id))
            assert row.startswith("unknown because It was not answered within 0 seconds. api application"), path


async def test_more_than_a_page_may_have_is_led_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"environmentId": await world.environment(), "customGitUrl": "https://git.example/shop.git"}
    ids = [(await world.post("application.create", name=name, **given))["applicationId"] for name in ("a", "b", "c")]
    monkeypatch.setattr(environment_services, "_MOST", 2)
    monkeypatch.setattr(environment_services, "_LEAST", 2)
    project, environment = await _paths(world, ids[0])
    async with signed_in(world) as client:
        page = (await client.get(project)).text
        assert f'<a href="{environment}">1 more</a>' in page
        first = (await client.get(environment)).text
        older = f"{environment}?after={ids[1]}"
        assert f'href="{older}"' in first
        second = (await client.get(older)).text
    assert [each in first for each in (f"/services/{ids[0]}", f"/services/{ids[2]}")] == [True, False]
    assert [each in second for each in (f"/services/{ids[0]}", f"/services/{ids[2]}")] == [False, True]
    assert f'data-pull="{environment}/-/services?after={ids[1]}"' in second
