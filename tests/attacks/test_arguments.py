"""No value of a variable is ever an argument of a program, which every account of a machine can read."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.worksite import Worksite
from tests.support.applications.building import FROM, tenants
from tests.support.docker.compose import SLEEPS, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import git_repository

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

MARK = "planted-"
NAMES = (
    "DOCKER_HUB_PASSWORD",
    "CONTAINER_TOKEN",
    "HTTPS_PROXY",
    "http_proxy",
    "TZ",
    "GODEBUG",
    "PATH",
    "LD_X",
    "PLAIN",
)
VALUES = {name: f"{MARK}{name} of \"mine\" 'and' $x" for name in NAMES}
SEEN = "".join(f"ARG {name}=unset\n" for name in NAMES if name not in {"PATH", "HTTPS_PROXY", "http_proxy"})
ASK = f"for each in {' '.join(name for name in NAMES if name != 'PATH')}; do printenv $each; done"


class Watch:
    """All arguments on the machine with a planted value, looked at again and again."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.looks = 0
        self.builders = 0

    def look(self) -> None:
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                with contextlib.suppress(OSError):
                    line = (process / "cmdline").read_bytes()
                    self.builders += line.startswith(b"docker-buildx")
                    if MARK.encode() in line and process.name != str(os.getpid()):
                        self.found.add(line.replace(b"\0", b" ").decode(errors="replace"))
        self.looks += 1


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    watch, ended = Watch(), threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            watch.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()


async def test_arguments_and_secrets_of_a_build_are_in_no_command_line(site: Worksite, docker_engine: Engine) -> None:
    tenant, _ = tenants(site, docker_engine)
    secret = "--mount=type=secret,id=DOCKER_TOKEN"
    with watching() as watch:
        image = await tenant.build(
            f"{FROM}{SEEN}RUN {secret} ({ASK}; cat /run/secrets/DOCKER_TOKEN) > /seen\n",
            arguments=VALUES,
            secrets={"DOCKER_TOKEN": f"{MARK}secret"},
        )
    assert watch.builders
    assert watch.found == set()
    # Each of them arrived all the same, exactly, and what is not declared is left out.
    told = [VALUES[name] for name in NAMES if name != "PATH"]
    assert tenant.says(image, "/seen").splitlines() == [*told, f"{MARK}secret"]


def test_those_of_a_compose_file_are_in_none_either(
    tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine, tmp_path: Path
) -> None:
    build = {
        "context": ".",
        "args": {name: f"${{{name}}}" for name in NAMES},
        "labels": {"said": "${PLAIN}", "TZ": "${TZ}"},
        "secrets": ["token"],
    }
    file = {
        "services": {"web": {**SLEEPS, "image": "team/web", "build": build, "environment": {"KEY": "${PLAIN}"}}},
        "secrets": {"token": {"environment": "CONTAINER_TOKEN"}},
    }
    dockerfile = f"{FROM}{SEEN}RUN --mount=type=secret,id=token ({ASK}) > /seen\nRUN sleep 0.5"
    files = {"docker-compose.yml": json.dumps(file), "Dockerfile": dockerfile}
    assert BASE_IMAGE in dockerfile
    folder = tmp_path_factory.mktemp("arguments")
    folder.chmod(0o711)
    values = {name: f"{MARK}{name}" for name in NAMES if name not in {"PATH", "LD_X"}}
    with panel_with_engine(folder / "data", docker_engine) as panel:
        built = stack(panel, docker_engine, "arguments")
        env = "\n".join(f"{name}={value}" for name, value in {**values, "LD_X": "x", "PATH": "/x"}.items())
        built.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files), env=env)
        with watching() as watch:
            built.deploy()
        ((web,),) = built.containers().values()
        seen = docker_engine.docker("exec", web, "cat", "/seen").splitlines()
        labels = json.loads(docker_engine.docker("inspect", "--format={{json .Config.Labels}}", web))
    assert watch.builders
    assert watch.found == set()
    assert {f"{MARK}DOCKER_HUB_PASSWORD", f"{MARK}TZ", f"{MARK}PLAIN"} <= set(seen)
    assert (labels["said"], labels["TZ"]) == (f"{MARK}PLAIN", f"{MARK}TZ")
