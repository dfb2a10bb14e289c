"""The record of a build on the wire, and applications of before that stay with the rules that they were released by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headway.drivers.buildplan.settings import FIRST
from headway.features.services import store as services_store
from headway.features.services.application import detection_rules, store
from headway.features.services.model import ReleaseState
from headway.infra.db.transaction import Tx
from tests.integration.http.test_detect import looked_at
from tests.integration.http.world import World

FILES = {"index.html": "x", "Cargo.toml": "[package]\n"}


async def test_the_record_is_given_back_and_its_parts_by_the_names_of_others(world: World) -> None:
    application_id = await world.application(buildCommand="make")
    await world.post("application.update", applicationId=application_id, build={"start": "./run", "fallback": True})
    found = await world.get("application.one", applicationId=application_id)
    assert found["build"] == {
        "provider": None,
        "package": None,
        "install": None,
        "build": "make",
        "start": "./run",
        "release": None,
        "publish": None,
        "fallback": True,
        "versions": {},
        "keep": [],
        "detection": 2,
    }
    assert (found["startCommand"], found["buildCommand"], found["isStaticSpa"]) == ("./run", "make", True)


async def test_what_was_released_before_stays_as_it_was_planned_until_its_owner_wants_otherwise(
    world: World, tmp_path: Path
) -> None:
    application_id = await looked_at(world, FILES, tmp_path / "r")
    await older(world, application_id)
    assert (await world.get("application.detect", applicationId=application_id))["problem"].startswith("This is a Rust")

    await world.release(application_id)
    found = await world.get("application.detect", applicationId=application_id)
    assert (found["language"], found["reasons"][0]) == ("static", "Static site: the folder itself")
    assert "apps set APP --detection newest" in found["reasons"][1]
    tried = await world.get("application.detect", applicationId=application_id, detection=2)
    assert tried["problem"].startswith("This is a Rust")

    await world.post("application.update", applicationId=application_id, build={"detection": 2})
    assert (await world.get("application.detect", applicationId=application_id))["problem"].startswith("This is a Rust")


async def test_an_upgrade_is_told_which_applications_stay_as_they_are(world: World) -> None:
    application_id = await world.application(name="shop")
    await older(world, application_id)
    await world.release(application_id, state=ReleaseState.SERVING)
    vault = world.platform.data_dir.vault
    lines = await world.services.db.read(lambda tx: list(detection_rules.survey(tx, vault)))
    assert [(each.what, each.setting, each.refused) for each in lines] == [
        ("application shop", "build.detection 1", False)
    ]


async def older(world: World, application_id: str) -> None:
    """As an application of an earlier version is read."""

    def write(tx: Tx) -> None:
        vault = world.platform.data_dir.vault
        found = store.find(tx, application_id, vault).settings
        settings = replace(found, build=replace(found.build, detection=FIRST))
        services_store.set_fields(tx, application_id, settings=services_store.kept(settings, vault))

    await world.services.db.run(write)
