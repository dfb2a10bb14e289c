"""Another organisation's services take so much of the machine's memory together, in containers or as processes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.domains.applications import store
from headway.domains.applications.model import ReleaseState, Wanted
from headway.domains.applications.share_store import Share, part_of, survey, taken
from headway.kernel.errors import InvalidInput
from headway.wiring_machine import memory_share
from tests.integration.http.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def theirs(world: World, name: str, limit: int | None = None, *, serves: bool = True) -> str:
    """An application of the other organisation."""
    made = (await world.stranger.post("/project.create", json={"name": name})).json()
    body = {"name": name, "environmentId": made["environment"]["environmentId"]}
    application_id = str((await world.stranger.post("/application.create", json=body)).json()["applicationId"])
    if limit is not None:
        change = {"applicationId": application_id, "memoryLimit": str(limit)}
        answer = await world.stranger.post("/application.update", json=change)
        assert answer.status_code == 200, answer.text
    if serves:
        await world.release(application_id, state=ReleaseState.SERVING)
        await world.services.db.run(lambda tx: store.set_fields(tx, application_id, wanted=Wanted.UP))
    return application_id


async def part(world: World, application_id: str, share: int) -> int | None:
    """What it may have for which nobody has said it."""
    vault, whole = world.platform.data_dir.vault, Share(bytes=share, composes=lambda *_: 0)
    application = await world.services.db.read(lambda tx: store.find(tx, application_id, vault))
    return await world.services.db.read(lambda tx: part_of(tx, application, application.settings, whole, vault))


async def test_what_is_said_is_never_more_than_the_share(world: World) -> None:
    share = memory_share(world.platform.settings, world.platform.data_dir.vault).bytes
    await theirs(world, "large", share * 3 // 4)
    await theirs(world, "stopped", share, serves=False)
    more = await theirs(world, "more", share // 2, serves=False)
    with pytest.raises(InvalidInput, match="HEADWAY_ORGANIZATION_MEMORY"):
        await part(world, more, share)
    deployment = await world.stranger.post("/application.deploy", json={"applicationId": more})
    assert deployment.status_code == 200, deployment.text
    beside = await theirs(world, "beside", share // 8, serves=False)
    assert await part(world, beside, share) is not None


async def test_for_whom_nothing_is_said_shares_what_is_left(world: World) -> None:
    share = memory_share(world.platform.settings, world.platform.data_dir.vault).bytes
    plain = [await theirs(world, "one")]
    assert await part(world, plain[0], share) == share // 8
    plain += [await theirs(world, f"more {number}") for number in range(11)]
    parts = [await part(world, each, share) for each in plain]
    assert parts == [share // 12] * 12, "so many of them are not refused, and come to the share together"
    await theirs(world, "large", share - (1 << 30))
    with pytest.raises(InvalidInput, match="at least 64 MiB"):
        await part(world, plain[0], 1 << 30)
    assert await part(world, plain[0], share) == (1 << 30) // 12


async def test_the_first_organisation_has_what_it_likes(world: World) -> None:
    share = memory_share(world.platform.settings, world.platform.data_dir.vault).bytes
    mine = await world.application()
    await world.post("application.update", applicationId=mine, memoryLimit=str(share * 2))
    assert await part(world, mine, share) is None


async def test_who_had_more_before_the_upgrade_is_named(world: World) -> None:
    share = memory_share(world.platform.settings, world.platform.data_dir.vault).bytes
    await theirs(world, "large", share * 2)
    vault, other = world.platform.data_dir.vault, (await world.stranger.get("/organization.all")).json()[0]["id"]
    whole = Share(bytes=share, composes=lambda *_: 0)
    assert (await world.services.db.read(lambda tx: taken(tx, other, vault))).said == share * 2
    (line,) = await world.services.db.read(lambda tx: [each.sentence for each in survey(tx, vault, share=whole)])
    assert "Others" in line
    assert "what runs goes on" in line
