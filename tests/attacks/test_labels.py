"""No image makes its container pass for another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web
from tests.e2e.test_schedules import ran
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, git_repository

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

OF_COMPOSE = ("project", "service", "container-number", "oneoff", "config-hash", "slug", "replace", "image")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("labels")
    folder.chmod(0o711)
    with panel_with_engine(folder / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def victim(panel: Panel, docker_engine: Engine) -> Stack:
    """A compose service whose container says that it is the victim's."""
    made = stack(panel, docker_engine, "victim")
    made.deploy(web={**SLEEPS, "environment": {"WHO": "the victim"}})
    return made


def labels_of(engine: Engine, container: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(engine.docker("inspect", "--format={{json .Config.Labels}}", container))
    return found


def images_with(engine: Engine, name: str, labels: dict[str, str]) -> str:
    """An image that is there and brings these labels."""
    lines = "".join(f"LABEL {each}={json.dumps(value)}\n" for each, value in labels.items())
    engine.docker("build", f"--tag={name}", "-", stdin=f"FROM {BASE_IMAGE}\n{lines}".encode())
    return name


def test_an_image_that_is_built_with_marks_of_headways_is_refused(panel: Panel, victim: Stack, tmp_path: Path) -> None:
    for number, mark in enumerate(("headway.compose", "headway.swarm", "headway.anything")):
        dockerfile = f"{DOCKERFILE}LABEL {mark}={victim.compose_id} com.docker.compose.service=web\n"
        repository = git_repository(tmp_path / str(number), boxed_web("evil", dockerfile))
        application_id = panel.application(repository, name=f"evil-{number}")
        row = panel.ended(panel.deploy(application_id), BUILD_SECONDS)
        assert (row["status"], f"brings the label {mark}" in row["errorMessage"]) == ("error", True), row


def test_one_that_is_run_in_a_compose_file_is_refused_too(
    panel: Panel, docker_engine: Engine, victim: Stack, tmp_path: Path
) -> None:
    marks = {"headway.application": "somebodys", "headway.release": "somebodys"}
    evil = stack(panel, docker_engine, "evil")
    image = images_with(docker_engine, "headway-test/evil:1", marks)
    assert "brings the label headway.application" in evil.fail(web={**SLEEPS, "image": image})["errorMessage"]
    text = f"FROM {BASE_IMAGE}\nLABEL headway.compose={victim.compose_id}\nLABEL headway.release=somebodys\n"
    file = json.dumps({"services": {"web": {**SLEEPS, "build": {"context": ".", "dockerfile_inline": text}}}})
    evil.change(composeFile=file)
    assert "brings the label headway.release" in evil.fail()["errorMessage"]
    built = json.dumps({"services": {"web": {**SLEEPS, "build": {"context": ".", "labels": marks}}}})
    url = git_repository(tmp_path / "git", {"docker-compose.yml": built, "Dockerfile": f"FROM {BASE_IMAGE}\n"})
    evil.change(sourceType="git", customGitUrl=url)
    assert "not its to give" in evil.fail()["errorMessage"]


def test_no_place_of_a_compose_file_gives_a_mark(panel: Panel, docker_engine: Engine, victim: Stack) -> None:
    mark, own = f"headway.compose={victim.compose_id}", {"HEADWAY.release": "somebodys"}
    service = {
        **SLEEPS,
        "labels": [mark],
        "deploy": {"labels": {"com.docker.compose.project": "x"}},
        "volumes": ["data:/data"],
    }
    file = {
        "services": {"web": service},
        "networks": {"default": {"labels": own}},
        "volumes": {"data": {"labels": [mark]}},
    }
    evil = stack(panel, docker_engine, "marked")
    evil.change(composeFile=json.dumps(file))
    assert evil.fail()["errorMessage"].count("which is not its to give") == 4


def test_every_label_of_the_families_is_set_by_headway(
    panel: Panel, docker_engine: Engine, victim: Stack, tmp_path: Path
) -> None:
    theirs = {f"com.docker.compose.{each}": victim.one()["appName"] for each in OF_COMPOSE}
    marks = "".join(f"LABEL {name}={value}\n" for name, value in theirs.items())
    repository = git_repository(tmp_path / "repo", boxed_web("mine", f"{DOCKERFILE}{marks}"))
    application_id = panel.application(repository, name="labelled")
    panel.done(panel.deploy(application_id), BUILD_SECONDS)
    (container,) = docker_engine.docker("ps", "--quiet", f"--filter=label=headway.application={application_id}").split()
    found = labels_of(docker_engine, container)
    assert {found[name] for name in theirs} == {""}
    assert found["headway.compose"] == found["headway.swarm"] == ""
    app_name = victim.one()["appName"]
    named = {each["name"] for each in panel.get("docker.getContainersByAppNameMatch", appName=app_name)}
    assert named == {f"{app_name}-web-1"}
    victim.deploy()  # Compose, too, takes it for none of its own
    assert labels_of(docker_engine, container) == found


def test_a_schedule_enters_what_its_release_made_and_nothing_else(docker_engine: Engine, victim: Stack) -> None:
    """As a swarm would start it: of an image that says whose it wants to be, newer than the victim's own."""
    (own,) = victim.containers()["web"]
    marks = {
        **labels_of(docker_engine, own),
        "headway.deployment": "none-of-the-victims",
        "headway.application": "the-attackers",
    }
    given = [f"--label={name}={value}" for name, value in marks.items()]
    forged = docker_engine.docker(
        "run", "--detach", "--env=WHO=the attacker", *given, BASE_IMAGE, "sleep", "900"
    ).strip()
    try:
        inside = {"scheduleType": "compose", "composeId": victim.compose_id, "serviceName": "web"}
        row, log = ran(victim.panel, 'echo "in $WHO, with PASSWORD-123"', **inside)
        assert (row["status"], "in the victim" in log, "in the attacker" in log) == ("done", True, False), log
        listed = victim.panel.get("docker.getContainers")
        assert forged not in json.dumps(listed)
    finally:
        docker_engine.docker("rm", "--force", forged)
