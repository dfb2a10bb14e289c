"""Applications that are there as images: from a real registry, with and without the right password, and by digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, boxing_panel
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.support.panel.panel import Panel, until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(lacks_registry() is not None, reason=lacks_registry() or ""),
]
DOCKERFILE = f"FROM {BASE_IMAGE}\nCOPY app.py /app.py\nEXPOSE 3000\nCMD exec python3 -u /app.py\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as up:
        yield up


def push(engine: Engine, folder: Path, name: str, version: str, *options: str) -> None:
    """An image in the registry, and no more on the engine."""
    folder.mkdir(exist_ok=True)
    for file, text in boxed_web(version, DOCKERFILE).items():
        (folder / file).write_text(text)
    address = name.partition("/")[0]
    configuration = str(folder / "configuration")
    engine.docker(
        *("--config", configuration, "login", f"--username={USERNAME}", "--password-stdin", address),
        stdin=PASSWORD.encode(),
    )
    engine.docker("build", "--quiet", f"--tag={name}", *options, str(folder), timeout=90)
    engine.docker("--config", configuration, "push", "--quiet", name)
    engine.docker("image", "rm", "--force", name)


def image_application(running: Panel, name: str, image: str, **fields: str) -> str:
    environment_id = running.post("project.create", name=name)["environment"]["environmentId"]
    made = running.post("application.create", name=name, environmentId=environment_id)
    given = {"dockerImage": image, "username": None, "password": None, **fields}
    running.post("application.saveDockerProvider", applicationId=made["applicationId"], **given)
    application_id: str = made["applicationId"]
    return application_id


def test_an_image_is_fetched_with_a_password_and_deployed_again_by_its_digest(
    running: Panel, docker_engine: Engine, address: str, tmp_path: Path
) -> None:
    name = f"{address}/team/shop:main"
    push(docker_engine, tmp_path / "one", name, "one")
    made = running.post("registry.create", registryName="r", registryUrl=address, username=USERNAME, password=PASSWORD)
    application_id = image_application(running, "imaged", name, registryId=made["registryId"])

    row = running.done(running.deploy(application_id), BUILD_SECONDS)

    assert running.visit("imaged").text == "one"
    assert row["description"].startswith(f"Image: {name} (")
    assert PASSWORD not in running.deployment_log(row["deploymentId"])
    assert not [path for path in (running.work / "logins").rglob("*") if path.is_file()]

    push(docker_engine, tmp_path / "two", name, "two")
    running.done(running.deploy(application_id, "application.redeploy"), BUILD_SECONDS)
    assert running.visit("imaged").text == "one"
    running.done(running.deploy(application_id), BUILD_SECONDS)
    until(lambda: running.visit("imaged").text == "two", what="the newer image serves")


def test_a_registry_is_asked_whether_it_knows_a_password(running: Panel, address: str) -> None:
    given = {"registryName": "r", "registryUrl": address, "username": USERNAME, "password": PASSWORD}
    assert running.post("registry.testRegistry", **given) is True
    refused = running.client.post("/registry.testRegistry", json={**given, "password": "wrong"})
    assert (refused.status_code, "refuses the user keeper" in refused.json()["message"]) == (400, True), refused.text
    made = running.post("registry.create", **given)
    assert running.post("registry.testRegistryById", registryId=made["registryId"]) is True
    unreachable = running.client.post("/registry.testRegistry", json={**given, "registryUrl": "127.0.0.1:1"})
    assert (unreachable.status_code, "cannot be used" in unreachable.json()["message"]) == (400, True)


def test_a_refused_password_ends_with_a_sentence_and_the_old_release_serves(
    running: Panel, docker_engine: Engine, address: str, tmp_path: Path
) -> None:
    name = f"{address}/team/closed:main"
    push(docker_engine, tmp_path / "files", name, "closed")
    fields = {"registryUrl": address, "username": USERNAME}
    application_id = image_application(running, "closed", name, **{**fields, "password": PASSWORD})
    running.done(running.deploy(application_id), BUILD_SECONDS)

    running.post("application.update", applicationId=application_id, password="wrong-password")
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)

    assert row["status"] == "error"
    assert f"The registry {address} does not let the user {USERNAME} in: it refuses" in row["errorMessage"]
    assert running.visit("closed").text == "closed"


def test_an_image_that_is_not_there_or_of_another_architecture_is_said(
    running: Panel, docker_engine: Engine, address: str, tmp_path: Path
) -> None:
    credentials = {"registryUrl": address, "username": USERNAME, "password": PASSWORD}
    missing = image_application(running, "missing", f"{address}/team/nothing:1", **credentials)
    row = running.ended(running.deploy(missing), BUILD_SECONDS)
    assert row["status"] == "error"
    assert f"The image {address}/team/nothing:1 cannot be pulled" in row["errorMessage"]
    assert "it has no image of that name" in row["errorMessage"]

    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "Dockerfile").write_text('FROM scratch\nCOPY Dockerfile /\nCMD ["/x"]\n')
    name = f"{address}/team/foreign:1"
    configuration = str(tmp_path / "configuration")
    docker_engine.docker(
        *("--config", configuration, "login", f"--username={USERNAME}", "--password-stdin", address),
        stdin=PASSWORD.encode(),
    )
    docker_engine.docker("build", "--quiet", "--platform=linux/s390x", f"--tag={name}", str(folder))
    docker_engine.docker("--config", configuration, "push", "--quiet", name)
    foreign = image_application(running, "foreign", name, **credentials)
    row = running.ended(running.deploy(foreign), BUILD_SECONDS)
    assert "is made for s390x, and this machine is amd64" in row["errorMessage"]
