"""Compose services on a real engine: what is replaced how, what a failure leaves, and what is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.docker.compose import SERVES, SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, commit, git_repository, until
from tests.support.storages.archives import packed

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("compose") / "data", docker_engine) as started:
        yield started


@pytest.fixture
def shop(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"shop {request.node.name}"[:60])
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert made.containers(running=False) == {}
    assert (made.left("network"), made.left("volume")) == ([], [])


def in_volume(command: str, **more: Json) -> dict[str, Json]:
    return {**SLEEPS, "command": ["sh", "-c", command], "volumes": ["./kept:/kept"], **more}


def test_a_deploy_is_done_when_every_service_is_up_and_replaces_only_what_has_changed(shop: Stack) -> None:
    once = {"image": BASE_IMAGE, "command": ["true"]}
    row = shop.deploy(web=SERVES, db=SLEEPS, once=once)
    assert (row["composeId"], row["pid"], row["kind"]) == (shop.compose_id, None, "compose.deploy")
    assert shop.one()["composeStatus"] == "done"
    closing = shop.panel.deployment_log(row["deploymentId"]).rstrip().splitlines()[-1]
    assert closing == f"Deployment done: db, once, web of {shop.one()['appName']} are up"
    first = shop.containers()
    assert first.keys() == {"web", "db"}, "the third has done its work"
    told = {each["serviceName"]: each["status"] for each in shop.panel.get("docker.getContainers")}
    assert (told["once"][:11], told["once"][-4:]) == ("Exited (0) ", " ago"), "as the engine itself says it"

    second_row = shop.deploy(web=SERVES, db=SLEEPS, once=once)
    assert shop.containers() == first, "nothing has changed, so nothing is replaced"
    assert "unchanged" in shop.panel.deployment_log(second_row["deploymentId"])

    shop.deploy(web={**SERVES, "environment": {"V": "2"}}, db=SLEEPS)
    until(lambda: len(shop.containers()["web"]) == 1, 20, what="the end of the replaced container")
    last = shop.containers()
    assert (last["db"], last["web"] & first["web"]) == (first["db"], set())
    until(lambda: "once" not in shop.containers(running=False), 20, what="the end of what the file has no more")


def test_a_stateless_service_with_a_health_check_is_replaced_beside_the_one_that_serves(shop: Stack) -> None:
    shop.deploy(web=SERVES)
    before = shop.containers()["web"]
    row = shop.fail(web={**SERVES, "command": ["sh", "-c", "echo no port; exit 4"]})
    assert row["errorMessage"] == ("The service web ended with exit status 4: no port. The containers of before go on.")
    assert (row["reason"], shop.containers(running=False)) == ("failed", {"web": before})
    assert "The last lines of web:\n  no port\n" in shop.panel.deployment_log(row["deploymentId"])


def test_what_was_replaced_in_place_comes_back_when_the_new_one_fails(shop: Stack) -> None:
    shop.deploy(db=in_volume("echo one >> /kept/f; exec sleep 1000"))
    row = shop.fail(db=in_volume("echo two >> /kept/f; exit 3"))
    assert "ended with exit status 3" in row["errorMessage"]
    assert "db could only be replaced in place: the containers of before are brought up again" in row["errorMessage"]
    (container,) = shop.containers()["db"]
    assert shop.engine.docker("exec", container, "cat", "/kept/f") == "one\ntwo\none\n"


@pytest.mark.parametrize(
    ("service", "reason", "said"),
    [
        ({"command": ["sh", "-c", "echo why; exit 7"], "restart": "always"}, "failed", "ends again and again"),
        ({**SERVES, "healthcheck": {"test": ["CMD", "false"], "interval": "300ms", "retries": 2}}, "failed", "health"),
        (
            {"command": ["python3", "-c", "x = bytearray(1 << 30)"], "mem_limit": "32m", "memswap_limit": "32m"},
            "out_of_memory",
            "memory",
        ),
    ],
)
def test_what_does_not_come_up_is_an_error_and_nothing_of_it_is_left(
    shop: Stack, service: dict[str, Json], reason: str, said: str
) -> None:
    row = shop.fail(web={"image": BASE_IMAGE, **service})
    assert (row["reason"], said in row["errorMessage"]) == (reason, True), row["errorMessage"]
    assert shop.containers(running=False) == {}
    assert shop.left("network") == []
    assert shop.one()["composeStatus"] == "error"


def test_variables_reach_the_file_and_their_values_no_log_and_no_disk(shop: Stack) -> None:
    shop.panel.post("compose.saveEnvironment", composeId=shop.compose_id, env="TOKEN=very$ecret'value\nEMPTY=\n")
    says = 'echo "<$TOKEN>" "<$EMPTY>" "<$FROM_FILE>"; cat /run/secrets/token; echo; exec sleep 1000'
    web = {
        **SLEEPS,
        "command": ["sh", "-c", says.replace("$", "$$")],
        "environment": {"FROM_FILE": "${TOKEN}", "EMPTY": "${EMPTY}", "NOT_GIVEN": "${NOT_GIVEN:-}"},
        "env_file": ".env",
        "secrets": ["token"],
    }
    shop.change(composeFile=as_file(web=web)[:-1] + ', "secrets": {"token": {"environment": "TOKEN"}}}')
    row = shop.deploy()
    (container,) = shop.containers()["web"]
    assert shop.engine.docker("logs", container) == "<very$ecret'value> <> <very$ecret'value>\nvery$ecret'value\n"
    read = shop.panel.get("compose.readLogs", composeId=shop.compose_id)
    assert read == "web | <******> <> <******>\nweb | ******"
    assert "very$ecret" not in shop.panel.deployment_log(row["deploymentId"])
    kept = [path for top in (shop.panel.data_dir, shop.panel.work) for path in top.rglob("*") if path.is_file()]
    assert [path for path in kept if b"very$ecret" in path.read_bytes()] == []


def test_a_repository_is_fetched_built_and_deployed(shop: Stack, tmp_path: Path) -> None:
    files = {
        "deploy/compose.yml": "services:\n  web:\n    build: ../app\n    command: [sleep, '1000']\n"
        "    volumes: ['./conf:/conf:ro']\n    stop_grace_period: 0s\n    extends: {file: base.yml, service: base}\n",
        "deploy/base.yml": "services:\n  base:\n    environment: {BASE: 'yes'}\n",
        "deploy/conf/x": "from the repository\n",
        "app/Dockerfile": f"FROM {BASE_IMAGE}\nCOPY file /file\n",
        "app/file": "built\n",
    }
    url = git_repository(tmp_path / "git", files)
    shop.change(sourceType="git", customGitUrl=url, composePath="deploy/compose.yml")
    row = shop.deploy()
    assert (row["title"], row["commit"]["branch"]) == ("first commit", "main")
    (container,) = shop.containers()["web"]
    assert shop.engine.docker("exec", container, "cat", "/file", "/conf/x") == "built\nfrom the repository\n"
    assert shop.engine.docker("exec", container, "printenv", "BASE") == "yes\n"
    commit(tmp_path / "git", {"app/file": "again\n"}, "second commit")
    again = shop.panel.done(shop.begin("compose.redeploy"), 90)
    assert again["commit"]["hash"] == row["commit"]["hash"], "a redeploy fetches nothing"


def test_an_archive_is_unpacked_built_and_deployed(shop: Stack) -> None:
    files = {
        "stack/compose.yml": "services:\n  web:\n    build: .\n    command: [sleep, '1000']\n",
        "stack/Dockerfile": f"FROM {BASE_IMAGE}\nCOPY file /file\n",
        "stack/file": "uploaded\n",
    }
    answer = shop.panel.client.post(
        "/compose.dropDeployment",
        data={"composeId": shop.compose_id, "composePath": "stack/compose.yml"},
        files={"zip": ("stack.tar.gz", packed(files))},
    )
    row = shop.panel.done(answer.headers["x-deployment-id"], 90)
    digest = shop.one()["archive"]["digest"]
    assert (row["title"], row["description"]) == ("Upload of stack.tar.gz", f"Archive: {digest}")
    (container,) = shop.containers()["web"]
    assert shop.engine.docker("exec", container, "cat", "/file") == "uploaded\n"
    again = shop.panel.done(shop.begin("compose.redeploy"), 90)
    assert again["commit"]["hash"] == digest


@pytest.mark.skipif(lacks_registry() is not None, reason=lacks_registry() or "")
def test_images_come_with_the_credentials_of_the_registries_that_it_names(shop: Stack, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        name = f"{address}/team/base:1"
        as_other = ("--config", str(tmp_path / "configuration"))
        login = ("login", f"--username={USERNAME}", "--password-stdin", address)
        shop.engine.docker(*as_other, *login, stdin=PASSWORD.encode())
        shop.engine.docker("tag", BASE_IMAGE, name)
        shop.engine.docker(*as_other, "push", "--quiet", name)
        shop.engine.docker("image", "rm", name)
        row = shop.fail(web={**SLEEPS, "image": name})
        assert f"The image {name} cannot be pulled" in row["errorMessage"]

        given = {"registryName": "r", "registryUrl": address, "username": USERNAME, "password": PASSWORD}
        registry_id = shop.panel.post("registry.create", **given)["registryId"]
        shop.change(registryIds=[registry_id])
        row = shop.deploy()
        assert PASSWORD not in shop.panel.deployment_log(row["deploymentId"])
        assert not [path for path in (shop.panel.work / "logins").rglob("*") if path.is_file()]

        shop.panel.post("registry.update", registryId=registry_id, password="wrong")
        row = shop.fail(web={**SLEEPS, "image": name, "environment": {"V": "2"}})
        assert f"The registry {address} does not let the user keeper in" in row["errorMessage"]
        assert not [path for path in (shop.panel.work / "logins").rglob("*") if path.is_file()]
    shop.panel.done(shop.begin("compose.redeploy"), 90)  # for what is here no registry is asked


def test_stopped_containers_stay_and_start_again_and_volumes_go_only_when_asked(
    running: Panel, docker_engine: Engine
) -> None:
    made = stack(running, docker_engine, "keeper")
    db = {**SLEEPS, "volumes": ["data:/data"]}
    made.change(composeFile=as_file(volumes={"data": {}}, db=db, once={"image": BASE_IMAGE, "command": ["true"]}))
    made.deploy()
    before = made.containers()
    assert running.post("compose.stop", composeId=made.compose_id) is True
    assert (made.containers(), made.one()["composeStatus"]) == ({}, "idle")
    assert running.post("compose.start", composeId=made.compose_id) is True
    assert made.containers() == before
    until(lambda: made.one()["composeStatus"] == "done", what="it has been seen to serve")
    (mount,) = running.get("compose.loadMountsByService", composeId=made.compose_id, serviceName="db")
    running.post("compose.delete", composeId=made.compose_id)
    assert (made.containers(running=False), made.left("network"), made.left("volume")) == ({}, [], [mount["Name"]])


@pytest.mark.parametrize("procedure", ["deployment.killProcess", "deployment.cancel", "compose.killBuild"])
def test_a_deploy_that_is_ended_leaves_what_was_there_before(shop: Stack, procedure: str) -> None:
    shop.deploy(web=SERVES, db=in_volume("exec sleep 1000"))
    before = shop.containers()
    never = {**SERVES, "healthcheck": {"test": ["CMD", "false"], "interval": "1s", "retries": 90}}
    shop.write(web=never, db=in_volume("exec sleep 1001"))
    deployment_id = shop.begin()
    until(lambda: len(shop.containers().get("web", ())) == 2, 60, what="the container beside")
    by_compose = procedure.startswith("compose.")
    given = {"composeId": shop.compose_id} if by_compose else {"deploymentId": deployment_id}
    shop.panel.post(procedure, **given)
    row = shop.panel.one(deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled" if procedure.endswith("cancel") else "killed")
    after = shop.containers(running=False)
    assert (after["web"], len(after["db"]), sorted(after)) == (before["web"], 1, ["db", "web"])
    assert after["db"] == shop.containers()["db"], "the one of before runs again"


def test_a_panel_that_is_killed_in_the_middle_is_followed_by_one_that_ends_the_deploy_truly(shop: Stack) -> None:
    shop.deploy(web=SERVES)
    slow = {**SERVES, "command": ["sh", "-c", "sleep 6; exec python3 -m http.server 8080"]}
    shop.write(web={**slow, "healthcheck": {**SERVES["healthcheck"], "retries": 60}})
    deployment_id = shop.begin()
    until(lambda: len(shop.containers().get("web", ())) == 2, 60, what="the container beside")
    shop.panel.kill()
    shop.panel.start()
    row = shop.panel.done(deployment_id, 90)
    assert [step["name"] for step in row["steps"]].count("start beside") == 1
    until(lambda: len(shop.containers(running=False)["web"]) == 1, 30, what="the end of the replaced container")


def test_what_was_up_comes_up_again_after_all_was_taken_down(shop: Stack) -> None:
    shop.deploy(web=SLEEPS, once={"image": BASE_IMAGE, "command": ["sh", "-c", "echo ran >> /f"]})
    before = shop.containers(running=False)
    shop.panel.stop()
    down = run_headway(["down", "--data-dir", str(shop.panel.data_dir)], {"PATH": os.environ["PATH"], **shop.panel.env})
    assert down.returncode == 0, down.stderr
    assert shop.containers() == {}
    shop.panel.start()
    until(lambda: shop.containers() == {"web": before["web"]}, 30, what="the container that is to run")
    (once,) = shop.containers(running=False)["once"]
    assert {once} == before["once"]
    shown = shop.engine.docker("inspect", "--format={{.State.Status}}", once)
    assert shown == "exited\n", "what has done its work is not run again"


def test_a_port_that_somebody_has_ends_the_deploy_before_anything_is_touched(shop: Stack) -> None:
    shop.deploy(web=SLEEPS)
    before = shop.containers()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        row = shop.fail(web={**SLEEPS, "ports": [f"127.0.0.1:{port}:80"]})
    assert f"A port of its machine is taken by something else: {port} (wanted by web)" in row["errorMessage"]
    assert shop.containers(running=False) == before


def test_an_image_that_is_nowhere_ends_the_deploy_before_anything_is_touched(shop: Stack) -> None:
    shop.deploy(web=SLEEPS)
    before = shop.containers()
    row = shop.fail(web={**SLEEPS, "image": "registry.invalid/not/there:1"})
    assert "registry.invalid/not/there:1 cannot be pulled" in row["errorMessage"]
    assert shop.containers(running=False) == before


def test_what_crashes_after_it_was_up_makes_its_deployment_unstable(shop: Stack) -> None:
    line = "while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 3"
    row = shop.deploy(web={**SLEEPS, "command": ["sh", "-c", line], "restart": "always"})
    (container,) = shop.containers()["web"]

    def started() -> str:
        return shop.engine.docker("inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", container)

    before = started()
    shop.engine.docker("kill", container)
    until(lambda: before != started() and started().startswith("true"), 20, what="what its engine has ended runs again")
    assert not shop.panel.one(row["deploymentId"])["unstable"]
    shop.engine.docker("exec", container, "touch", "/tmp/end")
    until(lambda: shop.panel.one(row["deploymentId"])["unstable"], 20, what="the mark")
    told = shop.panel.one(row["deploymentId"])["errorMessage"]
    assert told == "A container has ended by itself since it came to serve. Its output says more."


def test_containers_are_the_callers_own_and_no_others_of_the_machine(shop: Stack) -> None:
    foreign = shop.engine.docker("run", "--detach", BASE_IMAGE, "sleep", "1000").strip()
    try:
        shop.panel.post("compose.saveEnvironment", composeId=shop.compose_id, env="TOKEN=not-to-be-seen")
        talks = {**SLEEPS, "command": ["sh", "-c", "echo one $$TOKEN; exec sleep 1000"]}
        shop.deploy(web={**talks, "environment": {"TOKEN": "${TOKEN}"}})
        (container,) = shop.containers()["web"]
        app_name = shop.one()["appName"]
        (row,) = shop.panel.get("docker.getContainersByAppNameMatch", appName=app_name, appType="docker-compose")
        assert (row["containerId"], row["image"], row["state"]) == (container[:12], BASE_IMAGE, "running")
        assert row["status"].startswith("Up "), "as the engine itself says it"
        listed = {each["containerId"] for each in shop.panel.get("docker.getContainers")}
        assert (row["containerId"] in listed, foreign[:12] in listed) == (True, False)
        for other in (foreign, foreign[:12], "nobody"):
            answer = shop.panel.client.post("/docker.restartContainer", json={"containerId": other})
            assert (answer.status_code, answer.json()["message"]) == (404, "Container not found")
        url = f"ws://127.0.0.1:{shop.panel.port}/docker-container-logs"
        headers = {"x-api-key": KEY}
        with connect(f"{url}?containerId={container[:12]}&tail=10", additional_headers=headers, proxy=None) as socket_:
            assert socket_.recv(timeout=20) == "one ******\n"
            shop.panel.post("docker.restartContainer", containerId=container)
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{url}?containerId={foreign}", additional_headers=headers, proxy=None)
        assert refused.value.response.status_code == 404
        assert shop.containers()["web"] == {container}
    finally:
        shop.engine.docker("rm", "--force", foreign)


def test_a_domain_leads_to_a_service_and_to_its_new_containers_without_a_failed_request(shop: Stack) -> None:
    def visit() -> httpx.Response:
        url = f"http://127.0.0.1:{shop.panel.edge_port}/"
        return httpx.get(url, headers={"host": "stack.example"}, timeout=10, trust_env=False)

    shop.deploy(web=SERVES, db=SLEEPS)
    given = {"composeId": shop.compose_id, "host": "stack.example"}
    unsaid = shop.panel.client.post("/domain.create", json=given)
    assert (unsaid.status_code, "serviceName" in unsaid.json()["message"]) == (400, True)
    shop.panel.post("domain.create", **given, serviceName="web", port=8080)
    assert visit().status_code == 200
    other = stack(shop.panel, shop.engine, "other", web=SERVES)
    taken = {"composeId": other.compose_id, "host": "stack.example", "serviceName": "web", "port": 8080}
    assert shop.panel.client.post("/domain.create", json=taken).status_code == 409

    shop.write(web={**SERVES, "environment": {"V": "2"}}, db=SLEEPS)
    deployment_id = shop.begin()
    seen: list[int] = []
    while not seen or shop.panel.one(deployment_id)["status"] in {"pending", "running"}:
        seen.append(visit().status_code)
    assert (shop.panel.done(deployment_id)["errorMessage"], set(seen), len(seen) > 3) == (None, {200}, True)
    until(lambda: len(shop.containers()["web"]) == 1, 30, what="the end of the replaced container")
    assert visit().status_code == 200

    broken = {**SERVES, "healthcheck": {"test": ["CMD", "false"], "interval": "300ms", "retries": 2}}
    shop.fail(web=broken, db=SLEEPS)
    assert visit().status_code == 200
    row = shop.fail(db=SLEEPS)
    assert "leads to the service web, which the file does not have" in row["errorMessage"]
    shop.panel.post("compose.stop", composeId=shop.compose_id)
    assert visit().status_code == 404
    shop.panel.post("compose.start", composeId=shop.compose_id)
    until(lambda: visit().status_code == 200, 20, what="an answer after the start")
    shop.panel.post("compose.delete", composeId=other.compose_id, deleteVolumes=True)


def test_a_domain_that_changes_during_a_deployment_is_followed_at_once(shop: Stack) -> None:
    def lead(host: str) -> str:
        given = {"composeId": shop.compose_id, "host": host, "serviceName": "web", "port": 8080}
        return str(shop.panel.post("domain.create", **given)["domainId"])

    def status(host: str) -> int:
        return httpx.get(f"http://127.0.0.1:{shop.panel.edge_port}/", headers={"Host": host}).status_code

    gone = lead("gone.example")
    shop.deploy(web=SERVES)
    never = {**SERVES["healthcheck"], "test": ["CMD", "false"], "start_period": "60s"}
    shop.write(web={**SERVES, "healthcheck": never})
    deployment_id = shop.begin()
    shop.panel.comes_to(deployment_id, "health check", 60)
    assert status("gone.example") == 200
    lead("come.example")
    assert (status("gone.example"), status("come.example")) == (200, 200)
    shop.panel.post("domain.delete", domainId=gone)
    assert (status("gone.example"), status("come.example")) == (404, 200)
    assert shop.panel.one(deployment_id)["status"] == "running"
    shop.panel.post("deployment.killProcess", deploymentId=deployment_id)
    shop.panel.ended(deployment_id, 60)
    assert (status("gone.example"), status("come.example")) == (404, 200)
