"""Going back with a compose service on a real engine: its file of then, down to the images."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.docker.compose import SERVES, SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, git_repository, until

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("compose") / "data", docker_engine) as started:
        yield started


@pytest.fixture
def shop(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"back {request.node.name}"[:60])
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert made.containers(running=False) == {}


def says(text: str, **more: Json) -> dict[str, Json]:
    """A service that answers with a text."""
    return {
        **SERVES,
        "command": ["sh", "-c", f"echo {text} > /index.html; cd /; exec python3 -m http.server 8080"],
        **more,
    }


def back(shop: Stack, release_id: str, **body: Json) -> Json:
    answer = shop.panel.client.post("/rollback.rollback", json={"rollbackId": release_id, **body})
    assert answer.status_code == 200, answer.text
    return shop.panel.ended(answer.headers["x-deployment-id"], 90)


def at(shop: Stack, host: str) -> str | None:
    url = f"http://127.0.0.1:{shop.panel.edge_port}/index.html"
    answer = httpx.get(url, headers={"host": host}, timeout=10, trust_env=False)
    return answer.text.strip() if answer.status_code == 200 else None


def leads(shop: Stack, host: str) -> str:
    given = {"composeId": shop.compose_id, "serviceName": "web", "port": 8080}
    domain_id: str = shop.panel.post("domain.create", host=host, **given)["domainId"]
    return domain_id


def test_the_services_and_the_domains_of_then_come_back_and_what_has_not_changed_is_left_alone(shop: Stack) -> None:
    first = shop.deploy(web=says("one", environment={"API_TOKEN": "old-secret"}), db=SLEEPS)["deploymentId"]
    old = leads(shop, "old.shop.example")
    shop.deploy(web=says("two", environment={"API_TOKEN": "new-secret"}), db=SLEEPS, cache=SLEEPS)
    shop.panel.post("domain.delete", domainId=old)
    leads(shop, "new.shop.example")
    db = shop.containers()["db"]
    preview = shop.panel.client.get("/rollback.preview", params={"rollbackId": first})
    changes = {(each["what"], each["name"]): each["after"] for each in preview.json()["changes"]}
    assert "secret" not in preview.text.replace('"secret":', "")
    assert changes[("service", "cache")] is None
    assert changes[("domain", "new.shop.example")] == "off"
    assert changes[("variable", "web.API_TOKEN")] is None

    row = back(shop, first)

    assert (row["status"], row["kind"], row["trigger"]) == ("done", "compose.rollback", "rollback")
    assert (at(shop, "old.shop.example"), at(shop, "new.shop.example")) == ("one", None)
    assert shop.containers()["db"] == db
    until(lambda: shop.containers(running=False).keys() == {"web", "db"}, what="what the file has no more is gone")
    until(lambda: len(shop.containers()["web"]) == 1, what="the one before is gone")
    (web,) = shop.containers()["web"]
    assert "API_TOKEN=old-secret" in shop.engine.docker("inspect", "--format={{.Config.Env}}", web)
    assert shop.one()["composeStatus"] == "done"
    rows = shop.panel.get("deployment.allByCompose", composeId=shop.compose_id)
    assert [(each["rollback"]["version"], each["rollback"]["serves"]) for each in rows] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert rows[1]["rollback"]["rolledBackBy"] == row["deploymentId"]


def test_what_a_visitor_is_answered_after_it_is_on_its_row(shop: Stack) -> None:
    leads(shop, "told.example")
    missing = {**SERVES, "command": ["python3", "-m", "http.server", "--directory", "/nowhere", "8080"]}
    first = shop.deploy(web=missing)["deploymentId"]
    assert shop.deploy(web=says("two"))["answers"]["status"] == 200

    row = back(shop, first)

    assert row["status"] == "done", row["errorMessage"]
    assert (row["answers"]["path"], row["answers"]["status"], row["answers"]["ms"] < 5000) == ("/", 404, True)
    rows = shop.panel.get("deployment.allByCompose", composeId=shop.compose_id)
    assert rows[0]["answers"] == row["answers"]


def test_it_needs_no_repository_and_no_image_but_those_that_were_kept(shop: Stack, tmp_path: Path) -> None:
    shop.engine.docker("tag", BASE_IMAGE, "shop-test/moving:1")
    files = {"docker-compose.yml": as_file(web={**SLEEPS, "image": "shop-test/moving:1"})}
    url = git_repository(tmp_path / "repository", files)
    shop.change(sourceType="git", customGitUrl=url)
    first = shop.deploy()["deploymentId"]
    shop.change(sourceType="raw")
    shop.deploy(web={**SLEEPS, "environment": {"V": "2"}})
    shutil.rmtree(tmp_path / "repository")
    shop.engine.docker("rmi", "shop-test/moving:1")

    assert back(shop, first)["status"] == "done"
    assert shop.containers().keys() == {"web"}


def test_a_missing_image_is_told_and_nothing_is_touched(shop: Stack) -> None:
    first = shop.deploy(web={**SLEEPS, "environment": {"V": "1"}})["deploymentId"]
    shop.deploy(web={**SLEEPS, "environment": {"V": "2"}})
    until(lambda: len(shop.containers(running=False)["web"]) == 1, what="the one before is gone")
    before = shop.containers()
    mine = f"headway-compose/{shop.one()['appName']}/*"
    names = shop.engine.docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", mine)
    for name in names.split():
        shop.engine.docker("rmi", name)

    answer = shop.panel.client.post("/rollback.rollback", json={"rollbackId": first})

    assert answer.status_code == 400
    assert "The image of web is not on its machine any more" in answer.json()["message"]
    assert shop.containers() == before


def test_one_that_does_not_come_up_leaves_what_served(shop: Stack) -> None:
    kept = {"volumes": ["./kept:/kept"]}
    broken_once = "test ! -e /kept/two || exit 7; exec sleep 1000"  # by then the volume has what it cannot bear
    first = shop.deploy(db={**SLEEPS, **kept, "command": ["sh", "-c", broken_once]})["deploymentId"]
    shop.deploy(db={**SLEEPS, **kept, "command": ["sh", "-c", "touch /kept/two; exec sleep 1000"]})

    row = back(shop, first)

    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "ended with exit status 7" in row["errorMessage"]
    assert "the containers of before are brought up again" in row["errorMessage"]
    (container,) = shop.containers()["db"]
    assert "touch /kept/two" in shop.engine.docker("inspect", "--format={{.Config.Cmd}}", container)


def test_a_release_is_removed_and_its_containers_go_on(shop: Stack) -> None:
    first = shop.deploy(web=SLEEPS)["deploymentId"]
    second = shop.deploy(web={**SLEEPS, "environment": {"V": "2"}})["deploymentId"]
    refused = shop.panel.client.post("/rollback.delete", json={"rollbackId": second})
    assert refused.status_code == 409
    removed = shop.panel.post("rollback.delete", rollbackId=first)
    assert (removed["rollbackId"], removed["deployment"]["deploymentId"]) == (first, first)
    assert shop.panel.one(first)["rollback"] is None
    assert shop.containers().keys() == {"web"}
