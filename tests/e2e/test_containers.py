"""Applications as containers, from a git repository to an address that answers, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web, boxing_panel, containers, images, sleepers
from tests.e2e.test_compose_cli import typed
from tests.support.applications.consoles import HIDING, first_line, sitting, way_to
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import KEY, Panel, commit, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def test_a_dockerfile_is_built_run_and_reached(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("one")), name="boxed")

    row = running.done(running.deploy(application_id), BUILD_SECONDS)

    assert running.visit("boxed").text == "one"
    log = running.deployment_log(row["deploymentId"])
    assert "Builder dockerfile: there is a Dockerfile, and a container engine." in log
    assert "COPY app.py /app.py" in log
    assert containers(docker_engine, application_id) == ["running"]
    assert running.get("release.all", applicationId=application_id)[0]["bytes"] > 1_000_000


def test_a_new_commit_replaces_the_container_and_a_broken_one_does_not(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, boxed_web("old")), name="renewed")
    running.done(running.deploy(application_id), BUILD_SECONDS)

    commit(repository, boxed_web("new"), "second")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit("renewed").text == "new"
    until(lambda: containers(docker_engine, application_id) == ["running"], what="the old container is gone")
    kept = images(docker_engine, application_id)

    commit(repository, boxed_web("never", DOCKERFILE.replace('"/app.py"]', '"/nowhere.py"]')), "third")
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "ended 3 times while it was starting, last with exit status 2" in row["errorMessage"]
    assert running.visit("renewed").text == "new"
    assert containers(docker_engine, application_id) == ["running"]
    assert images(docker_engine, application_id) == kept


def test_a_killed_build_leaves_nothing_and_a_neighbour_goes_on(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    neighbour = running.application(
        git_repository(tmp_path / "other", boxed_web("y", DOCKERFILE + "RUN sleep 6\n")), name="neighbour"
    )
    other = running.deploy(neighbour)
    files = boxed_web("x", DOCKERFILE + "RUN (setsid sleep 634 &) ; sleep 633\n")
    application_id = running.application(git_repository(tmp_path / "repo", files), name="stopped")
    deployment_id = running.deploy(application_id)
    until(lambda: sleepers(633) and sleepers(634), BUILD_SECONDS, what="the step runs")

    running.post("deployment.killProcess", deploymentId=deployment_id)

    assert sleepers(633) + sleepers(634) == []
    row = running.one(deployment_id)
    assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)
    assert containers(docker_engine, application_id) == []
    running.done(other, BUILD_SECONDS)


def test_stop_start_and_delete(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("up")), name="upped")
    running.done(running.deploy(application_id), BUILD_SECONDS)

    assert running.post("application.stop", applicationId=application_id)["applicationStatus"] == "idle"
    assert containers(docker_engine, application_id) == ["exited"]
    running.post("application.start", applicationId=application_id)
    until(lambda: running.visit("upped").text == "up", what="it serves again")

    running.post("application.delete", applicationId=application_id)
    assert containers(docker_engine, application_id) == []
    assert images(docker_engine, application_id) == []


def test_what_it_writes_is_read_and_masked(running: Panel, tmp_path: Path) -> None:
    files = boxed_web("logging")
    files["app.py"] = f"import os\nprint('token is', os.environ['TOKEN'])\n{files['app.py']}"
    application_id = running.application(git_repository(tmp_path / "repo", files), name="logging")
    running.post("application.saveEnvironment", applicationId=application_id, env="TOKEN=s3cret-value")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.get("application.readLogs", applicationId=application_id) == "token is ******\n"


def test_a_console_is_inside_the_container_and_leaves_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("seen")), name="seen")
    running.post("application.saveEnvironment", applicationId=application_id, env="TOKEN=s3cret-value")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    line = "touch made; ls made; cat; echo $TOKEN; echo why >&2; exit 3"
    inside = ("apps", "exec", "seen", "--")
    assert typed(running, *inside, "sh", "-c", line, stdin="in\n") == (3, "made\nin\n******\n", "why\n")
    assert typed(running, *inside, "ls", "made")[:2] == (0, "made\n")
    status, _, err = typed(running, *inside, "nowhere")
    assert (status, "there is no program nowhere here" in err) == (127, True), err
    as_terminal = ("apps", "exec", "-t", "seen", "--", "sh", "-c", "tty; stty size; exit 5")
    assert typed(running, *as_terminal)[:2] == (5, "/dev/pts/0\r\n24 80\r\n")
    with sitting(way_to(running.port, KEY), "seen", "sh", "-c", HIDING.format(8841)) as typing:
        assert first_line(typing) == b"up\n"
        until(lambda: len(sleepers(8841)) == 4, 10)
        typing.kill()
        until(lambda: sleepers(8841) == [], 10, what="nothing of it is left")
    assert containers(docker_engine, application_id) == ["running"]
    running.post("application.delete", applicationId=application_id)


def test_two_releases_never_write_to_one_volume_and_the_old_one_comes_back(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, boxed_web("first")), name="written")
    running.post("mounts.create", serviceId=application_id, type="volume", volumeName="files", mountPath="/data")
    running.post("mounts.create", serviceId=application_id, type="file", content="a: 1\n", mountPath="/app.yml")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    (first,) = docker_engine.docker(
        "container", "ls", "--quiet", "--filter", f"label=headway.application={application_id}"
    ).split()
    docker_engine.docker("exec", first, "sh", "-c", "cat /app.yml > /data/kept")

    commit(repository, boxed_web("broken", DOCKERFILE + 'ENTRYPOINT ["sh", "-c", "exit 9"]\n'), "broken")
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert "for one release at a time: the old one stops" in running.deployment_log(row["deploymentId"])
    until(lambda: running.visit("written").text == "first", what="the old one serves again")
    assert containers(docker_engine, application_id) == ["running"]

    commit(repository, boxed_web("second"), "mended")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit("written").text == "second"
    until(lambda: containers(docker_engine, application_id) == ["running"], what="the old container is gone")
    (second,) = docker_engine.docker(
        "container", "ls", "--quiet", "--filter", f"label=headway.application={application_id}"
    ).split()
    assert docker_engine.docker("exec", second, "cat", "/data/kept") == "a: 1\n"


def test_what_uses_too_much_memory_says_so(running: Panel, tmp_path: Path) -> None:
    files = boxed_web("big")
    files["app.py"] = "print('filling')\nx = bytearray(200 << 20)\n" + files["app.py"]
    application_id = running.application(git_repository(tmp_path / "repo", files), name="filled")
    running.post("application.update", applicationId=application_id, memoryLimit="64M")
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert (row["status"], row["reason"]) == ("error", "out_of_memory")
    assert "its memory bound was reached" in row["errorMessage"]


def test_a_crash_after_the_end_marks_it_as_unstable(running: Panel, tmp_path: Path) -> None:
    files = boxed_web("shaky")
    files["app.py"] = "import threading, os\nthreading.Timer(4, lambda: os._exit(3)).start()\n" + files["app.py"]
    application_id = running.application(git_repository(tmp_path / "repo", files), name="shaky")
    deployment_id = running.deploy(application_id)
    running.done(deployment_id, BUILD_SECONDS)
    until(lambda: running.one(deployment_id)["unstable"], 30, what="it is marked as unstable")


def test_the_image_brings_its_own_health_check(running: Panel, tmp_path: Path) -> None:
    check = "HEALTHCHECK --interval=200ms --retries=2 CMD python3 -c \"print('not well'); exit(1)\"\n"
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("x", DOCKERFILE + check)), "ill")
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert 'The health check of the image fails. It says: "not well"' in row["errorMessage"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"dockerBuildStage": "$(touch /tmp/pwned)"}, "could not be found"),
        (
            {"dockerfile": "docker/Dockerfile", "buildType": "dockerfile"},
            "no file 'docker/Dockerfile' at the build path",
        ),
        ({"dockerContextPath": "../.."}, "leads out of the repository"),
        ({"builder": "nixpacks"}, "cannot be fetched from its registry"),
        ({"buildType": "railpack"}, "cannot be fetched from its registry"),
        ({"buildType": "heroku_buildpacks"}, "The program pack is not installed on this host"),
        ({"buildType": "paketo_buildpacks"}, "The program pack is not installed on this host"),
        ({"command": "/no/such/program"}, "ended 3 times while it was starting, last with exit status 127"),
    ],
)
def test_what_cannot_be_built_or_run_ends_with_what_to_do(
    running: Panel, tmp_path: Path, fields: dict[str, str], told: str
) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("x")), name="unbuilt", **fields)
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert told in row["errorMessage"]
    assert not Path("/tmp/pwned").exists()


def test_the_example_is_deployed_by_its_own_base_image(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    docker_engine.docker("tag", BASE_IMAGE, "headway-example/python:local")
    example = Path(__file__).resolve().parents[2] / "examples" / "docker-web"
    files = {path.name: path.read_text() for path in example.iterdir()}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="docker-web")
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit("docker-web").text == "Hello from a container\n"
    assert "the health check of its image passes" in running.deployment_log(row["deploymentId"])


def test_its_container_is_listed_by_its_name_and_started_anew(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("listed")), name="listed")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    (found,) = running.get("docker.getContainersByAppNameMatch", appName="listed")
    assert found["name"].startswith("listed-")
    assert (found["state"], found["status"].startswith("Up ")) == ("running", True)
    assert (found["restarts"], found["startedAt"] is not None) == (0, True)
    running.post("docker.restartContainer", containerId=found["containerId"])
    until(lambda: running.visit("listed").text == "listed", what="it serves again")


def test_what_somebody_removed_from_the_engine_is_said_not_to_run_until_it_is_deployed_again(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("gone")), name="gone")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    (found,) = running.get("docker.getContainersByAppNameMatch", appName="gone")
    docker_engine.docker("rm", "--force", found["containerId"])

    def told() -> bool:
        down = {each["serviceId"]: each for each in running.get("service.down")}
        is_gone = application_id in down and down[application_id]["all"] and not down[application_id]["unknown"]
        return is_gone and "deploy it again" in str(down[application_id]["why"])

    def troubles() -> int:
        return sum(each["item"] == application_id for each in running.get("settings.health").get("troubles", ()))

    until(told, what="it is said not to run, and why")
    assert troubles() == 1
    status = typed(running, "status", "gone")[1]
    assert ("does not run" in status, "deploy it again" in status) == (True, True), status
    running.done(running.deploy(application_id), BUILD_SECONDS)
    until(lambda: application_id not in {each["serviceId"] for each in running.get("service.down")}, what="it runs")
    until(lambda: troubles() == 0, what="nothing is wrong with it")
    assert running.visit("gone").text == "gone"


def test_what_its_engine_is_asked_to_stop_has_not_crashed_and_comes_up_again(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, boxed_web("before")), name="halted")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    commit(repository, boxed_web("after"), "second")
    deployment_id = running.deploy(application_id)
    running.done(deployment_id, BUILD_SECONDS)
    mine = f"label=headway.deployment={deployment_id}"
    (container,) = docker_engine.docker("container", "ls", "--quiet", "--filter", mine).split()

    docker_engine.docker("stop", "--time=1", container)

    state = ("inspect", "--format={{.State.Status}}", container)
    until(lambda: docker_engine.docker(*state).strip() == "running", what="it is started again")
    until(lambda: running.visit("halted").text == "after", what="requests stay with it")
    row = running.one(deployment_id)
    assert (row["status"], row["unstable"], row["errorMessage"]) == ("done", False, None)
