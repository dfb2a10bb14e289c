"""Who writes in a container of a compose service tries to have the engine mount another folder of the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, git_repository, until, work_of

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(240)]

SECRET = "of the machine"
WRITER = {**SLEEPS, "command": ["sh", "-c", "mkdir -p /f/a /f/x; echo 'services: {}' > /f/file; exec sleep 1000"]}
SWAP = "mv /f/a /f/b; ln -s / /f/a"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("mounts") / "data", docker_engine) as started:
        yield started


@pytest.fixture
def shop(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"m {request.node.name}"[:50])
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert made.containers(running=False) == {}
    assert str(made.compose_id) not in Path("/proc/self/mountinfo").read_text()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    return tmp_path / "secret"


def mounted(source: str, target: str = "/f", **more: Json) -> dict[str, Json]:
    return {"type": "bind", "source": source, "target": target, **more}


def inside(shop: Stack, service: str, *argv: str) -> str:
    """What a command in a service's container says, whatever its end."""
    said = ""
    for container in shop.containers().get(service, ()):
        said += shop.engine.docker("exec", container, "sh", "-c", f"({' '.join(argv)}) 2>&1; true")
    return said


def files_of(shop: Stack) -> Path:
    return work_of(shop.panel.data_dir) / "composes" / shop.compose_id / "files"


def reached(shop: Stack, secret: Path) -> bool:
    """Whether a container sees the machine."""
    seen = inside(shop, "w2", f"cat /host{secret}; cat /host; cat /run/secrets/s; cat /c; env")
    return SECRET in seen


def is_built_or_over(shop: Stack, begun: str) -> bool:
    status = shop.panel.one(begun)["status"]
    return status in {"done", "error"} or (status == "running" and "Building w2" in shop.panel.deployment_log(begun))


def asked(way: str, build: Json) -> str:
    """A file whose service is given something from within what the one before writes to, by one of the ways."""
    w2: dict[str, Json] = {**SLEEPS, "build": build}
    w2.pop("image")
    match way:
        case "mount":
            w2["volumes"] = [mounted("../files/a", "/host")]
        case "short":
            w2["volumes"] = ["../files/./x/../a:/host"]
        case "read only":
            w2["volumes"] = [mounted("../files/a", "/host", read_only=True)]
        case "deeper":
            w2["volumes"] = [mounted("../files/a/home", "/host")]
    return json.dumps({"services": {"w2": w2}})


BUILDS = {"context": ".", "dockerfile_inline": f"FROM {BASE_IMAGE}\nRUN sleep 2\n"}


@pytest.mark.parametrize("way", ["mount", "short", "read only", "deeper"])
def test_a_mount_is_exchanged_while_the_next_release_is_built(shop: Stack, secret: Path, way: str) -> None:
    shop.deploy(w={**WRITER, "volumes": ["../files:/f"]})
    until((files_of(shop) / "a").is_dir, what="the writer has begun")
    shop.change(composeFile=asked(way, BUILDS))
    begun = shop.begin()
    until(lambda: is_built_or_over(shop, begun), what="the build has begun")
    inside(shop, "w", SWAP)
    row = shop.panel.ended(begun, 90)
    assert not reached(shop, secret)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    assert "a folder that a container writes to (a mount of w" in row["errorMessage"]
    assert "deploy once without that mount" in row["errorMessage"]
    assert shop.containers().keys() == {"w"}


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_file_is_exchanged_while_the_next_release_is_built(shop: Stack, secret: Path, kind: str) -> None:
    shop.deploy(w={**WRITER, "volumes": ["../files:/f"]})
    until((files_of(shop) / "file").is_file, what="the writer has begun")
    w2 = {**SLEEPS, "build": BUILDS, kind: ["s" if kind == "secrets" else {"source": "s", "target": "/c"}]}
    w2.pop("image")
    shop.change(composeFile=json.dumps({"services": {"w2": w2}, kind: {"s": {"file": "../files/file"}}}))
    begun = shop.begin()
    until(lambda: is_built_or_over(shop, begun), what="the build has begun")
    inside(shop, "w", f"rm /f/file; ln -s {secret} /f/file")
    row = shop.panel.ended(begun, 90)
    assert not reached(shop, secret)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]


def test_variables_of_a_file_that_a_container_writes_are_not_read(shop: Stack) -> None:
    shop.deploy(w={**WRITER, "volumes": ["../files:/f"]})
    until((files_of(shop) / "file").is_file, what="the writer has begun")
    for more in ({"env_file": "../files/file"}, {"extends": {"file": "../files/file", "service": "x"}}):
        row = shop.fail(w2={**SLEEPS, **more})
        assert row["reason"] == "refused", row["errorMessage"]
        assert "a folder that a container writes to" in row["errorMessage"]


def test_variables_are_read_from_no_file_that_a_link_of_the_repository_leads_to(shop: Stack, tmp_path: Path) -> None:
    """Wherever Compose looks for them: from the folder that an include names, and in the .env of each folder."""
    web = json.dumps({"services": {"w2": {**SLEEPS, "environment": {"SEEN": "${VERSION_CODENAME:-}"}}}})
    asking = json.dumps({"services": {"w2": {**SLEEPS, "env_file": "x.env"}}})
    told = {"path": "more.yml", "project_directory": "sub"}
    ways = {
        "sub/x.env": {"docker-compose.yml": json.dumps({"include": [told]}), "more.yml": asking, "x.env": "A=b"},
        "sub/.env": {"docker-compose.yml": json.dumps({"include": ["sub/more.yml"]}), "sub/more.yml": web},
        ".env": {"docker-compose.yml": web},
    }
    ended = {}
    for number, (link, files) in enumerate(ways.items()):
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        (folder / link).symlink_to("/etc/os-release")
        shop.change(sourceType="git", customGitUrl=git_repository(folder, files))
        row = shop.panel.ended(shop.begin(), 90)
        ended[link] = (row["reason"], "leads out of" in (row["errorMessage"] or ""), inside(shop, "w2", "env"))
    assert ended == dict.fromkeys(ways, ("refused", True, ""))


def test_a_folder_is_made_nowhere_else(shop: Stack, secret: Path) -> None:
    shop.deploy(w={**WRITER, "volumes": ["./data:/f"]})
    until((files_of(shop) / "data" / "a").is_dir, what="the writer has begun")
    inside(shop, "w", f"rmdir /f/a; ln -s {secret.parent} /f/a")
    row = shop.fail(w2={**SLEEPS, "volumes": ["./data/a/made/deeper:/host"]})
    assert row["reason"] == "refused", row["errorMessage"]
    assert [each.name for each in secret.parent.iterdir()] == ["secret"]


def test_a_link_of_the_repository_leads_into_what_another_container_writes(
    shop: Stack, secret: Path, tmp_path: Path
) -> None:
    """The way to the mount looks like one of the repository's own, and is exchanged before a restart."""
    folder = tmp_path / "git"
    folder.mkdir()
    (folder / "link").symlink_to("../files/f/a")
    services = {"w": {**WRITER, "volumes": ["../files/f:/f"]}, "w2": {**SLEEPS, "volumes": ["./link:/host"]}}
    files_of(shop).joinpath("f").mkdir(parents=True)
    files_of(shop).joinpath("f/a").mkdir()
    url = git_repository(folder, {"docker-compose.yml": json.dumps({"services": services})})
    shop.change(sourceType="git", customGitUrl=url)
    row = shop.panel.ended(shop.begin(), 90)
    if row["status"] == "done":
        inside(shop, "w", "rm -r /f/b; " + SWAP)
        for container in shop.containers()["w2"]:
            shop.panel.post("docker.restartContainer", containerId=container)
    assert not reached(shop, secret)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]


# Waits in the container until the compose file has been read twice, and puts a link in the place of its folder.
EXCHANGER = """\
import ctypes, os, pathlib, sys
os.makedirs("/f/a")
pathlib.Path("/f/a/docker-compose.yml").write_text(sys.argv[1])
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, b"/f/a/docker-compose.yml", 0x10)  # closed, and not written
pathlib.Path("/f/ready").touch()
closed = 0
while closed < 2:
    closed += len(os.read(watch, 16)) // 16
os.rename("/f/a", "/f/b")
os.symlink(sys.argv[2], "/f/a")
"""


def test_the_variables_are_written_through_no_folder_that_a_container_exchanges(
    shop: Stack, secret: Path, tmp_path: Path
) -> None:
    """The compose file itself lies where a link of the repository leads, and the panel writes beside it as root."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / ".env").write_text(SECRET)
    folder = tmp_path / "git"
    folder.mkdir()
    (folder / "link").symlink_to("../files/f/a")
    wanted = json.dumps({"services": {"w2": SLEEPS}})
    argv = ["sh", "-c", 'python3 -c "$@"; exec sleep 1000', "-", EXCHANGER, wanted, str(victim)]
    writer = {**SLEEPS, "volumes": ["../files/f:/f"], "command": argv}
    url = git_repository(folder, {"docker-compose.yml": json.dumps({"services": {"w": writer}})})
    shop.change(sourceType="git", customGitUrl=url, env="WORD=of-the-tenant")
    shop.deploy()
    until((files_of(shop) / "f/ready").is_file, what="the writer waits")
    shop.change(composePath="link/docker-compose.yml")
    row = shop.panel.ended(shop.begin(), 90)
    assert (victim / ".env").read_text() == SECRET
    assert [each.name for each in victim.iterdir()] == [".env"]
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    assert "a folder that a container writes to (a mount of w" in row["errorMessage"]


def test_a_link_of_the_repository_to_a_folder_that_nobody_exchanges_is_followed(shop: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "git"
    (folder / "real").mkdir(parents=True)
    (folder / "link").symlink_to("real")
    (folder / "deep").symlink_to("link/../link")
    services = {"w2": {**SLEEPS, "volumes": ["./link:/host:ro", "./deep:/deep:ro", "../files/kept:/kept"]}}
    files = {"docker-compose.yml": json.dumps({"services": services}), "real/said": SECRET}
    shop.change(sourceType="git", customGitUrl=git_repository(folder, files))
    shop.deploy()
    assert inside(shop, "w2", "cat /host/said /deep/said") == SECRET * 2
    shop.deploy()
    assert inside(shop, "w2", "cat /host/said /deep/said") == SECRET * 2


def planted(shop: Stack, first: Mapping[str, Json]) -> str:
    """A release whose mount was exchanged by whoever had the folder around it, before any of this was refused."""
    release: str = shop.deploy(**first)["deploymentId"]
    shop.panel.post("compose.stop", composeId=shop.compose_id)
    files = files_of(shop)
    (files / "a").rename(files / "b")
    (files / "a").symlink_to("/")
    return release


def test_a_rollback_mounts_what_it_mounted_or_nothing(shop: Stack, secret: Path) -> None:
    release = planted(shop, {"w2": {**SLEEPS, "volumes": ["../files/a:/host"]}})
    shop.deploy(w={**SLEEPS, "volumes": ["../files/other:/f"]})
    answer = shop.panel.client.post("/rollback.rollback", json={"rollbackId": release})
    row = shop.panel.ended(answer.headers["x-deployment-id"], 90)
    assert not reached(shop, secret)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    assert "which a symbolic link leads out of its files" in row["errorMessage"]
    assert shop.containers().keys() == {"w"}


def test_a_rollback_to_what_lies_within_what_is_written_now_is_refused(shop: Stack, secret: Path) -> None:
    """No race and no link by then: the writer waits for the rollback."""
    first = shop.deploy(w2={**SLEEPS, "volumes": ["../files/a:/host"]})["deploymentId"]
    shop.change(composeFile=json.dumps({"services": {"w": {**WRITER, "volumes": ["../files:/f"]}}}))
    row = shop.panel.ended(shop.begin(), 90)
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    assert "within which lies" in row["errorMessage"]
    shop.deploy(x=SLEEPS)
    shop.deploy(w={**WRITER, "volumes": ["../files:/f"]})
    inside(shop, "w", SWAP)
    answer = shop.panel.client.post("/rollback.rollback", json={"rollbackId": first})
    back = shop.panel.ended(answer.headers["x-deployment-id"], 90)
    assert not reached(shop, secret)
    assert (back["status"], back["reason"]) == ("error", "refused"), back["errorMessage"]


def test_a_start_and_a_restart_of_one_container_mount_what_they_mounted_or_nothing(shop: Stack, secret: Path) -> None:
    planted(shop, {"w2": {**SLEEPS, "volumes": ["../files/a:/host"]}})
    (container,) = shop.containers(running=False)["w2"]
    for procedure, body in (
        ("compose.start", {"composeId": shop.compose_id}),
        ("docker.restartContainer", {"containerId": container}),
    ):
        answer = shop.panel.client.post(f"/{procedure}", json=body)
        assert not reached(shop, secret)
        assert answer.status_code == 400, answer.text
        assert "a symbolic link leads out of its files" in answer.json()["message"]
    row = shop.fail()
    assert row["reason"] == "refused", row["errorMessage"]
    assert not reached(shop, secret)
