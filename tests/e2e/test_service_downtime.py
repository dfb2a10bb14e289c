"""What dies for good, turns unhealthy or is paused long after its deployment is told to be down, and no longer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web
from tests.support.docker.compose import SERVES, SLEEPS, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
DIES = """
import pathlib, sys, threading, time
PLACE = pathlib.Path("PATH")
if PLACE.exists():
    sys.exit(7)
def watch():
    import os
    while not PLACE.exists():
        time.sleep(0.1)
    os._exit(7)
threading.Thread(target=watch, daemon=True).start()
"""


def _down_since(running: Panel, service_id: str) -> str | None:
    (service,) = (each for each in running.get("service.all") if each["serviceId"] == service_id)
    since: str | None = service["serving"]["downSince"]
    return since


def test_what_has_died_for_good_is_told(tmp_path: Path) -> None:
    place = Path("/tmp") / f"dies-{tmp_path.name}"
    files = web("one")
    files["app.py"] = DIES.replace("PATH", str(place)) + files["app.py"]
    url = git_repository(tmp_path / "repository", files)
    try:
        with panel(tmp_path / "data", HEADWAY_WATCH_TIME="1s") as running:
            application_id = running.application(url, "shop")
            deployment_id = running.deploy(application_id)
            assert running.ended(deployment_id)["status"] == "done"
            assert running.get("service.down") == []
            place.touch()
            (row,) = until(lambda: running.get("service.down"), 60, what="it is told to be down")
            assert (row["serviceId"], row["names"], row["all"]) == (application_id, ["web"], True)
            assert (row["exits"] >= 1, row["lastExit"]) == (True, "exit status 7")
            (service,) = running.get("service.all")
            assert (service["status"], service["wanted"]) == ("done", "up"), "nobody else tells of it"
            since = until(
                lambda: _down_since(running, application_id), 90, what="since when is found out, whoever looks"
            )
            (row,) = running.get("service.down")
            assert row["since"] == since
            place.unlink()
            running.post("application.reload", applicationId=application_id)
            until(lambda: running.get("service.down") == [], 60, what="it is up again")
    finally:
        place.unlink(missing_ok=True)


def test_what_is_stopped_by_a_signal_runs_and_does_not_serve(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        files = web("one")
        files["app.py"] = files["app.py"].replace('b"one"', "str(os.getpid()).encode()")
        application_id = running.application(git_repository(tmp_path / "repository", files), "shop")
        running.done(running.deploy(application_id))
        pid = int(running.visit("shop").text)
        os.kill(pid, signal.SIGSTOP)
        try:
            (row,) = until(lambda: running.get("service.down"), 30, what="it is told not to serve")
            assert (row["runs"], row["exits"], row["names"]) == (True, 0, ["web"])
            assert "SIGSTOP" in row["why"]
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: running.get("service.down") == [], 30, what="it serves again")


@pytest.fixture(scope="module")
def with_engine(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("downtime") / "data", docker_engine) as started:
        yield started


CHECK = {"test": ["CMD-SHELL", "test ! -e /ill || { echo not well for $$PASSWORD; exit 1; }"], "interval": "300ms"}


@pytest.mark.docker
def test_a_compose_service_that_turns_unhealthy_or_is_paused_does_not_serve(
    with_engine: Panel, docker_engine: Engine
) -> None:
    shop = stack(with_engine, docker_engine, "shop of downtime")
    secret = "hushed-for-good"
    shop.change(env=f"PASSWORD={secret}")
    check = {**CHECK, "retries": 2, "timeout": "5s"}
    shop.deploy(web={**SERVES, "healthcheck": check, "environment": {"PASSWORD": "${PASSWORD}"}}, db=SLEEPS)
    assert _down_row(with_engine, shop.compose_id) is None
    (web_id,) = shop.containers()["web"]

    docker_engine.docker("exec", web_id, "touch", "/ill")
    row = until(lambda: _down_row(with_engine, shop.compose_id), 60, what="it fails its check")
    assert (row["serviceId"], row["names"], row["all"], row["runs"]) == (shop.compose_id, ["web"], False, True)
    assert row["why"].startswith("runs, but its health check fails: not well for ")
    assert secret not in row["why"]
    since = until(lambda: _down_since(with_engine, shop.compose_id), 60, what="since when is found out, whoever looks")
    assert _down_row(with_engine, shop.compose_id)["since"] == since
    shown = run_headway(
        ["status", "shop of downtime"], {"HEADWAY_URL": f"http://127.0.0.1:{with_engine.port}", "HEADWAY_API_KEY": KEY}
    )
    assert "serves only in part" in shown.stdout
    docker_engine.docker("exec", web_id, "rm", "/ill")
    until(lambda: _down_row(with_engine, shop.compose_id) is None, 60, what="it is well again")

    docker_engine.docker("pause", web_id)
    row = until(lambda: _down_row(with_engine, shop.compose_id), 60, what="it is paused")
    assert (row["runs"], row["why"]) == (True, "is paused")
    docker_engine.docker("unpause", web_id)
    until(lambda: _down_row(with_engine, shop.compose_id) is None, 60, what="it goes on")


@pytest.mark.docker
def test_an_application_in_a_container_that_turns_unhealthy_or_is_paused_does_not_serve(
    with_engine: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    check = "HEALTHCHECK --interval=300ms --retries=2 CMD test ! -e /tmp/ill || { echo not well; exit 1; }\n"
    url = git_repository(tmp_path / "repo", boxed_web("x", DOCKERFILE + check))
    application_id = with_engine.application(url, "ill")
    with_engine.done(with_engine.deploy(application_id), BUILD_SECONDS)
    mine = ("--quiet", "--filter", f"label=headway.application={application_id}")
    (box,) = docker_engine.docker("ps", *mine).split()

    docker_engine.docker("exec", box, "touch", "/tmp/ill")
    row = until(lambda: _down_row(with_engine, application_id), 60, what="it fails its check")
    assert (row["names"], row["all"], row["runs"]) == (["web"], True, True)
    assert row["why"] == "runs, but its health check fails: not well"
    docker_engine.docker("exec", box, "rm", "/tmp/ill")
    until(lambda: _down_row(with_engine, application_id) is None, 60, what="it is well again")

    docker_engine.docker("pause", box)
    row = until(lambda: _down_row(with_engine, application_id), 60, what="it is paused")
    assert row["why"] == "is paused"
    docker_engine.docker("unpause", box)
    until(lambda: _down_row(with_engine, application_id) is None, 60, what="it goes on")


def _down_row(running: Panel, service_id: str) -> Any:  # noqa: ANN401 - a row
    return next((each for each in running.get("service.down") if each["serviceId"] == service_id), None)
