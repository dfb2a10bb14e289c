"""Compose services through the command line, as a new user meets them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docker.compose import SERVES, Stack, as_file, panel_with_engine
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, panel

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/compose-web-and-db/compose.yml"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("compose-cli") / "data", docker_engine) as started:
        yield started


def typed(running: Panel, *arguments: str, stdin: str = "", **env: str) -> tuple[int, str, str]:
    """What a command of the command line ends with, and says."""
    panel_at = {"HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY}
    ended = run_headway(arguments, {"PATH": os.environ["PATH"], **panel_at, **env}, given=stdin, seconds=120)
    return ended.returncode, ended.stdout, ended.stderr


def listed(running: Panel) -> list[dict[str, str]]:
    """The compose services as programs are told of them."""
    found: list[dict[str, str]] = json.loads(typed(running, "composes", "list", "--json")[1])
    return found


def test_the_example_is_made_deployed_looked_at_stopped_and_deleted(running: Panel) -> None:
    assert typed(running, "composes", "create", "shop", "--file", str(EXAMPLE))[0] == 0
    (shop,) = (each for each in listed(running) if each["name"] == "shop")
    running.post("compose.saveEnvironment", composeId=shop["composeId"], env=f"BASE_IMAGE={BASE_IMAGE}\n")
    status, out, err = typed(running, "composes", "deploy", "shop")
    assert (status, "shop is deployed" in out) == (0, True), out + err
    assert "migrate has done its work" in out
    assert "migrate | migrated" in typed(running, "composes", "logs", "shop", "--since", "1h", "-n", "50")[1]
    status, _, err = typed(running, "composes", "logs", "shop", "--since", "soon")
    assert (status, "it takes how long ago (90s, 10m, 2h, 3d)" in err) == (2, True), err
    assert typed(running, "composes", "stop", "shop")[:2] == (0, "shop is stopped\n")
    assert typed(running, "composes", "start", "shop")[:2] == (0, "shop is started\n")
    assert "done" in typed(running, "composes", "list")[1]
    status, out, _ = typed(running, "composes", "delete", "shop", "--volumes", "--yes")
    assert (status, out.startswith("shop is deleted. What stays: images that were fetched")) == (0, True), out
    assert "shop" not in {each["name"] for each in listed(running)}


# It takes its time to listen, and does not come up any more when a file says so.
SLOW_TO_START = "test ! -e /broken || exit 7; sleep 2.5; exec python3 -m http.server 8080"


def test_a_start_is_told_once_the_slow_service_serves(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(as_file(web={**SERVES, "command": ["sh", "-c", SLOW_TO_START]}))
    made = json.loads(
        typed(running, "composes", "create", "slow", "--file", str(tmp_path / "compose.yml"), "--json")[1]
    )
    shop = Stack(panel=running, engine=docker_engine, compose_id=made["composeId"])
    typed(running, "domains", "add", "slow", "slow.localhost", "--container", "web", "--port", "8080")
    assert typed(running, "composes", "deploy", "slow")[0] == 0
    assert typed(running, "composes", "stop", "slow")[0] == 0
    row = json.loads(typed(running, "composes", "start", "slow", "--no-wait", "--json")[1])
    assert row["composeStatus"] == "running"
    assert typed(running, "composes", "start", "slow")[:2] == (0, "slow is started\n")
    assert (shop.one()["composeStatus"], running.visit("slow").status_code) == ("done", 200)

    (web,) = shop.containers()["web"]
    docker_engine.docker("exec", web, "touch", "/broken")
    assert typed(running, "composes", "stop", "slow")[0] == 0
    status, out, err = typed(running, "composes", "start", "slow")
    assert (status, out) == (1, ""), err
    assert "headway: slow was started and does not serve (error); headway composes logs slow shows" in err
    assert shop.one()["composeStatus"] == "error"
    assert typed(running, "composes", "delete", "slow", "--volumes", "--yes")[0] == 0


def test_a_host_name_leads_to_a_service_of_the_file_and_the_file_is_changed(running: Panel, tmp_path: Path) -> None:
    file = "services: {web: {image: IMAGE, command: [python3, -m, http.server, '80']}, side: {image: IMAGE}}"
    (tmp_path / "compose.yml").write_text(file.replace("IMAGE", BASE_IMAGE))
    assert typed(running, "composes", "create", "led", "--file", str(tmp_path / "compose.yml"))[0] == 0

    status, _, err = typed(running, "domains", "add", "led", "led.example")
    assert (status, "--container NAME (of " in err, "web" in err) == (2, True, True), err
    status, out, err = typed(running, "domains", "add", "led", "led.example", "--container", "web", "--port", "80")
    assert (status, "led.example" in out) == (0, True), err
    assert "web:80" in typed(running, "domains", "list", "led")[1]
    assert typed(running, "domains", "remove", "led", "led.example")[0] == 0
    assert "answers at no host name yet" in typed(running, "domains", "list", "led")[1]

    status, _, err = typed(running, "composes", "set", "led", "--path", "deploy/compose.yml")
    assert (status, "comes from no repository" in err) == (2, True), err
    assert typed(running, "composes", "set", "led", "--file", "-", stdin="services: {only: {image: x}}")[0] == 0
    (led,) = (each for each in listed(running) if each["name"] == "led")
    assert "only" in running.get("compose.one", composeId=led["composeId"])["composeFile"]
    assert typed(running, "composes", "set", "led", "--git", "https://git.example/a.git", "--path", "one.yml")[0] == 0
    assert typed(running, "composes", "set", "led", "--path", "two.yml")[0] == 0
    row = running.get("compose.one", composeId=led["composeId"])
    assert (row["sourceType"], row["composePath"]) == ("git", "two.yml")
    assert typed(running, "composes", "set", "led", "--branch", "next")[0] == 0
    assert running.get("compose.one", composeId=led["composeId"])["customGitBranch"] == "next"
    assert typed(running, "composes", "set", "led", "--git", "https://git.example/b.git")[0] == 0
    row = running.get("compose.one", composeId=led["composeId"])
    assert (row["customGitBranch"], row["composePath"]) == (None, "./docker-compose.yml"), "the defaults of the help"
    running.post("compose.update", composeId=led["composeId"], sourceType="gitlab")
    assert typed(running, "composes", "set", "led", "--branch", "next")[0] == 0
    assert running.get("compose.one", composeId=led["composeId"])["gitlabBranch"] == "next"


def test_a_database_has_no_host_name_and_no_release_to_go_back_to(running: Panel) -> None:
    assert typed(running, "databases", "create", "books", "--kind", "postgres")[0] == 0
    status, _, err = typed(running, "domains", "add", "books", "books.example")
    assert (status, "books is a database (postgres): it does not speak HTTP" in err) == (2, True), err
    status, _, err = typed(running, "rollback", "books")
    assert (status, "there is nothing to go back to" in err) == (2, True), err
    assert "never deployed" in typed(running, "status")[1]


def test_a_file_that_fails_ends_with_its_sentence_and_status_one(running: Panel) -> None:
    file = f"services: {{web: {{image: {BASE_IMAGE}, command: [sh, -c, 'echo why not; exit 9']}}}}"
    assert typed(running, "composes", "create", "broken", "--file", "-", stdin=file)[0] == 0
    status, _, err = typed(running, "composes", "deploy", "broken")
    assert (status, "The service web ended with exit status 9: why not." in err) == (1, True), err
    status, _, err = typed(running, "composes", "deploy", "nobody")
    assert (status != 0, "There is no compose service nobody." in err) == (True, True), err
    assert typed(running, "composes", "create", "x")[0] != 0


def test_one_is_made_on_a_server_that_is_there(running: Panel) -> None:
    far = running.post("server.create", name="far", ipAddress="127.0.0.1")
    make = ("composes", "create", "there", "--file", str(EXAMPLE), "--json")
    assert json.loads(typed(running, *make, "--server", "far")[1])["serverId"] == far["serverId"]
    status, _, err = typed(running, *make, "--server", "nowhere")
    assert (status != 0, "There is no server nowhere." in err) == (True, True), err


def test_without_an_engine_a_deploy_says_so(tmp_path: Path) -> None:
    with panel(tmp_path / "data", HEADWAY_DOCKER_HOST=Engine(tmp_path / "nowhere").host) as alone:
        typed(alone, "composes", "create", "shop", "--file", "-", stdin="services: {web: {image: debian}}")
        status, _, err = typed(alone, "composes", "deploy", "shop")
        assert (status, "does not answer" in err) == (1, True), err
        status, out, _ = typed(alone, "composes", "list")
        assert (status, "error" in out) == (0, True)
