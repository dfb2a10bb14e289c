"""Images that a compose file has built, on a real engine: what their builds are given, and what they leave."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docker.compose import SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository
from tests.support.storages.archives import packed

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("builds")
    folder.chmod(0o711)
    with panel_with_engine(folder / "data", docker_engine, HEADWAY_BUILD_MEMORY="96MiB") as started:
        yield started


@pytest.fixture
def built(panel: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Stack:
    return stack(panel, docker_engine, f"built-{zlib.crc32(request.node.name.encode()):x}")


def test_builds_get_what_the_file_says_and_begin_with_each_other(built: Stack, tmp_path: Path) -> None:
    """Every service is built on one that the file builds too, by its name, by a context, or as the same build."""
    secrets = "--mount=type=secret,id=from-file --mount=type=secret,id=from-value"
    keep = 'cat /run/secrets/from-* | tr -d "\\n" | sha256sum > /seen; echo "$WORD $" > /word'
    inline = f"FROM team/base AS first\nARG WORD=unset\nCOPY --from=more here /more\nRUN {secrets} {keep}\n"
    web = {
        "context": "web",
        "dockerfile_inline": f"{inline}FROM first\nRUN exit 3\n".replace("$", "$$"),
        "args": {"WORD": "a$$b", "UNSET": None},
        "target": "first",
        "additional_contexts": {"more": "service:more"},
        "secrets": [{"source": "file", "target": "from-file"}, {"source": "value", "target": "from-value"}],
        "extra_hosts": ["elsewhere=192.0.2.1"],
        "ulimits": {"nofile": 4096},
        "shm_size": "32m",
        "network": "none",
        "labels": {"said": "a$$b"},
    }
    file = {
        "services": {
            "web": {**SLEEPS, "image": "team/web", "build": web, "depends_on": ["base"]},
            "twin": {**SLEEPS, "image": "team/twin", "build": web, "depends_on": ["base"]},
            "base": {**SLEEPS, "image": "team/base", "build": {"context": "base"}},
            "more": {**SLEEPS, "image": "team/more", "build": {"context": "more"}},
        },
        "secrets": {"file": {"file": "./word"}, "value": {"environment": "VALUE"}},
    }
    files = {
        "compose.yml": json.dumps(file),
        "word": "of a file",
        "base/Dockerfile": f"FROM {BASE_IMAGE}\nRUN echo base > /base\n",
        "more/Dockerfile": f"FROM {BASE_IMAGE}\nRUN echo more > /here\n",
        "web/x": "",
    }
    url = git_repository(tmp_path / "git", files)
    built.change(sourceType="git", customGitUrl=url, composePath="compose.yml", env="VALUE=a,value'of\"mine")

    row = built.deploy()

    assert [each["name"] for each in row["steps"]][:5] == ["source", "check out", "compose file", "pull", "build"]
    containers = built.containers()
    (web_id,) = containers["web"]
    assert built.engine.docker("exec", web_id, "cat", "/word", "/base", "/more") == "a$b $\nbase\nmore\n"
    again = "printf '%s' 'of a file' 'a,value'\\''of\"mine' | sha256sum | diff - /seen"
    assert built.engine.docker("exec", web_id, "sh", "-c", again) == ""
    inspect = ("inspect", "--format={{.Image}}")
    images = {each: built.engine.docker(*inspect, *containers[each]) for each in ("web", "twin")}
    assert images["web"] == images["twin"]
    labels = json.loads(built.engine.docker("inspect", "--format={{json .Config.Labels}}", images["web"].strip()))
    assert (labels["said"], labels["headway.compose"]) == ("a$b", built.compose_id)
    log = built.panel.deployment_log(row["deploymentId"])
    assert "Building base.\n" in log
    assert "Building twin, web.\n" in log
    assert "a,value" not in log
    found = os.walk("/sys/fs/cgroup")  # which goes on where a folder of others goes meanwhile
    assert not [folder for folder, _, _ in found if folder.endswith(f"/builds/{built.compose_id}")]


def test_a_build_that_fails_says_which_and_how(built: Stack, tmp_path: Path) -> None:
    files = {
        "docker-compose.yml": as_file(web={**SLEEPS, "build": "."}),
        "Dockerfile": f"FROM {BASE_IMAGE}\nRUN echo no such luck >&2; exit 5\n",
    }
    built.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files))
    row = built.fail()
    assert row["errorMessage"].startswith("build web ended with exit status 5: ")
    assert row["errorMessage"].endswith("ended with exit status 5: no such luck")
    assert built.images() == []


def test_a_build_that_needs_more_memory_than_it_may_says_so(built: Stack, tmp_path: Path) -> None:
    files = {
        "docker-compose.yml": as_file(web={**SLEEPS, "build": "."}),
        "Dockerfile": f"FROM {BASE_IMAGE}\nRUN python3 -c 'print(len(bytearray(200 << 20)))'\n",
    }
    built.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files))
    row = built.fail()
    assert row["reason"] == "out_of_memory"
    assert row["errorMessage"] == (
        "build web used more memory than its bound of 96 MiB. Let it use less, or raise its memory limit "
        "(HEADWAY_BUILD_MEMORY)."
    )


def test_a_file_by_another_of_composes_names_is_found_and_said(built: Stack, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "git", {"compose.yaml": as_file(web=SLEEPS)})
    built.change(sourceType="git", customGitUrl=url, composePath=None)
    row = built.deploy()
    log = built.panel.deployment_log(row["deploymentId"])
    assert "The file is compose.yaml: there is no docker-compose.yml.\n" in log
    assert built.one()["composePath"] == "./docker-compose.yml"
    assert built.panel.get("service.pending", serviceId=built.compose_id)["changes"] == []
    built.change(composePath="docker-compose.yaml")
    assert "There is no docker-compose.yaml among the files. Say where it is" in built.fail()["errorMessage"]
    built.change(composePath=None)
    answer = built.panel.client.post(
        "/compose.dropDeployment",
        data={"composeId": built.compose_id},
        files={"zip": ("stack.tar.gz", packed({"docker-compose.yaml": as_file(web=SLEEPS)}))},
    )
    uploaded = built.panel.done(answer.headers["x-deployment-id"], 90)
    assert "The file is docker-compose.yaml" in built.panel.deployment_log(uploaded["deploymentId"])


def test_what_is_built_of_its_folder_may_mount_it_read_only_and_is_told_so(built: Stack, tmp_path: Path) -> None:
    web = {**SLEEPS, "build": ".", "volumes": [".:/code"]}
    files = {"compose.yaml": as_file(web=web), "Dockerfile": f"FROM {BASE_IMAGE}\n"}
    built.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files), composePath=None)
    row = built.fail()
    assert row["reason"] == "refused"
    assert "read only (:ro behind its line in volumes)" in row["errorMessage"]
    commit(tmp_path / "git", {"compose.yaml": as_file(web={**web, "volumes": [".:/code:ro"]})}, "read only")
    built.deploy()
    (container,) = built.containers()["web"]
    assert "FROM" in built.engine.docker("exec", container, "cat", "/code/Dockerfile")
