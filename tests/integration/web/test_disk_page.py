"""The page of the disk: who holds what, and what would go, said before it goes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.features.disk.pages import usage
from tests.integration.http.test_disk import MIB, filled
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import form_token_of, send, signed_in


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A panel on a machine without an engine."""
    address = f"unix://{tmp_path / 'no.sock'}"
    async with open_world(tmp_path / "data", HEADWAY_BUILD_CACHE="8MiB", HEADWAY_DOCKER_HOST=address) as opened:
        yield opened


async def test_each_service_is_shown_with_what_it_holds(world: World) -> None:
    application_id = await world.application("large")
    work = world.platform.data_dir.work
    filled(work / "data" / application_id / "db", 3 * MIB)
    filled(work / "mirrors" / application_id / "pack", 1 * MIB)
    async with signed_in(world) as client, signed_in(world, "member") as member:
        text = (await client.get("/disk?fresh=true")).text
        again = (await client.get("/disk")).text
        once_more = (await client.get("/disk")).text
        of_member = await member.get("/disk")
    assert f'href="/services/{application_id}"' in text
    assert "own files" in text
    assert "sources" in text
    assert "4.0 MiB" in text
    assert "No container engine of that machine has answered" in text
    assert "8.0 MiB" in text, "the bound of the build cache"
    assert 'href="/disk/clean"' in text
    assert again == once_more
    assert of_member.status_code == 200
    assert "large" not in of_member.text
    assert "In all" not in of_member.text, "the machine as a whole is for who may know of it"
    assert "/disk/clean" not in of_member.text


async def test_what_goes_is_said_before_and_what_went_after(world: World) -> None:
    caches = world.platform.data_dir.work / "caches"
    old, new = [caches / await world.application(name) for name in ("old", "new")]
    for age, path in enumerate((new, old)):
        filled(path / "npm" / "x", 6 * MIB)
        for each in (path / "npm" / "x", path / "npm", path):
            os.utime(each, (1_700_000_000 - age * 1000,) * 2)
    async with signed_in(world) as client:
        asked = (await client.get("/disk/clean")).text
        assert "1 cache of builds would go, and 6.0 MiB with that." in asked
        assert old.is_dir(), "to look removes nothing"
        done = await send(client, "/disk/clean")
        assert (done.status_code, done.headers["location"]) == (303, "/disk")
        assert "Removed 1 thing: 6.0 MiB of the disk are free again." in (await client.get("/disk")).text
        assert (old.exists(), new.is_dir()) == (False, True)
        assert "nothing would be removed" in (await client.get("/disk/clean")).text


async def test_who_may_not_clean_is_refused(world: World) -> None:
    async with signed_in(world, "member") as client:
        assert (await client.get("/disk/clean")).status_code == 403
        fields = {"form_token": await form_token_of(client)}
        answer = await client.post("/disk/clean", data=fields, headers={"origin": "http://127.0.0.1:3000"})
        assert answer.status_code == 403


async def test_what_takes_too_long_to_measure_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_SECONDS", 0.0)
    async with signed_in(world) as client:
        answer = await client.get("/disk")
        assert answer.status_code == 200
        assert "It was not answered within 0 seconds." in answer.text
        assert "What goes is not known now." in (await client.get("/disk/clean")).text
