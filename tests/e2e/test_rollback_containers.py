"""Going back to an image on a real engine, after its repository and its registry are gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, boxing_panel, containers, images
from tests.e2e.test_image_source import image_application, push
from tests.support.docker.docker_engine import Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.support.panel.panel import Json, Panel, commit, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def back(running: Panel, release_id: str, **body: Json) -> str:
    answer = running.client.post("/rollback.rollback", json={"rollbackId": release_id, **body})
    assert answer.status_code == 200, answer.text
    return answer.headers["x-deployment-id"]


def two_versions(running: Panel, repository: Path, name: str, **fields: Json) -> tuple[str, str]:
    """(application, release of its first version)."""
    application_id = running.application(git_repository(repository, boxed_web("one")), name=name, **fields)
    first = running.done(running.deploy(application_id), BUILD_SECONDS)["deploymentId"]
    commit(repository, boxed_web("two"), "second")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit(name).text == "two"
    return application_id, first


def test_an_image_that_was_built_serves_again_without_its_repository(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id, first = two_versions(running, tmp_path / "repository", "backed")
    running.post("mounts.create", serviceId=application_id, type="file", content="x", mountPath="/since")
    running.post("application.update", applicationId=application_id, memoryLimit="512M")
    shutil.rmtree(tmp_path / "repository")

    row = running.done(back(running, first))

    assert running.visit("backed").text == "one"
    assert running.one(first)["rollback"]["image"].endswith(f":r-{first}")
    until(lambda: containers(docker_engine, application_id) == ["running"], 45, what="the one before is gone")
    (container,) = inspected(docker_engine, application_id)
    assert container["Mounts"] == []
    assert container["HostConfig"]["Memory"] != 512 << 20
    assert container["Config"]["Labels"]["headway.deployment"] == row["deploymentId"]


def test_an_image_of_a_registry_serves_again_while_that_is_off(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    if lacks_registry() is not None:
        pytest.skip(lacks_registry() or "")
    with registry(tmp_path / "registry") as address:
        name = f"{address}/team/back:main"
        credentials = {"registryUrl": address, "username": USERNAME, "password": PASSWORD}
        application_id = image_application(running, "fetched", name, **credentials)
        for version in ("one", "two"):
            push(docker_engine, tmp_path / version, name, version)
            running.done(running.deploy(application_id), BUILD_SECONDS)
    first = running.get("deployment.all", applicationId=application_id)[1]["rollbackId"]

    running.done(back(running, first))

    until(lambda: running.visit("fetched").text == "one", what="the first one serves")


def test_a_volume_has_one_writer_and_the_one_before_comes_back(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id, first = two_versions(running, tmp_path / "repository", "voluminous")
    running.post("mounts.create", serviceId=application_id, type="volume", volumeName="files", mountPath="/data")
    second = running.done(running.deploy(application_id), BUILD_SECONDS)["deploymentId"]
    commit(tmp_path / "repository", boxed_web("three"), "third")
    running.done(running.deploy(application_id), BUILD_SECONDS)

    row = running.done(back(running, second))
    assert running.visit("voluminous").text == "two"
    assert "for one release at a time: the old one stops" in running.deployment_log(row["deploymentId"])
    running.done(back(running, first))  # which has no mount
    until(lambda: containers(docker_engine, application_id) == ["running"], what="the one before is gone")
    (container,) = inspected(docker_engine, application_id)
    assert container["Mounts"] == []


def test_images_go_with_the_last_release_that_has_them_and_none_before(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id, first = two_versions(running, tmp_path / "repository", "counted")
    image = image_id(docker_engine, running, first)
    again = running.done(back(running, first))["deploymentId"]
    until(lambda: running.get("release.one", releaseId=first)["state"] == "kept")
    running.post("rollback.delete", rollbackId=first)
    assert image_id(docker_engine, running, again) == image
    assert running.visit("counted").text == "one"
    assert len(images(docker_engine, application_id)) == 2


def test_an_image_that_was_removed_by_hand_is_said_to_be_gone(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id, first = two_versions(running, tmp_path / "repository", "pruned")
    until(lambda: containers(docker_engine, application_id) == ["running"], what="the one before is gone")
    docker_engine.docker("image", "rm", "--force", running.one(first)["rollback"]["image"])

    answer = running.client.post("/rollback.rollback", json={"rollbackId": first})

    assert answer.status_code == 400
    assert "is not on this machine any more; deploy that commit again." in answer.json()["message"]
    until(lambda: not running.one(first)["rollback"]["usable"], 45, what="its row says so")
    assert running.visit("pruned").text == "two"


def image_id(engine: Engine, running: Panel, release_id: str) -> str:
    name = running.one(release_id)["rollback"]["image"]
    return engine.docker("image", "inspect", "--format={{.Id}}", name).strip()


def inspected(engine: Engine, application_id: str) -> list[Json]:
    mine = f"label=headway.application={application_id}"
    ids = engine.docker("container", "ls", "--quiet", "--filter", mine).split()
    found: list[Json] = json.loads(engine.docker("container", "inspect", *ids))
    return found
