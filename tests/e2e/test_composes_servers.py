"""A compose service on a server with an engine of its own: built, released, served, killed and removed there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.e2e.boxes import boxed_web, sleepers
from tests.e2e.test_applications_servers import Site, connected
from tests.e2e.test_reasons import check
from tests.support.applications.mortal import PROGRAM
from tests.support.docker.compose import SERVES, SLEEPS, Stack, as_file
from tests.support.docker.docker_engine import BASE_IMAGE, lacks_docker
from tests.support.machines.server_roots import MISSING, FarEngine, engine_on
from tests.support.panel.panel import KEY, commit, git_repository, until
from tests.support.storages.backups import Volumes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING or lacks_docker()), reason=f"needs {', '.join(MISSING)} {lacks_docker()}"),
]
Json = Any
HOST = "far.example"


@dataclass(frozen=True, kw_only=True)
class FarStack(Stack):
    """One that is on a server."""

    site: Site

    def visit(self) -> httpx.Response:
        """What answers at the edge of its server."""
        url = f"http://{self.site.server.address}:{self.panel.edge_port}/"
        return httpx.get(url, headers={"host": HOST}, timeout=10, trust_env=False)


def files(version: str, **fields: Json) -> dict[str, str]:
    """A repository of a service that is built, and one that keeps something."""
    web = {**SERVES, "build": ".", "environment": {"PORT": "8080"}, **fields}
    for key in ("image", "command"):
        web.pop(key, None)
    db = {**SLEEPS, "command": ["sh", "-c", "echo kept there; exec sleep 1000"], "volumes": ["kept:/kept"]}
    return boxed_web(version, **{"docker-compose.yml": as_file({"kept": {}}, web=web, db=db)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, FarEngine]]:
    with connected(tmp_path_factory.mktemp("far"), with_edge=True) as site, engine_on(site.server) as engine:
        yield site, engine


def far_stack(place: tuple[Site, FarEngine], name: str) -> FarStack:
    """A new compose service on the server."""
    site, engine = place
    where = site.panel.post("project.create", name=f"p {name}")["environment"]["environmentId"]
    given = {"name": name, "environmentId": where, "serverId": site.server_id, "healthDeadlineSeconds": 30}
    made = site.panel.post("compose.create", **given)
    assert made["serverId"] == site.server_id
    return FarStack(panel=site.panel, engine=engine, compose_id=made["composeId"], site=site)


def test_a_compose_service_lives_on_a_server(place: tuple[Site, FarEngine], tmp_path: Path) -> None:
    shop = far_stack(place, "shop")
    running, repository = shop.panel, tmp_path / "r"
    shop.change(sourceType="git", customGitUrl=git_repository(repository, files("one")))
    running.post("domain.create", composeId=shop.compose_id, host=HOST, serviceName="web", port=8080)
    first = running.done(shop.begin(), 120)
    assert (first["serverId"], shop.visit().text) == (shop.site.server_id, "one")
    listed = running.get("deployment.allByServer", serverId=shop.site.server_id)
    assert [row["deploymentId"] for row in listed] == [first["deploymentId"]]
    before = shop.containers()
    assert before.keys() == {"web", "db"}
    looked_at(shop, before)
    backed_up(shop)
    before = shop.containers()

    commit(repository, files("two"), "second")
    running.done(shop.begin(), 90)
    assert shop.visit().text == "two"
    assert shop.containers()["db"] == before["db"], "nothing of it has changed"

    back = running.client.post("/rollback.rollback", json={"rollbackId": first["rollbackId"]})
    running.done(back.headers["x-deployment-id"], 60)
    assert shop.visit().text == "one"
    running.post("compose.stop", composeId=shop.compose_id)
    assert (shop.containers(), shop.visit().status_code) == ({}, 404)
    running.post("compose.start", composeId=shop.compose_id)
    until(lambda: shop.visit().text == "one", 10)

    killed(shop, repository)
    assert shop.visit().text == "one"

    running.post("compose.delete", composeId=shop.compose_id, deleteVolumes=True)
    assert (shop.containers(running=False), shop.left("network"), shop.left("volume")) == ({}, [], [])
    work = next((shop.site.server.root / "var/lib/headway").glob("*.work"))
    assert list(work.rglob(f"*{shop.compose_id}*")) == []
    assert "headway-compose" not in shop.engine.docker("image", "ls", "--format={{.Repository}}")


def test_a_compose_service_that_dies_on_a_server_after_its_health_check_says_why(
    place: tuple[Site, FarEngine],
) -> None:
    """The visit by which the panel asks what it answers through the edge of the server is what ends it."""
    shop = far_stack(place, "mortal shop")
    running, compose = shop.panel, {"composeId": shop.compose_id}
    running.post("domain.create", **compose, host="mortal.example", serviceName="web", port=8080)
    program = PROGRAM.replace("LISTENS", "0.0.0.0").replace("$", "$$")  # noqa: S104 - in a container
    row = shop.fail(
        web={"image": BASE_IMAGE, "command": ["python3", "-uc", program], "restart": "no"},
        idle={**SLEEPS, "command": ["sh", "-c", "echo idling; exec sleep 1000"]},
    )
    assert row["serverId"] == shop.site.server_id
    assert row["steps"][-1]["name"] != "health check", "it was healthy"
    check(running, row, "  ", running.get("compose.readLogs", **compose))
    assert "The last lines of idle:\n  idling\n" in running.deployment_log(row["deploymentId"])
    running.post("compose.delete", **compose, deleteVolumes=True)


def looked_at(shop: FarStack, running: dict[str, set[str]]) -> None:
    """Its containers are listed, followed and described from there."""
    there, compose = {"serverId": shop.site.server_id}, {"composeId": shop.compose_id}
    shown = shop.panel.get("docker.getContainers", **there)
    assert {(row["serviceName"], row["serverId"]) for row in shown} == {(name, there["serverId"]) for name in running}
    (volume,) = shop.panel.get("compose.loadMountsByService", **compose, serviceName="db")
    assert volume["Destination"] == "/kept"
    assert "db | kept there" in shop.panel.get("compose.readLogs", **compose).splitlines()
    query = f"containerId={next(iter(running['db']))}&serverId={there['serverId']}"
    url = f"ws://127.0.0.1:{shop.panel.port}/docker-container-logs?{query}"
    with connect(url, additional_headers={"x-api-key": KEY}, proxy=None) as followed:
        assert followed.recv(timeout=20) == "kept there\n"


def backed_up(shop: FarStack) -> None:
    """What it keeps there comes back, with the service stopped and started there."""
    name = f"{shop.one()['appName']}_kept"
    kept = Path(json.loads(shop.engine.docker("volume", "inspect", name))[0]["Mountpoint"])
    shop.site.server.show(kept.parents[1])
    (kept / "word").write_text("as backed up")
    volumes = Volumes(shop.panel)
    volume_backup_id = volumes.make(composeId=shop.compose_id, volumeName="kept", turnOff=True)
    file = volumes.run(volume_backup_id)
    (kept / "word").write_text("written since")
    row = volumes.restore(volume_backup_id, file["path"])
    assert (row["status"], row["serverId"]) == ("done", shop.site.server_id), row["errorMessage"]
    assert (kept / "word").read_text() == "as backed up"
    assert [path.name for path in kept.parent.iterdir()] == ["_data"], "nothing is left beside it"
    until(lambda: shop.visit().status_code == 200, 30)


def killed(shop: FarStack, repository: Path) -> None:
    """A build that is killed leaves nothing there."""
    slow = "FROM headway-test/base:local\nRUN echo begun && sleep 8831\n"
    commit(repository, {"Dockerfile": slow}, "slow")
    deployment_id = shop.begin()
    shop.panel.running(deployment_id, "begun", 60)
    shop.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert (shop.panel.one(deployment_id)["reason"], sleepers(8831)) == ("killed", [])
