"""``rollback.*`` and the rows: what one can go back to, what one is told of it, and who may."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from headway.core.deployments.model import Lane, Trigger
from headway.core.deployments.status import Intent, Status
from headway.features.deployments.api.rollback_rows import LeftRow
from headway.features.rollbacks.api.rows import PreviewRow, RemovedRow
from headway.features.rollbacks.readiness import Readiness
from headway.features.services import releases_store
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationDriver
from headway.features.services.application.model import AppSettings, VariableSettings
from headway.features.services.application.rollbacks import ApplicationRollbacks
from headway.features.services.model import Release, ReleaseState
from tests.integration.http.test_metrics import figure, figures_of
from tests.integration.http.test_release import snapshot
from tests.integration.http.world import World

Json = Any


async def left(world: World, **fields: Json) -> tuple[str, str]:
    """(application, release) of a deployment that was done, and another that serves."""
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    release_id = await world.kept(application_id, deployment_id=deployment_id, **fields)
    await world.release(application_id, snapshot(), state=ReleaseState.SERVING)
    return application_id, release_id


async def row_of(world: World, application_id: str) -> Json:
    (row,) = await world.get("deployment.all", applicationId=application_id)
    return row


async def release(world: World, release_id: str) -> Release:
    found = await world.services.db.read(lambda tx: store.release(tx, release_id))
    assert found is not None
    return found


async def test_a_row_shows_what_its_deployment_left(world: World) -> None:
    application_id, release_id = await left(world, image="shop:1")

    row = await row_of(world, application_id)

    TypeAdapter(LeftRow).validate_python(row["rollback"])
    assert row["rollbackId"] == row["rollback"]["rollbackId"] == release_id
    shown = {name: row["rollback"][name] for name in ("version", "image", "usable", "whyNot", "serves", "fullContext")}
    assert shown == {
        "version": 1,
        "image": "shop:1",
        "usable": True,
        "whyNot": None,
        "serves": False,
        "fullContext": None,
    }


async def test_every_list_shows_it(world: World) -> None:
    application_id, release_id = await left(world)
    lists = (
        await world.get("deployment.all", applicationId=application_id),
        await world.get("deployment.allByType", id=application_id, type="application"),
        await world.get("deployment.allCentralized"),
        (await world.get("deployment.search"))["rows"],
        (await world.get("application.one", applicationId=application_id))["deployments"],
        [await world.get("deployment.one", deploymentId=(await row_of(world, application_id))["deploymentId"])],
    )
    assert [rows[0]["rollbackId"] for rows in lists] == [release_id] * len(lists)


async def test_a_row_that_was_shown_before_shows_what_has_become_of_its_release(world: World) -> None:
    application_id, release_id = await left(world)
    assert (await row_of(world, application_id))["rollback"]["usable"] is True
    await world.services.db.run(lambda tx: releases_store.seen(tx, release_id, "Its files are gone."))
    assert (await row_of(world, application_id))["rollback"]["whyNot"] == "Its files are gone."
    await world.services.db.run(lambda tx: releases_store.remove(tx, release_id))
    row = await row_of(world, application_id)
    assert (row["rollback"], row["rollbackId"]) == (None, None)


async def test_a_release_that_is_only_being_made_is_not_shown(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    release_id = await world.kept(application_id, deployment_id=deployment_id, state=ReleaseState.STARTING)
    assert (await row_of(world, application_id))["rollback"] is None
    assert (await world.owner.post("/rollback.rollback", json={"rollbackId": release_id})).status_code == 404


async def test_it_is_queued_before_everything_else_and_by_its_own_name(world: World) -> None:
    application_id, release_id = await left(world)

    answer = await world.owner.post("/rollback.rollback", json={"rollbackId": release_id, "title": "back!"})

    assert (answer.status_code, answer.content) == (200, b"")
    row = await world.get("deployment.one", deploymentId=answer.headers["x-deployment-id"])
    told = (row["kind"], row["trigger"], row["title"], row["status"], row["applicationId"])
    assert told == ("application.rollback", "rollback", "back!", "pending", application_id)
    assert row["triggeredBy"]["name"] == "Owner"
    claimed = await world.services.db.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT lane FROM deployments ORDER BY seq DESC").scalar()
    )
    assert claimed == Lane.ROLLBACK


async def test_it_ends_what_waits_and_what_runs_of_its_service(world: World) -> None:
    application_id, release_id = await left(world)
    running = await world.deploy(application_id)
    await world.claim()
    waiting = await world.deploy(application_id)
    other = await world.deploy(await world.application("other"))

    await world.post("rollback.rollback", rollbackId=release_id)

    ended = await world.get("deployment.one", deploymentId=waiting)
    assert (ended["status"], ended["reason"]) == ("error", "superseded")
    found = await world.services.db.read(
        lambda tx: tx.connection.exec_driver_sql(
            "SELECT deployment_id, intent FROM deployments WHERE intent IS NOT NULL"
        ).all()
    )
    assert [tuple(each) for each in found] == [(running, Intent.SUPERSEDE)]
    assert (await world.get("deployment.one", deploymentId=other))["status"] == Status.PENDING


async def test_a_call_with_a_key_goes_back_once(world: World) -> None:
    application_id, release_id = await left(world)
    headers = {"idempotency-key": "once"}
    answers = [
        await world.owner.post("/rollback.rollback", json={"rollbackId": release_id}, headers=headers) for _ in range(2)
    ]
    assert len({each.headers["x-deployment-id"] for each in answers}) == 1
    assert answers[1].headers["idempotent-replayed"] == "true"
    rows = await world.get("deployment.all", applicationId=application_id)
    assert sum(row["trigger"] == Trigger.ROLLBACK for row in rows) == 1


async def test_a_release_whose_files_are_gone_says_so_and_queues_nothing(world: World) -> None:
    application_id, release_id = await left(world)
    shutil.rmtree((await release(world, release_id)).folder)

    answer = await world.owner.post("/rollback.rollback", json={"rollbackId": release_id})

    why = "Version 1 cannot be gone back to: Its files are not on this machine any more; deploy that commit again."
    assert (answer.status_code, answer.json()["message"]) == (400, why)
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1


async def test_the_one_that_serves_cannot_be_gone_back_to_nor_removed(world: World) -> None:
    application_id = await world.application()
    release_id = await world.kept(
        application_id, deployment_id=await world.ended(application_id), state=ReleaseState.SERVING
    )
    row = await row_of(world, application_id)
    assert (row["rollback"]["serves"], row["rollback"]["usable"]) == (True, False)
    back = await world.owner.post("/rollback.rollback", json={"rollbackId": release_id})
    assert (back.status_code, back.json()["message"]) == (400, "Version 1 cannot be gone back to: It serves now.")
    assert (await world.owner.post("/rollback.delete", json={"rollbackId": release_id})).status_code == 409


async def test_one_of_an_older_headway_says_that_nothing_was_kept(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    release_id = await world.release(application_id, deployment_id=deployment_id, state=ReleaseState.RETIRED)
    row = await row_of(world, application_id)
    assert row["rollback"]["whyNot"].startswith("What it ran with was not kept")
    answer = await world.owner.post("/rollback.rollback", json={"rollbackId": release_id})
    assert answer.status_code == 400
    assert (await world.owner.get("/rollback.preview", params={"rollbackId": release_id})).status_code == 400


async def test_removing_it_leaves_the_deployment_and_takes_the_files(world: World) -> None:
    application_id, release_id = await left(world)
    folder = Path((await release(world, release_id)).folder)

    removed = await world.post("rollback.delete", rollbackId=release_id)

    TypeAdapter(RemovedRow).validate_python(removed)
    row = await row_of(world, application_id)
    assert removed["deployment"]["deploymentId"] == row["deploymentId"]
    assert (row["rollback"], row["status"], folder.exists()) == (None, "done", False)
    again = await world.owner.post("/rollback.delete", json={"rollbackId": release_id})
    assert (again.status_code, again.json()["message"]) == (404, "Rollback not found")


async def test_files_that_another_release_has_too_stay(world: World) -> None:
    application_id, release_id = await left(world)
    folder = (await release(world, release_id)).folder
    await world.release(application_id, snapshot(), state=ReleaseState.RETIRED, folder=folder, origin=release_id)
    await world.post("rollback.delete", rollbackId=release_id)
    assert Path(folder).is_dir()


async def test_one_that_is_being_gone_back_to_is_not_removed(world: World) -> None:
    _, release_id = await left(world)
    await world.post("rollback.rollback", rollbackId=release_id)
    answer = await world.owner.post("/rollback.delete", json={"rollbackId": release_id})
    assert answer.status_code == 409


async def test_one_that_is_being_removed_is_not_gone_back_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application_id, release_id = await left(world)
    is_going = asyncio.Event()

    async def discard(_driver: ApplicationDriver, _release: Release) -> None:
        is_going.set()
        await asyncio.sleep(0.3)

    monkeypatch.setattr(ApplicationDriver, "discard", discard)
    removal = asyncio.create_task(world.owner.post("/rollback.delete", json={"rollbackId": release_id}))
    await is_going.wait()
    back = await world.owner.post("/rollback.rollback", json={"rollbackId": release_id})
    assert ((await removal).status_code, back.status_code) == (200, 404)
    assert len(await world.get("deployment.all", applicationId=application_id)) == 1


async def test_one_that_is_gone_back_to_before_it_is_removed_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, release_id = await left(world)
    remove = ApplicationRollbacks.remove

    async def remove_later(form: ApplicationRollbacks, found: Release) -> bool:
        await world.post("rollback.rollback", rollbackId=release_id)
        return await remove(form, found)

    monkeypatch.setattr(ApplicationRollbacks, "remove", remove_later)
    answer = await world.owner.post("/rollback.delete", json={"rollbackId": release_id})
    assert answer.status_code == 409
    assert Path((await release(world, release_id)).folder).is_dir()


async def test_what_is_cleared_away_is_looked_at_again_just_before(world: World) -> None:
    _, release_id = await left(world)
    found = await release(world, release_id)
    await world.post("rollback.rollback", rollbackId=release_id)  # since it was found not to be kept
    await world.services.applications.lifecycle.let_go(found)
    assert Path((await release(world, release_id)).folder).is_dir()


async def test_a_preview_tells_what_would_differ_and_no_secret(world: World) -> None:
    application_id = await world.application()
    shown = AppSettings(variables=VariableSettings(open=("COLOUR", "GONE", "PLAIN")))
    before, now = {"COLOUR": "red", "GONE": "1"}, {"COLOUR": "blue", "PLAIN": "x"}
    old = snapshot({"web": 1}, variables={**before, "API_TOKEN": "old-secret-1"}, settings=shown)
    new = snapshot({"web": 1}, variables={**now, "API_TOKEN": "new-secret-2"}, settings=shown)
    old = replace(
        old,
        settings=replace(old.settings, limits=replace(old.settings.limits, memory_bytes=64 << 20)),
        commit=replace(old.commit, subject="Old"),
    )
    old_bundle = {"bundle": {**old.artifact["bundle"], "folder": "/nowhere", "release_command": "migrate"}}
    old = replace(old, artifact=_whole(old_bundle))
    new = replace(new, artifact=_whole({"bundle": {**new.artifact["bundle"], "folder": "/nowhere"}}))
    release_id = await world.release(application_id, old, state=ReleaseState.RETIRED)
    await world.release(application_id, new, state=ReleaseState.SERVING)

    answer = await world.owner.get("/rollback.preview", params={"rollbackId": release_id})

    told = answer.json()
    TypeAdapter(PreviewRow).validate_python(told)
    assert "secret-" not in answer.text
    assert (told["usable"], told["to"]["message"], told["now"]["version"]) == (False, "Old", 2)
    changes = {each["name"]: (each["what"], each["before"], each["after"], each["secret"]) for each in told["changes"]}
    assert changes == {
        "API_TOKEN": ("variable", None, None, True),
        "COLOUR": ("variable", "blue", "red", False),
        "GONE": ("variable", None, "1", False),
        "PLAIN": ("variable", "x", None, False),
        "memoryLimit": ("limit", None, str(64 << 20), False),
    }
    assert any("release command is not run again" in each for each in told["stays"])


async def test_a_preview_with_the_configuration_of_now_changes_none_of_it(world: World) -> None:
    application_id = await world.application()
    await world.post("application.saveEnvironment", applicationId=application_id, env="COLOUR=blue")
    old = snapshot({"web": 1}, variables={"COLOUR": "red"})
    old = replace(old, artifact=_whole({"bundle": {**old.artifact["bundle"], "folder": "/nowhere"}}))
    release_id = await world.release(application_id, old, state=ReleaseState.RETIRED)
    await world.release(application_id, replace(old, variables={"COLOUR": "blue"}), state=ReleaseState.SERVING)
    told = await world.get("rollback.preview", rollbackId=release_id, keepConfiguration="true")
    assert told["changes"] == []


async def test_what_is_kept_is_looked_at_and_an_obstacle_is_seen_and_seen_to_go(world: World) -> None:
    application_id, release_id = await left(world)
    folder = Path((await release(world, release_id)).folder)
    parts = world.services
    readiness = Readiness(db=parts.db, forms=parts.rollbacks.forms, events=parts.events, troubles=parts.troubles)
    folder.rename(folder.with_name("elsewhere"))
    await readiness.look_round()
    assert "not on this machine" in (await row_of(world, application_id))["rollback"]["whyNot"]
    assert figure(await figures_of(world), "headway_releases_kept", usable="no") == 1
    folder.with_name("elsewhere").rename(folder)
    await readiness.look_round()
    assert (await row_of(world, application_id))["rollback"]["usable"] is True
    samples = await figures_of(world)
    assert (figure(samples, "headway_releases_kept", usable="yes") or 0) >= 1
    assert figure(samples, "headway_releases_kept", usable="no") == 0


def _whole(artifact: Json) -> Json:
    bundle = {"release_command": None, "path": (), "env": {}, "bytes": 0, **artifact["bundle"]}
    return {"bundle": bundle}
