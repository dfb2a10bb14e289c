"""The page of a first deployment while its source is looked at: it comes at once, and says what is not known yet."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from headway.features.projects.pages import new_outlook
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, send, signed_in
from tests.integration.web.test_part_cache import web_of
from tests.support.panel.panel import git_repository, web

PARTS = ("looked", "fields", "source")


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, list[int], asyncio.Event]]:
    """The address of a server of repositories that never answers, its connections, and that there is one."""
    taken: list[int] = []
    closing, came = asyncio.Event(), asyncio.Event()

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(1)
        came.set()
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/team/shop.git", taken, came
    finally:
        closing.set()
        server.close()


async def text_of(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


async def settled(client: httpx.AsyncClient, page: str) -> str:
    """The part that says what is known, once it is under way no more."""
    async with asyncio.timeout(60):
        while "data-live" in (text := await text_of(client, f"{page}/-/looked")):  # noqa: ASYNC110 - as a page does
            await asyncio.sleep(0.1)
    return text


@pytest.mark.slow
async def test_the_page_comes_at_once_and_looks_meanwhile(world: World) -> None:
    async with silent() as (url, taken, came), signed_in(world) as client:
        application_id = await world.application(customGitUrl=url, customGitBranch="main")
        page = f"/new/services/{application_id}"
        began = time.monotonic()
        text = await text_of(client, page)
        assert time.monotonic() - began < 30
        assert "fetched and looked at" in text
        assert "cannot be deployed" not in text
        assert f'action="{page}/deploy"' in text
        for part in PARTS:
            assert f'data-pull="{page}/-/{part}" data-live' in text, part
            assert f'data-pull="{page}/-/{part}" data-live' in await text_of(client, f"{page}/-/{part}"), part
        async with asyncio.timeout(30):
            await came.wait()
        await text_of(client, page)
        assert len(taken) == 1, "it is looked at once, however often it is asked after"
        web_of(world).close()


async def test_what_took_too_long_is_not_known_and_can_be_deployed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_outlook, "_SECONDS", 0.2)
    async with silent() as (url, _, _), signed_in(world) as client:
        page = f"/new/services/{await world.application(customGitUrl=url)}"
        await client.get(page)
        text = await settled(client, page)
        assert "It is not known yet what would be built: It was not answered within 0.2 seconds." in text
        assert "cannot be deployed" not in text
        assert f'href="{page}">Look again' in text


async def test_what_was_found_stands_in_each_part_and_is_looked_for_anew_when_it_is_set(
    world: World, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "shop", web("one"))
    async with signed_in(world) as client:
        page = f"/new/services/{await world.application(customGitUrl=url)}"
        await client.get(page)
        assert "hidden" in await settled(client, page), "there is nothing to say"
        for part in ("fields", "source"):
            text = await text_of(client, f"{page}/-/{part}")
            assert ("python3 app.py" in text, "data-pull" in text) == (True, False), part
        await send(client, f"{page}/save", startCommand="python3 other.py")
        await settled(client, page)
        assert "python3 other.py" in await text_of(client, f"{page}/-/source")


async def test_the_first_deployment_can_be_asked_for_again_after_it_was_removed(world: World) -> None:
    application_id = await world.application(sourceType="docker", dockerImage="nginx")
    page = f"/new/services/{application_id}"
    async with signed_in(world) as client:
        made = []
        for _ in range(2):
            fields = await fields_of(client, page)
            done = await client.post(f"{page}/deploy", data=fields, headers=OWN)
            assert done.status_code == 303, done.text
            made.append(done.headers["location"].rpartition("/")[2])
            await world.post("deployment.cancel", deploymentId=made[-1])
            await world.post("deployment.removeDeployment", deploymentId=made[-1])
    assert made[0] != made[1]
