"""Applications as containers, from a git repository to an address that answers, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_engine import BASE_IMAGE, Engine
from tests.panel import WEB, Panel, commit, git_repository, panel, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

DOCKERFILE = f"""\
FROM {BASE_IMAGE}
COPY app.py /app.py
EXPOSE 3000
CMD ["python3", "/app.py"]
"""


def web(version: str, dockerfile: str = DOCKERFILE, **files: str) -> dict[str, str]:
    program = WEB.replace("VERSION", version).replace('("127.0.0.1"', '("0.0.0.0"')
    return {
        "app.py": f"import signal\nsignal.signal(15, lambda *_: exit())\n{program}",
        "Dockerfile": dockerfile,
        **files,
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    data_dir = tmp_path_factory.mktemp("panel") / "data"
    with panel(data_dir, HEADWAY_DOCKER_HOST=docker_engine.host) as started:
        yield started
    clear(docker_engine, data_dir)


def clear(engine: Engine, data_dir: Path) -> None:
    """Removes what a panel has left in the engine; it leaves containers that are stopped."""
    mine = f"label=headway.panel={(data_dir / 'panel.id').read_text()}"
    for what, removal in (("container", "rm"), ("network", "rm"), ("volume", "rm")):
        listing = ["--quiet", "--filter", mine, *(["--all"] if what == "container" else [])]
        for found in engine.docker(what, "ls", *listing).split():
            engine.docker(what, removal, *(["--force", "--volumes"] if what == "container" else []), found)


def containers(engine: Engine, application_id: str) -> list[str]:
    """The states of an application's containers."""
    mine = f"label=headway.application={application_id}"
    return engine.docker("container", "ls", "--all", "--filter", mine, "--format", "{{.State}}").split()


def test_a_dockerfile_is_built_run_and_reached(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("one")), name="boxed")

    row = running.done(running.deploy(application_id), 60)

    assert running.visit("boxed").text == "one"
    log = running.deployment_log(row["deploymentId"])
    assert "Builder dockerfile: there is a Dockerfile, and a container engine." in log
    assert "COPY app.py /app.py" in log
    assert containers(docker_engine, application_id) == ["running"]


def test_a_new_commit_replaces_the_container_and_a_broken_one_does_not(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, web("old")), name="renewed")
    running.done(running.deploy(application_id), 60)

    commit(repository, web("new"), "second")
    running.done(running.deploy(application_id), 60)
    assert running.visit("renewed").text == "new"
    until(lambda: containers(docker_engine, application_id) == ["running"], what="the old container is gone")

    commit(repository, web("never", DOCKERFILE.replace('"/app.py"]', '"/nowhere.py"]')), "third")
    row = running.ended(running.deploy(application_id), 60)
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "ended 3 times while it was starting, last with exit status 2" in row["errorMessage"]
    assert running.visit("renewed").text == "new"
    assert containers(docker_engine, application_id) == ["running"]


def test_a_killed_build_leaves_nothing(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    files = web("x", DOCKERFILE + "RUN sleep 633\n")
    application_id = running.application(git_repository(tmp_path / "repo", files), name="stopped")
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "RUN sleep 633", 60)

    running.post("deployment.killProcess", deploymentId=deployment_id)

    row = running.one(deployment_id)
    assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _reads(path).startswith(b"sleep\x00633")]
    assert containers(docker_engine, application_id) == []


def test_stop_start_and_delete(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("up")), name="upped")
    running.done(running.deploy(application_id), 60)

    assert running.post("application.stop", applicationId=application_id)["applicationStatus"] == "idle"
    assert containers(docker_engine, application_id) == ["exited"]
    running.post("application.start", applicationId=application_id)
    until(lambda: running.visit("upped").text == "up", what="it serves again")

    running.post("application.delete", applicationId=application_id)
    assert containers(docker_engine, application_id) == []
    assert (
        docker_engine.docker("image", "ls", "--quiet", "--filter", f"label=headway.application={application_id}") == ""
    )


def test_what_it_writes_is_read_and_masked(running: Panel, tmp_path: Path) -> None:
    files = web("logging", DOCKERFILE.replace("CMD", "ENV PYTHONUNBUFFERED=1\nCMD"))
    files["app.py"] = f"import os\nprint('token is', os.environ['TOKEN'])\n{files['app.py']}"
    application_id = running.application(git_repository(tmp_path / "repo", files), name="logging")
    running.post("application.saveEnvironment", applicationId=application_id, env="TOKEN=s3cret-value")
    running.done(running.deploy(application_id), 60)
    assert running.get("application.readLogs", applicationId=application_id) == "token is ******\n"


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
