"""What runs in a container goes on where the connection to its engine is lost, and its own end is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, clear, containers
from tests.support.docker.docker_engine import Engine
from tests.support.docker.engine_door import Door, engine_door
from tests.support.docker.plan_bases import build_images, make_plan_base
from tests.support.panel.panel import Panel, git_repository, panel

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def door(docker_engine: Engine) -> Iterator[Door]:
    with engine_door(docker_engine) as opened:
        yield opened


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine, door: Door) -> Iterator[Panel]:
    make_plan_base(docker_engine)
    data = tmp_path_factory.mktemp("panel") / "data"
    with panel(data, HEADWAY_DOCKER_HOST=door.host, HEADWAY_BUILD_IMAGES=build_images()) as started:
        yield started
    clear(docker_engine, f"headway.panel={(data / 'panel.id').read_text()}")


@pytest.mark.parametrize(
    ("then", "message"),
    [
        ("echo migrated", None),
        ("echo no such table >&2; exit 3", "release command ended with exit status 3: no such table. The connection"),
        ("echo no such row >&2; exit 1", "release command ended with exit status 1: no such row. The connection"),
        ("kill -9 $$", "release command ended with exit status 137"),
    ],
)
def test_a_release_command_whose_engine_was_lost_ends_as_it_does(
    running: Panel, door: Door, tmp_path: Path, then: str, message: str | None
) -> None:
    engine, status = door.engine, "done" if message is None else "error"
    release = f"echo begun; while [ ! -e $DATA_DIR/go ]; do sleep 0.1; done; {then}"
    url = git_repository(tmp_path / "repo", {"Procfile": f"worker: sleep 600\nrelease: {release}\n"})
    name = f"lost-{status}-{len(then)}"
    application_id = running.application(url, name=name, builder="railpack")
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "begun\n", BUILD_SECONDS)
    mine = f"label=headway.application={application_id}"
    (container,) = engine.docker("container", "ls", "--quiet", "--filter", mine).split()
    door.cut()
    try:
        running.running(deployment_id, "unexpected EOF", 20)  # its client has told what it takes for the end
    finally:
        door.open()

    engine.docker("exec", container, "touch", "/data/go")

    row = running.ended(deployment_id, 60)
    assert row["status"] == status, (row["errorMessage"], running.deployment_log(deployment_id))
    assert (row["errorMessage"] or "").startswith(message or "")
    log = running.deployment_log(deployment_id)
    assert log.count("The connection to the engine was lost as the release command ran.") == 1
    assert "\n  begun\n" in log
    assert ("\n  migrated\n" in log) == (status == "done")
    assert containers(engine, application_id) == (["running"] if status == "done" else [])
