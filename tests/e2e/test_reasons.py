"""A release that fails after its health check says why: in its message, in its log, and to who reads its output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxing_panel
from tests.support.applications.answering import counting
from tests.support.applications.mortal import PROGRAM, WHY, mortal
from tests.support.docker.compose import SERVES, SLEEPS, Stack, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository, panel, web

Json = Any
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def boxing(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("boxes") / "data", docker_engine) as started:
        yield started


@pytest.fixture
def shop(boxing: Panel, docker_engine: Engine) -> Iterator[Stack]:
    made = stack(boxing, docker_engine, "mortal shop")
    yield made
    boxing.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)


def check(of: Panel, row: Json, lead: str, said: str) -> None:
    """The reason stands where one looks for it: the line that tells most in the message, all of it in the logs."""
    check_row(of, row, lead)
    assert said.startswith("[headway] Nothing serves: the last deployment ended in an error (failed).")
    assert f"{lead}bye\n" in said
    assert WHY in said.splitlines()[-1]


def check_row(of: Panel, row: Json, lead: str) -> None:
    """It is in the message of a deployment and in its log."""
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert f'aid: "{WHY}".' in row["errorMessage"], row["errorMessage"]
    log = of.deployment_log(row["deploymentId"])
    assert f"{lead}bye\n" in log
    assert f"{lead}Traceback (most recent call last):\n" in log


def test_a_process(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", mortal()), name="mortal")
    row = running.ended(running.deploy(application_id), 90)
    check(running, row, "web | ", running.get("application.readLogs", applicationId=application_id))


def test_of_each_process_the_last_thirty_lines_are_told(running: Panel, tmp_path: Path) -> None:
    """Each writes sixty by one call, and is started again in silence: what is told may be read after that."""
    sixty = r"os.write(1, b''.join(b'%d\n' % number for number in range(1, 61)))"
    program = PROGRAM.replace("LISTENS", "127.0.0.1").replace('print("serving", flush=True)\n', "")
    files = {
        "app.py": program.replace('print("bye", flush=True)', sixty),
        "worker.py": f"import os, time\n{sixty}\ntime.sleep(600)\n",
        "Procfile": "web: python3 -u app.py\nworker: python3 -u worker.py\n",
    }
    application_id = running.application(git_repository(tmp_path / "repo", files), name="sixty")
    row = running.ended(running.deploy(application_id), 90)
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert row["steps"][-1]["name"] != "health check", "it was healthy"
    lines = running.deployment_log(row["deploymentId"]).splitlines()
    told = [line for line in lines if line.startswith(("web | ", "worker | "))]
    assert told == [f"{name} | {number}" for name in ("web", "worker") for number in range(31, 61)]


@pytest.mark.parametrize(
    ("status", "is_warned_of"), [(200, False), (400, True), (404, False), (500, True), (502, True)]
)
def test_what_a_visitor_is_answered_is_on_the_row(
    running: Panel, tmp_path: Path, status: int, *, is_warned_of: bool
) -> None:
    files = web("told")
    files["app.py"] = files["app.py"].replace("send_response(200)", f"send_response({status})")
    application_id = running.application(git_repository(tmp_path / "repo", files), name=f"answers-{status}")
    row = running.done(running.deploy(application_id))
    assert (row["answers"]["path"], row["answers"]["status"], row["answers"]["ms"] < 5000) == ("/", status, True)
    assert running.get("deployment.all", applicationId=application_id)[0]["answers"] == row["answers"]
    said = f"Warning: GET / through the edge answers {status} (after "
    log = running.deployment_log(row["deploymentId"])
    assert (said in log) is is_warned_of
    assert (f"headway env set APP ALLOWED_HOSTS=answers-{status}.localhost." in log) is (status == 400)


def test_what_headway_says_itself_is_never_masked_only_what_it_quotes(running: Panel, tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    files = web("own", build="echo it is $SECRET_STATE\n")
    git_repository(repository, files)
    url = commit(repository, {}, "A healthy release")
    application_id = running.application(url, name="words", buildCommand="sh build")
    env = "SECRET_STATE=healthy\nSECRET_NOUN=release\nSECRET_VERB=Fetched\nSECRET_PLACE=Builder\n"
    running.post("application.saveEnvironment", applicationId=application_id, env=env)
    row = running.done(running.deploy(application_id))
    lines = running.deployment_log(row["deploymentId"]).splitlines()
    assert "The new release is healthy." in lines
    assert any(line.startswith("Builder native: ") for line in lines)
    assert f"Fetched main of {url}" in lines
    assert any(line.endswith(" by Test: A ****** ******") for line in lines), "it quotes a commit"
    assert "it is ******" in lines


def test_the_closing_line_is_headways_own_and_addresses_are_no_secrets(running: Panel, tmp_path: Path) -> None:
    address = f"http://own.localhost:{running.edge_port}"
    files = web("own", build="echo at $PUBLIC_URL with $DB_HOST, by $SECRET_SLUG and $PHRASE\n")
    application_id = running.application(git_repository(tmp_path / "repo", files), name="own", buildCommand="sh build")
    env = f"PUBLIC_URL={address}\nDB_HOST=db.internal\nSECRET_SLUG=serves\nPHRASE='hunter2 hunter3'\n"
    running.post("application.saveEnvironment", applicationId=application_id, env=env)
    row = running.done(running.deploy(application_id))
    log = running.deployment_log(row["deploymentId"])
    assert f"at {address} with db.internal, by ****** and ******\n" in log
    assert log.endswith(f"Deployment done: release {row['deploymentId']} serves at {address}\n")


def test_what_takes_no_requests_answers_nothing(running: Panel, tmp_path: Path) -> None:
    files = {"Procfile": "worker: sleep 600\n"}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="quiet", settleSeconds=0.2)
    assert running.done(running.deploy(application_id))["answers"] is None


@pytest.mark.docker
def test_a_container(boxing: Panel, tmp_path: Path) -> None:
    files = mortal("0.0.0.0", Dockerfile=DOCKERFILE)  # noqa: S104 - in a container
    application_id = boxing.application(git_repository(tmp_path / "repo", files), name="boxed")
    row = boxing.ended(boxing.deploy(application_id), BUILD_SECONDS)
    check(boxing, row, "web | ", boxing.get("application.readLogs", applicationId=application_id))


@pytest.mark.docker
def test_a_compose_service(shop: Stack) -> None:
    given = {"composeId": shop.compose_id, "host": "mortal.example", "serviceName": "web", "port": 8080}
    shop.panel.post("domain.create", **given)
    program = PROGRAM.replace("LISTENS", "0.0.0.0").replace("$", "$$")  # noqa: S104 - in a container
    row = shop.fail(
        web={"image": BASE_IMAGE, "command": ["python3", "-uc", program], "restart": "no"},
        idle={**SLEEPS, "command": ["sh", "-c", "echo idling; exec sleep 1000"]},
    )
    check(shop.panel, row, "  ", shop.panel.get("compose.readLogs", composeId=shop.compose_id))
    assert "The last lines of idle:\n  idling\n" in shop.panel.deployment_log(row["deploymentId"])


@pytest.mark.docker
@pytest.mark.parametrize(("status", "is_warned_of"), [(200, False), (502, True)])
def test_what_a_visitor_of_a_compose_service_is_answered_is_on_the_row(
    shop: Stack, status: int, *, is_warned_of: bool
) -> None:
    given = {"composeId": shop.compose_id, "host": "told.example", "serviceName": "web", "port": 8080}
    shop.panel.post("domain.create", **given)
    program = counting("told").replace("200 OK", f"{status} Told").replace("$", "$$")
    row = shop.deploy(web={**SERVES, "command": ["python3", "-uc", program], "environment": {"PORT": "8080"}})
    assert (row["answers"]["path"], row["answers"]["status"], row["answers"]["ms"] < 5000) == ("/", status, True)
    assert shop.panel.get("deployment.allByCompose", composeId=shop.compose_id)[0]["answers"] == row["answers"]
    log = shop.panel.deployment_log(row["deploymentId"])
    assert (f"Warning: GET / through the edge answers {status} (after " in log) is is_warned_of
