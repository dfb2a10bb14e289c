"""What runs of a pull request has what its application was given, for as long as that is so, and nothing of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from headway.core.access.allowances import NotAllowed
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.model import Application
from headway.features.services.powers import may_fetch
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.world import World, open_world

A_BIND = {"type": "bind", "hostPath": "/srv", "mountPath": "/srv"}


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def previewed(world: World) -> tuple[str, Application]:
    """An organisation that was given the machine, and a preview of its application with a bind mount."""
    rows = await world.get("organization.machine")
    other = next(each["organizationId"] for each in rows if not each["owns"])
    await world.post("organization.grantMachine", organizationId=other)
    place = (await world.stranger.post("/project.create", json={"name": "p"})).json()["environment"]
    body = {"name": "shop", "environmentId": place["environmentId"]}
    shop = (await world.stranger.post("/application.create", json=body)).json()["applicationId"]
    answer = await world.stranger.post("/mounts.create", json={"serviceId": shop, **A_BIND})
    assert answer.status_code == 200, answer.text
    vault = world.platform.data_dir.vault

    def add(tx: Tx) -> Application:
        parent = store.find(tx, shop, vault)
        preview = replace(
            parent,
            service_id=new_id(),
            app_name=f"{parent.app_name}-pr",
            host_name=f"{parent.host_name}-pr",
            preview_of=shop,
            build_uid=None,
            run_uid=None,
        )
        services_store.add(tx, preview, vault)
        return store.find(tx, preview.service_id, vault)

    return other, await world.services.db.run(add)


async def start(world: World, preview: Application) -> None:
    """As a deploy of the preview asks. Raises NotAllowed."""
    vault = world.platform.data_dir.vault
    await world.services.db.read(lambda tx: powers.require_start(tx, preview, preview.settings, vault))


async def test_a_preview_starts_no_more_once_the_machine_is_taken_back(world: World) -> None:
    other, preview = await previewed(world)
    assert preview.settings.run.mounts
    await start(world, preview)
    await world.post("organization.withdrawMachine", organizationId=other)
    with pytest.raises(NotAllowed, match="/srv"):
        await start(world, preview)


async def test_a_preview_has_no_power_that_its_application_was_not_given(world: World) -> None:
    _, preview = await previewed(world)
    (mount,) = preview.settings.run.mounts
    own = replace(
        preview,
        settings=replace(preview.settings, run=replace(preview.settings.run, mounts=(replace(mount, source="/etc"),))),
    )
    with pytest.raises(NotAllowed, match="/etc"):
        await start(world, own)


async def test_a_preview_of_a_folder_of_the_machine_is_fetched_by_nobody(world: World) -> None:
    _, preview = await previewed(world)
    settings = replace(preview.settings, git=replace(preview.settings.git, url="file:///srv/other"), source_type="git")
    assert not await world.services.db.read(lambda tx: may_fetch(tx, preview, settings.git.url))
