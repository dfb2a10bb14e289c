"""What may go of what an engine holds: only what carries this panel's name or label, and is needed by nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, boxing_panel
from tests.e2e.test_cli import headway, succeed
from tests.support.docker.compose import SERVES, SLEEPS, as_file, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    keep = {"HEADWAY_KEEP_RELEASES": "1", "HEADWAY_DRAIN_TIME": "0"}
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine, **keep) as started:
        yield started


def tags(engine: Engine, repository: str) -> list[str]:
    shown = engine.docker("image", "ls", f"--filter=reference={repository}", "--format={{.Repository}}:{{.Tag}}")
    return sorted(shown.split())


def test_only_what_is_the_panel_s_and_needed_by_nothing_goes(
    running: Panel, docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    panel_id = (running.data_dir / "panel.id").read_text()
    application_id = running.application(
        git_repository(tmp_path_factory.mktemp("git") / "x", boxed_web("one")), name="roomy"
    )
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    called = running.get("application.one", applicationId=application_id)["appName"]
    serving = f"headway-{panel_id}/{called}:r-{row['deploymentId']}"
    left, foreign, others = f"headway-{panel_id}/{called}:r-gone", "mine:1", f"headway-other/{called}:r-gone"
    text = f"FROM {BASE_IMAGE}\nLABEL headway.panel={panel_id}\nENV A=1\n".encode()
    docker_engine.docker("build", "--quiet", "--tag=nameless", "-", stdin=text)
    docker_engine.docker("create", "--name=holds", "nameless", "true")
    docker_engine.docker("build", "--quiet", "--tag=nameless", "-", stdin=text + b"ENV B=1\n")
    docker_engine.docker("build", "--quiet", "--tag=nameless", "-", stdin=text + b"ENV B=2\n")
    of_mine = ("image", "ls", "--quiet", "--filter=dangling=true", f"--filter=label=headway.panel={panel_id}")
    held = docker_engine.docker("inspect", "--format={{.Image}}", "holds").strip().removeprefix("sha256:")[:12]
    (nameless,) = set(docker_engine.docker(*of_mine).split()) - {held}
    for name in (left, foreign, others):
        docker_engine.docker("tag", "nameless", name)
    docker_engine.docker("volume", "create", "--label", f"headway.panel={panel_id}", "not-used")

    shown = succeed(running, "disk", "clean", "--dry-run")
    assert left in shown
    assert "its release is no more" in shown
    would = json.loads(succeed(running, "disk", "clean", "--dry-run", "--json"))
    found = {item["name"]: item["why"] for item in would["items"] if item["kind"] == "image"}
    assert found == {left: "its release is no more", nameless: "it has no name any more"}
    refused = headway(running, "disk", "clean")
    assert (refused.returncode, left in refused.stdout) == (2, True), "nobody was there to say yes"
    assert left in tags(docker_engine, f"headway-*/{called}")

    done = succeed(running, "disk", "clean", "--yes")
    assert "are free by that" in done
    assert tags(docker_engine, f"headway-*/{called}") == sorted([serving, others])
    assert tags(docker_engine, "mine") == [foreign]
    assert docker_engine.docker(*of_mine).split() == [held], "a container was made of it"
    docker_engine.docker("rm", "holds")
    docker_engine.docker("image", "rm", held)
    assert docker_engine.docker("volume", "ls", "--quiet", "--filter=name=not-used").split() == ["not-used"]
    assert running.visit("roomy").text == "one"
    assert succeed(running, "disk", "clean") == "Nothing is there that nobody needs.\n"
    for name in (foreign, others, "nameless"):
        docker_engine.docker("image", "rm", name)


def test_of_a_compose_service_the_images_of_its_releases_stay_and_no_others(
    running: Panel, docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("git") / "x"
    built = {key: value for key, value in SERVES.items() if key != "image"} | {"build": "."}
    web = {**SLEEPS, "volumes": ["data:/data"], "command": ["sh", "-c", "echo x > /data/x; exec sleep 1000"]}
    made = stack(running, docker_engine, "stacked")
    url = git_repository(
        folder,
        {"docker-compose.yml": as_file(volumes={"data": {}}, web=built, db=web), "Dockerfile": f"FROM {BASE_IMAGE}\n"},
    )
    made.change(sourceType="git", customGitUrl=url)
    made.deploy()
    images = f"headway-compose/{made.one()['appName']}"
    first = tags(docker_engine, f"{images}/*")
    assert len(first) == 2, "one for each service"

    (folder / "Dockerfile").write_text(f"FROM {BASE_IMAGE}\nRUN echo 2 > /two\n")
    git_repository(folder, {})
    made.deploy()
    until(lambda: len(tags(docker_engine, f"{images}/*")) == 2, 30, what="the image of before goes")
    second = tags(docker_engine, f"{images}/*")
    assert len(set(first) & set(second)) == 1

    (folder / "Dockerfile").write_text(f"FROM {BASE_IMAGE}\nRUN echo 3 > /three\n")
    (folder / "docker-compose.yml").write_text(
        as_file(volumes={"data": {}}, web={**built, "command": ["false"]}, db=web)
    )
    git_repository(folder, {})
    made.fail()
    assert tags(docker_engine, f"{images}/*") == second, "what failed has left nothing"
    shown = running.get("disk.usage", fresh=True)
    (row,) = (each for each in shown["services"] if each["serviceId"] == made.compose_id)
    assert (row["serviceType"], row["volumes"] > 0, row["files"] > 0) == ("compose", True, True)
    docker_engine.docker("tag", BASE_IMAGE, f"{images}/web:left")
    would = running.post("disk.clean", dryRun=True, serviceId=made.compose_id)
    assert [item["name"] for item in would["items"]] == [f"{images}/web:left"]
    running.post("disk.clean", serviceId=made.compose_id)
    assert tags(docker_engine, f"{images}/*") == second
    assert made.left("volume") != []


def test_below_the_floor_no_build_begins_and_what_serves_goes_on(running: Panel, docker_engine: Engine) -> None:
    made = stack(running, docker_engine, "floored", web=SLEEPS)
    made.deploy()
    before = made.containers()
    running.stop()
    running.start(HEADWAY_LEAST_FREE="1000000GiB")
    try:
        row = made.fail()
        assert row["reason"] == "refused"
        assert "MiB are free on the disk where builds are made" in row["errorMessage"]
        assert "HEADWAY_LEAST_FREE" in row["errorMessage"]
        assert made.containers() == before
    finally:
        running.stop()
        running.start()
