"""What a compose file may not ask for: refused before anything is touched, also through files and links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, git_repository

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

WEB = f"services:\n  web:\n    image: {BASE_IMAGE}\n    command: [sleep, '1000']\n    stop_grace_period: 0s\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("refusals") / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def shop(running: Panel, docker_engine: Engine) -> Stack:
    made = stack(running, docker_engine, "shop", web=SLEEPS)
    made.deploy()
    return made


def refused(shop: Stack, file: str) -> str:
    """The sentence with which a file is refused; what was running goes on."""
    before = shop.containers(running=False)
    shop.change(composeFile=file)
    row = shop.fail()
    assert (row["reason"], shop.containers(running=False)) == ("refused", before), row["errorMessage"]
    assert len(shop.left("network")) == 1
    message: str = row["errorMessage"]
    return message


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("    privileged: true\n", "gives the service web the key privileged"),
        ("    pid: host\n", "pid: host"),
        ("    network_mode: host\n", "network_mode: host"),
        ("    ipc: host\n", "ipc: host"),
        ("    uts: host\n", "the key uts"),
        ("    userns_mode: host\n", "userns_mode"),
        ("    cgroup: host\n", "cgroup"),
        ("    network_mode: 'container:other'\n", "network_mode: container:other"),
        ("    volumes_from: ['container:other']\n", "the volumes of a container:other"),
        ("    build: {context: ., additional_contexts: {x: /etc}}\n", "uses /etc"),
        ("    devices: [/dev/kvm]\n", "the key devices"),
        ("    cap_add: [ALL]\n", "the key cap_add"),
        ("    security_opt: [seccomp=unconfined]\n", "security_opt: seccomp=unconfined"),
        ("    volumes: [/var/run/docker.sock:/s]\n", "uses /var/run/docker.sock (a mount of web), which lies outside"),
        ("    volumes: [../../../../etc:/e]\n", "(a mount of web), which lies outside of its files"),
        ("    volumes: ['../files:/all', '../files/a:/a']\n", "which lies within"),
        ("    env_file: /etc/passwd\n", "may not read /etc/passwd"),
        ("    env_file: ../../../x\n", "may not read ../../../x"),
        ("    env_file: '${HOME}/x'\n", "write the path of a file beside it"),
        ("    extends: {file: /etc/compose.yml, service: x}\n", "may not read /etc/compose.yml"),
        ("include: [/etc/compose.yml]\n", "may not read /etc/compose.yml"),
        ("include: ['https://git.example/x.git']\n", "write the path of a file beside it"),
        ("    build: /usr\n", "uses /usr (the build of web), which lies outside"),
        ("    configs: [c]\nconfigs: {c: {file: /etc/shadow}}\n", "uses /etc/shadow (the config c)"),
        ("    secrets: [c]\nsecrets: {c: {file: /etc/shadow}}\n", "uses /etc/shadow (the secret c)"),
        ("    volumes: [vol:/v]\nvolumes: {vol: {external: true}}\n", "the volume vol the key external"),
        ("    volumes: [vol:/v]\nvolumes: {vol: {driver_opts: {type: none, o: bind, device: /}}}\n", "driver_opts"),
        ("    networks: [n]\nnetworks: {n: {external: true}}\n", "the network n the key external"),
        ("    hostname: ${NOT_SET}\n", "uses NOT_SET, which no variable"),
        ("    hostname: ${NOT_SET-x}${NOR_THIS}\n", "uses NOR_THIS, which no variable"),
        ("    working_dir: ${HOME}\n", "uses HOME, which no variable"),
        ("    a_key_that_is_none: 1\n", "a_key_that_is_none"),
        ("    depends_on: [nobody]\n", "nobody"),
    ],
)
def test_a_file_that_reaches_for_the_host_or_makes_no_sense_is_refused(shop: Stack, more: str, said: str) -> None:
    if said in {"a_key_that_is_none", "nobody"}:  # Compose's own word: the file itself is wrong
        shop.change(composeFile=WEB + more)
        row = shop.fail()
        assert (row["reason"], said in row["errorMessage"]) == ("failed", True), row["errorMessage"]
    else:
        message = refused(shop, WEB + more)
        assert said in message, message


@pytest.mark.parametrize(
    ("more", "link", "said"),
    [
        ("    volumes: ['./link:/x:ro']\n", "/etc", "which a symbolic link leads out of its files"),
        ("    volumes: ['./link/deeper:/x:ro']\n", "/etc", "which a symbolic link leads out of its files"),
        ("    env_file: link\n", "/etc/hostname", "leads out of"),
        ("    build: ./link\n", "/usr", "which a symbolic link leads out of its files"),
        ("    build: {context: ., dockerfile: link}\n", "/etc/shadow", "which a symbolic link leads out of its files"),
        ("    secrets: [s]\nsecrets: {s: {file: ./link}}\n", "/etc/shadow", "which a symbolic link leads out"),
        ("include: [link]\n", "/etc/compose.yml", "leads out of"),
    ],
)
def test_a_link_in_a_repository_leads_nowhere(shop: Stack, tmp_path: Path, more: str, link: str, said: str) -> None:
    folder = tmp_path / "git"
    folder.mkdir()
    (folder / "link").symlink_to(link)
    url = git_repository(folder, {"docker-compose.yml": WEB + more})
    before = shop.containers(running=False)
    shop.change(sourceType="git", customGitUrl=url)
    row = shop.fail()
    shop.change(sourceType="raw")
    assert (row["reason"], said in row["errorMessage"]) == ("refused", True), row["errorMessage"]
    assert shop.containers(running=False) == before


def test_a_compose_file_that_is_a_link_out_of_the_repository_is_not_read(shop: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "git"
    folder.mkdir()
    (folder / "docker-compose.yml").symlink_to("/etc/passwd")
    shop.change(sourceType="git", customGitUrl=git_repository(folder, {"x": ""}))
    row = shop.fail()
    shop.change(composePath="../../x")
    other = shop.fail()
    shop.change(composePath="nowhere.yml")
    third = shop.fail()
    shop.change(sourceType="raw", composePath=None)
    assert (row["reason"], "root:" in json.dumps(row)) == ("refused", False)
    assert "leads out of the repository" in other["errorMessage"]
    assert "There is no nowhere.yml among the files" in third["errorMessage"]


def test_shell_text_in_stages_arguments_and_labels_is_inert(shop: Stack, tmp_path: Path) -> None:
    text = "x; touch /tmp/headway-was-here; $$(touch /tmp/headway-was-here)"
    build = {"context": ".", "args": {"WORD": text}, "labels": {"word": text}}
    dockerfile = f"FROM {BASE_IMAGE} AS one\nARG WORD\nLABEL given=$WORD\n"
    for target, status in ((None, "done"), (text, "error")):
        web = {**SLEEPS, "build": build | ({} if target is None else {"target": target}), "labels": {"word": text}}
        web.pop("image")
        files = {"docker-compose.yml": json.dumps({"services": {"web": web}}), "Dockerfile": dockerfile}
        shop.change(sourceType="git", customGitUrl=git_repository(tmp_path / f"git-{status}", files))
        row = shop.panel.ended(shop.begin(), 90)
        assert row["status"] == status, row["errorMessage"]
    shop.change(sourceType="raw")
    assert not Path("/tmp/headway-was-here").exists()


def test_an_owner_may_let_it_use_the_host(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "here").write_text("of the host")
    made = stack(running, docker_engine, "trusted")
    made.change(allowHostAccess=True)
    made.deploy(web={**SLEEPS, "volumes": [f"{tmp_path}:/host:ro"], "cap_add": ["SYS_TIME"]})
    (container,) = made.containers()["web"]
    assert docker_engine.docker("exec", container, "cat", "/host/here") == "of the host"
