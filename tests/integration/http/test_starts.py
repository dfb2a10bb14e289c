"""What a start answers: at once, with all around the service, whose status is running until it was seen to serve."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from headway.features.services import releases_store
from headway.infra.docker import labels
from tests.integration.http.test_compose_records import served
from tests.integration.http.world import World, open_world
from tests.support.docker.told_engine import told_engine

Json = Any


@asynccontextmanager
async def engined(folder: Path, containers: Sequence[Json] = ()) -> AsyncIterator[World]:
    """A panel whose engine has these containers, whatever is asked for, and says that it does what it is told."""

    def tell(path: str) -> Json:
        return containers if path == "/containers/json" else [] if path.endswith("/json") else {}

    address = f"unix://{folder / 'engine.sock'}"
    async with told_engine(folder, tell), open_world(folder / "data", HEADWAY_DOCKER_HOST=address) as world:
        yield world


async def test_a_compose_service_is_running_until_it_was_seen_to_serve(tmp_path: Path) -> None:
    async with engined(tmp_path) as world:
        compose_id, _ = await served(world)
        await world.post("compose.stop", composeId=compose_id)
        assert (await world.get("compose.one", composeId=compose_id))["composeStatus"] == "idle"
        assert await world.post("compose.start", composeId=compose_id) is True
        assert (await world.get("compose.one", composeId=compose_id))["composeStatus"] == "running"


async def test_an_application_is_answered_as_it_is_shown_and_is_running(tmp_path: Path) -> None:
    container = {"Id": "c" * 64, "Labels": {labels.RELEASE: "its"}}
    async with engined(tmp_path, [container]) as world:
        application_id = await world.application()
        release_id = await world.release(application_id, runtime="container")
        await world.services.db.run(lambda tx: releases_store.make_serving(tx, application_id, release_id))
        answer = await world.post("application.start", applicationId=application_id)
        assert answer == await world.get("application.one", applicationId=application_id)
        assert (answer["applicationStatus"], answer["environment"]["project"]["name"]) == ("running", "bench")
