"""Two changes of one service's settings at once, where several may write: each is made over what the other has left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from headway.features.services import store as services_store
from headway.features.services.application import engine_fetch, loopback_store, store
from headway.features.services.application.model import AppSettings
from headway.features.services.uploads_model import Archive
from headway.infra.db.transaction import Tx
from headway.kernel.records import replaced
from tests.integration.http.world import KEYS, World, open_world
from tests.support.panel.permissions import permission

pytestmark = pytest.mark.postgres

ARCHIVE = Archive(digest="d" * 64, name="shop.zip", bytes=1, entries=1)
LONG_ENOUGH = 1.0  # for a change that nothing keeps waiting


async def uploads(world: World, application_id: str) -> None:
    actor = await world.services.access.authenticate(KEYS["owner"])
    assert actor is not None
    uploading = permission("application.dropDeployment")
    await world.services.applications.deploy(
        actor, uploading, application_id, change=lambda settings: replaced(settings, {"drop.archive": ARCHIVE})
    )


async def removes_the_key(world: World, _: str) -> None:
    (key,) = await world.get("sshKey.all")
    await world.post("sshKey.remove", sshKeyId=key["sshKeyId"])


async def has_built(world: World, application_id: str) -> None:
    vault = world.platform.data_dir.vault
    await world.services.db.run(lambda tx: engine_fetch.settle(tx, application_id, vault, fetches=False))


async def has_listened(world: World, application_id: str) -> None:
    vault = world.platform.data_dir.vault
    assert await world.services.db.run(lambda tx: loopback_store.answer(tx, application_id, [], vault))


OTHERS: dict[str, tuple[Callable[[World, str], Coroutine[Any, Any, None]], Callable[[AppSettings], bool]]] = {
    "an upload": (uploads, lambda settings: settings.drop.archive == ARCHIVE),
    "a key that is removed": (removes_the_key, lambda settings: settings.git.ssh_key_id is None),
    "a first build": (has_built, lambda settings: settings.engine_fetch is False),
    "its ports": (has_listened, lambda settings: settings.run.loopback == []),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_neither_of_two_is_lost(tmp_path: Path, postgres_database_url: str, name: str) -> None:
    other, is_there = OTHERS[name]
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=postgres_database_url) as world:
        key = (await world.post("sshKey.create", name="mine"))["sshKeyId"]
        application_id = await world.application(customGitSSHKeyId=key)
        vault = world.platform.data_dir.vault

        def as_before(tx: Tx) -> None:
            unasked = {"engine_fetch": None, "run.loopback": None}
            settings = replaced(store.find(tx, application_id, vault).settings, unasked)
            services_store.set_fields(tx, application_id, settings=services_store.kept(settings, vault))

        await world.services.db.run(as_before)
        actor = await world.services.access.authenticate(KEYS["owner"])
        assert actor is not None
        begun, go_on = threading.Event(), threading.Event()

        def slowly(settings: AppSettings) -> AppSettings:
            begun.set()
            go_on.wait(20)
            return replaced(settings, {"hooks.auto_deploy": False})

        async with asyncio.timeout(60), asyncio.TaskGroup() as both:
            updating = permission("application.update")
            both.create_task(world.services.applications.update(actor, updating, application_id, slowly))
            assert await asyncio.to_thread(begun.wait, 20)
            late = both.create_task(other(world, application_id))
            await asyncio.wait({late}, timeout=LONG_ENOUGH)
            go_on.set()
        settings = (await world.services.applications.one(actor, updating, application_id)).settings
        assert (settings.hooks.auto_deploy, is_there(settings)) == (False, True)
