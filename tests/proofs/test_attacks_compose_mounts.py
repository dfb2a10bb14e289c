"""The same attacks on mounts of compose services where they take longer: in a swarm, on a server, around a reboot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.swarms import swarm_ground
from tests.e2e.test_applications_servers import connected
from tests.e2e.test_composes_servers import far_stack
from tests.support.docker.compose import SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine, lacks_docker
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry
from tests.support.docker.swarm_nodes import Nodes
from tests.support.machines.server_roots import MISSING, engine_on
from tests.support.panel.panel import until, work_of

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(MISSING or lacks_docker()), reason=f"needs {', '.join(MISSING)} {lacks_docker()}"),
]
WRITER = {**SLEEPS, "command": ["sh", "-c", "mkdir -p /f/a; exec sleep 1000"], "volumes": ["../files:/f"]}
VICTIM = {**SLEEPS, "volumes": ["../files/a:/host"]}


def is_refused(shop: Stack, files: Path, **more: str) -> None:
    """Whoever has the folder around a mount gets no other one mounted: by a deploy, a rollback, a start."""
    victim, writer, other = {**VICTIM, **more}, {**WRITER, **more}, {**SLEEPS, **more}
    first = shop.deploy(w2=victim)["deploymentId"]
    row = shop.fail(w=writer)
    assert (row["reason"], "within which lies" in row["errorMessage"]) == ("refused", True), row["errorMessage"]
    shop.deploy(x=other)
    until(lambda: "w2" not in shop.containers(), 30, what="the container of before has ended, which a swarm waits for")
    shop.deploy(w=writer)
    until((files / "a").is_dir, 30, what="the writer has begun")
    row = shop.fail(w2=victim)
    assert (row["reason"], "within" in row["errorMessage"]) == ("refused", True), row["errorMessage"]
    (files / "a").rename(files / "b")
    (files / "a").symlink_to("/")
    answer = shop.panel.client.post("/rollback.rollback", json={"rollbackId": first})
    row = shop.panel.ended(answer.headers["x-deployment-id"], 90)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    shop.deploy(x=other)
    until(lambda: "w" not in shop.containers(), 30, what="the writer has ended")
    row = shop.fail(w2=victim)
    assert "leads out of its files" in row["errorMessage"]


@pytest.mark.skipif(lacks_registry() is not None, reason=str(lacks_registry()))
def test_in_a_swarm(nodes: Nodes, tmp_path: Path) -> None:
    manager = nodes.manager
    with swarm_ground(tmp_path, nodes) as ground:
        image = f"{ground.registry}/team/base:1"
        manager.docker("login", ground.registry, f"--username={USERNAME}", "--password-stdin", stdin=PASSWORD.encode())
        manager.docker("tag", BASE_IMAGE, image)
        manager.docker("push", image, timeout=120)
        manager.docker("logout", ground.registry)
        shop = stack(ground.panel, manager, "attacked stack")
        shop.change(composeType="stack", registryIds=[ground.registry_id], healthDeadlineSeconds=60)
        try:
            is_refused(shop, work_of(ground.panel.data_dir) / "composes" / shop.compose_id / "files", image=image)
        finally:
            ground.panel.post("compose.delete", composeId=shop.compose_id, deleteVolumes=True)


def test_on_a_server(tmp_path: Path) -> None:
    with connected(tmp_path) as site, engine_on(site.server) as engine:
        shop = far_stack((site, engine), "attacked there")
        shop.change(composeFile=as_file(w2=VICTIM))
        shop.panel.done(shop.begin(), 120)
        work = next((site.server.root / "var/lib/headway").glob("*.work"))
        is_refused(shop, work / "composes" / shop.compose_id / "files")
        shop.panel.post("compose.delete", composeId=shop.compose_id, deleteVolumes=True)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "engine")
    engine.folder.mkdir()
    engine.start()
    try:
        engine.load_base_image()
        yield engine
    finally:
        engine.remove()


def test_around_a_reboot(own_engine: Engine, tmp_path: Path) -> None:
    """The engine starts containers before there is a panel, with what they had; what was exchanged is not mounted."""
    with panel_with_engine(tmp_path / "data", own_engine) as panel:
        shop = stack(panel, own_engine, "rebooted")
        said = {**SLEEPS, "command": ["sh", "-c", "echo kept > /host/word; exec sleep 1000"], "restart": "always"}
        shop.deploy(w2={**VICTIM, **said}, once={**SLEEPS, "volumes": ["../files/o:/host"]})
        files = work_of(panel.data_dir) / "composes" / shop.compose_id / "files"
        panel.kill()
        own_engine.stop()
        (files / "o").rename(files / "p")
        (files / "o").symlink_to("/")
        own_engine.start()
        until(lambda: "w2" in shop.containers(), 30, what="the engine has started it by itself")
        (container,) = shop.containers()["w2"]
        assert own_engine.docker("exec", container, "cat", "/host/word") == "kept\n"
        panel.start()
        until(lambda: "leads out of its files" in panel.log(), 30, what="the panel has said why it starts no more")
        assert shop.containers().keys() == {"w2"}
        mounts = json.loads(own_engine.docker("inspect", *shop.containers()["w2"]))[0]["Mounts"]
        assert [mount["Source"] for mount in mounts] == [str(files / "a")]
        panel.post("compose.delete", composeId=shop.compose_id, deleteVolumes=True)
