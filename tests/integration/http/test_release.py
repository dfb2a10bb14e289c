"""``release.*``: what is told of a release, and what is not."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from headway.drivers.buildplan.settings import BuildSettings
from headway.features.services.application.api.release_rows import ReleaseDetails, ReleaseRow
from headway.features.services.application.model import AppSettings, LimitSettings, VariableSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.model import ReleaseState
from headway.kernel.artifacts import Commit
from tests.integration.http.preview_rows import previews_of
from tests.integration.http.world import World

COMMIT = Commit(hash="a" * 40, subject="First", author="Ann", branch="main")


def snapshot(processes: dict[str, int] | None = None, **fields: Any) -> Snapshot:  # noqa: ANN401 - fields
    bundle = {
        "processes": [{"name": name, "command": "x", "scale": scale} for name, scale in (processes or {}).items()],
        "static_root": None if processes else "dist",
    }
    plain = {"settings": AppSettings(), "variables": {}, "mask": (), "hosts": ("shop.localhost",), **fields}
    return Snapshot(commit=COMMIT, artifact={"bundle": bundle}, **plain)


async def test_releases_are_listed_with_what_they_hold_the_newest_first(world: World) -> None:
    application_id = await world.application()
    older = await world.release(application_id, snapshot({"web": 2, "worker": 3}), port=20_001, more_ports=(20_002,))
    newer = await world.release(application_id, snapshot(), bytes=4096)

    rows = await world.get("release.all", applicationId=application_id)

    TypeAdapter(list[ReleaseRow]).validate_python(rows)
    assert [row["releaseId"] for row in rows] == [newer, older]
    assert [row["version"] for row in rows] == [2, 1]
    assert (rows[1]["port"], rows[1]["ports"]) == (20_001, [20_001, 20_002])
    assert rows[1]["processes"] == [{"name": "web", "scale": 2}, {"name": "worker", "scale": 3}]
    assert rows[0]["processes"] == [{"name": "web", "scale": 1}]
    assert (rows[0]["bytes"], rows[0]["up"]) == (4096, False)
    assert rows[0]["commit"] == {"hash": "a" * 40, "message": "First", "author": "Ann", "branch": "main"}


async def test_a_state_is_told_by_what_it_means(world: World) -> None:
    application_id = await world.application()
    for state in ReleaseState:
        await world.release(application_id, state=state)
    rows = await world.get("release.all", applicationId=application_id)
    assert {row["state"] for row in rows} == {"starting", "serving", "retiring", "kept"}


async def test_one_shows_its_configuration_and_no_secret(world: World) -> None:
    variables = {"TOKEN": "hunter2-token", "LOG_LEVEL": "debug", "REGION": "eu", "NODE_ENV": "hunter2-hidden"}
    settings = AppSettings(
        variables=VariableSettings(open=("REGION",)),
        build=BuildSettings(start="./run"),
        limits=LimitSettings(memory_bytes=1 << 28),
    )
    application_id = await world.application()
    made = snapshot({"web": 1}, variables=variables, mask=("hunter2-hidden",), settings=settings)
    release_id = await world.release(application_id, made)

    one = await world.get("release.one", releaseId=release_id)

    TypeAdapter(ReleaseDetails).validate_python(one)
    shown = {each["name"]: each["value"] for each in one["variables"]}
    assert shown == {"TOKEN": None, "LOG_LEVEL": "debug", "REGION": "eu", "NODE_ENV": None}
    assert (one["startCommand"], one["memoryLimit"], one["hosts"]) == ("./run", "268435456", ["shop.localhost"])


async def test_a_release_of_a_version_that_kept_nothing_of_it_is_told_as_far_as_it_is_known(world: World) -> None:
    application_id = await world.application()
    release_id = await world.release(application_id)
    one = await world.get("release.one", releaseId=release_id)
    TypeAdapter(ReleaseDetails).validate_python(one)
    assert (one["commit"]["hash"], one["processes"], one["variables"]) == ("c" * 40, [], [])


async def test_what_a_release_runs_with_is_sealed_at_rest(world: World) -> None:
    application_id = await world.application()
    await world.release(application_id, snapshot({"web": 1}, variables={"TOKEN": "hunter2-token"}))
    database = world.platform.data_dir.path
    assert [file.name for file in database.iterdir() if file.is_file() and b"hunter2" in file.read_bytes()] == []


async def test_of_a_preview_nothing_is_kept_but_what_serves_and_what_still_drains(world: World) -> None:
    application_id = await world.application(customGitBranch="main")
    preview_id = (await previews_of(world, application_id))["preview"]
    states = (ReleaseState.RETIRED, ReleaseState.RETIRED, ReleaseState.RETIRING, ReleaseState.SERVING)
    lifecycle = world.services.consoles.lifecycle
    for service_id, beyond in ((application_id, 0), (preview_id, 2)):
        made = [await world.release(service_id, state=each) for each in states]
        _, not_kept = await lifecycle.beyond(service_id)
        assert {each.release_id for each in not_kept} == {*made[:beyond]}
