"""Another organisation's services take so much of the machine's memory together, in containers or as processes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headway.core.access.survey import Line
from headway.core.deployments import store as deployments
from headway.core.deployments.run import RunFailed
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.memory_share_store import MemoryShare, survey
from headway.features.services.application.model import AppSettings, LimitSettings
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.model import DesiredState, ReleaseState
from headway.kernel.artifacts import Bundle, Commit
from tests.integration.http.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


GIB = 1 << 30
SHARE = 4 * GIB


def snapshot(limit: int | None) -> Snapshot:
    """Of a release with this limit."""
    commit = Commit(hash="c" * 40, subject="First", author="", branch="main")
    artifact = dump_artifact(Bundle(folder="/x"))
    settings = AppSettings(limits=LimitSettings(memory_bytes=limit))
    return Snapshot(commit=commit, artifact=artifact, settings=settings, variables={}, mask=(), hosts=())


async def theirs(
    world: World, name: str, limit: int | None = None, *, serves: bool = True, served: int | None = -1
) -> str:
    """An application of the other organisation, which has this limit, and ``served`` with that one."""
    made = (await world.stranger.post("/project.create", json={"name": name})).json()
    body = {"name": name, "environmentId": made["environment"]["environmentId"]}
    application_id = str((await world.stranger.post("/application.create", json=body)).json()["applicationId"])
    if limit is not None:
        change = {"applicationId": application_id, "memoryLimit": str(limit)}
        answer = await world.stranger.post("/application.update", json=change)
        assert answer.status_code == 200, answer.text
    if serves:
        made_of = snapshot(limit if served == -1 else served)
        await world.release(application_id, made_of, state=ReleaseState.SERVING)
        await world.services.db.run(lambda tx: services_store.set_fields(tx, application_id, wanted=DesiredState.UP))
    return application_id


def planner(world: World, *, composes: int = 0) -> ApplicationPlanner:
    """What plans deploys where the organisation's ``composes`` were told that they may take so much."""
    share = MemoryShare(bytes=SHARE, composes=lambda *_: composes, unsaid=3 * GIB)

    def nothing(*_: object) -> None:
        return None

    vault = world.platform.data_dir.vault
    given: Any = {"open_key": nothing, "open_registry": nothing, "repository": nothing}
    return ApplicationPlanner(vault=vault, uid_base=None, memory_share=share, **given)


async def deploy(world: World, application_id: str, *, composes: int = 0) -> ApplicationPlan:
    """What its next deploy would run with. Raises RunFailed."""
    source = {"applicationId": application_id, "customGitUrl": "https://git.example/shop.git", "sourceType": "git"}
    assert (await world.stranger.post("/application.update", json=source)).status_code == 200
    answer = await world.stranger.post("/application.deploy", json={"applicationId": application_id})
    assert answer.status_code == 200, answer.text
    plans, id_ = planner(world, composes=composes), answer.headers["x-deployment-id"]
    return ApplicationPlan.load(
        (await world.services.db.read(lambda tx: plans.freeze(tx, deployments.find(tx, id_)))).plan,
    )


async def listed(world: World, *, composes: int = 0) -> list[Line]:
    """What the survey says."""
    share, vault = planner(world, composes=composes).memory_share, world.platform.data_dir.vault
    return await world.services.db.read(lambda tx: list(survey(tx, vault, share=share)))


async def test_a_limit_that_is_set_beyond_the_share_is_refused_at_the_deploy(world: World) -> None:
    await theirs(world, "large", 3 * GIB)
    await theirs(world, "stopped", SHARE, serves=False)
    more = await theirs(world, "more", 2 * GIB, serves=False)
    with pytest.raises(RunFailed, match="HEADWAY_ORGANIZATION_MEMORY") as refused:
        await deploy(world, more)
    assert "2048 MiB of memory, and of the 4096 MiB" in refused.value.message
    assert "1024 MiB are left" in refused.value.message
    raised = await theirs(world, "raised", GIB + 1, served=GIB)
    with pytest.raises(RunFailed, match="HEADWAY_ORGANIZATION_MEMORY"):
        await deploy(world, raised)
    fits = await theirs(world, "fits", GIB // 2, serves=False)
    with pytest.raises(RunFailed, match="0 MiB are left"):
        await deploy(world, fits, composes=SHARE)


async def test_who_says_nothing_has_what_it_had_and_is_refused_nothing(world: World) -> None:
    await theirs(world, "large", SHARE)
    for name in ("one", "two"):
        plan = await deploy(world, await theirs(world, name, serves=False), composes=SHARE)
        assert "memory_part" not in plan.dump(), "and no part is made of what is left"


@pytest.mark.parametrize("served", [2 * GIB, 3 * GIB, None])
async def test_what_served_with_as_much_goes_on(world: World, served: int | None) -> None:
    await theirs(world, "large", SHARE)
    same = await theirs(world, "same", 2 * GIB, served=served)
    assert (await deploy(world, same, composes=SHARE)).settings.limits.memory_bytes == 2 * GIB


async def test_going_back_and_looking_ask_for_no_room(world: World) -> None:
    await theirs(world, "large", SHARE)
    beyond = await theirs(world, "beyond", SHARE, served=GIB)
    plans, vault = planner(world, composes=SHARE), world.platform.data_dir.vault
    source = {"applicationId": beyond, "customGitUrl": "https://git.example/shop.git", "sourceType": "git"}
    assert (await world.stranger.post("/application.update", json=source)).status_code == 200
    application = await world.services.db.read(lambda tx: store.find(tx, beyond, vault))
    for keep in (True, False):
        plan_back = partial(plans.plan_back, application=application, snapshot=snapshot(2 * GIB))
        back = await world.services.db.read(partial(plan_back, keep_configuration=keep))
        assert back.settings.limits.memory_bytes == (SHARE if keep else 2 * GIB)
    looked = await world.services.db.read(lambda tx: plans.plan(tx, application, commit=None, allow_file=False))
    assert looked.settings.limits.memory_bytes == SHARE


async def test_who_has_the_machine_has_what_it_likes_and_is_not_listed(world: World) -> None:
    beyond = await theirs(world, "beyond", SHARE * 2, served=GIB)
    assert len(await listed(world)) == 1
    (other,) = (await world.stranger.get("/organization.all")).json()
    await world.post("organization.grantMachine", organizationId=other["id"])
    assert (await deploy(world, beyond, composes=SHARE)).settings.limits.memory_bytes == SHARE * 2
    assert await listed(world) == []


async def test_who_had_more_before_the_upgrade_is_named(world: World) -> None:
    await theirs(world, "large", SHARE * 2)
    (line,) = await listed(world)
    assert "Others" in line.sentence
    assert "what runs goes on" in line.sentence
    assert not line.refused, "its next deploy is taken too"
    (line,) = await listed(world, composes=SHARE + 1)
    assert line.refused, "compose files beyond the share are not"
