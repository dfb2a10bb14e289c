"""The pages of containers over a real engine: what each does since when, its last lines, and to start one anew."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.http.test_compose_records import served
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import OWN, send, signed_in
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

SECRET = "hunter2-of-the-stack"


@pytest.fixture
async def engaged(tmp_path: Path, sqlite_template: Path, docker_engine: Engine) -> AsyncIterator[World]:
    """A panel on a machine with an engine."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_DOCKER_HOST=docker_engine.host) as opened:
        yield opened


@contextmanager
def container(world: World, engine: Engine, compose_id: str, script: str, name: str) -> Iterator[str]:
    """The id of a container of a compose service, as its deployment would have made it."""
    labels = {
        "headway.panel": world.platform.data_dir.panel_id,
        "headway.compose": compose_id,
        "com.docker.compose.project": "stack-abc",
        "com.docker.compose.service": "web",
    }
    given = [f"--label={key}={value}" for key, value in labels.items()]
    made = engine.docker("run", "--detach", "--network=none", f"--name={name}", *given, BASE_IMAGE, "sh", "-c", script)
    try:
        yield made.strip()[:12]
    finally:
        engine.docker("rm", "--force", name)


def time_of(html: str) -> str:
    """Since when the state of a page is so."""
    found = re.search(r'class="state-at"><time datetime="([^"]+)"', html)
    assert found is not None, html
    return found[1]


async def test_a_container_is_listed_with_what_it_does_and_of_which_service_it_is(
    engaged: World, docker_engine: Engine
) -> None:
    compose_id, _ = await served(engaged)
    with (
        container(engaged, docker_engine, compose_id, "exec sleep 600", "seen-runs") as runs,
        container(engaged, docker_engine, compose_id, "exit 7", "seen-ends") as ends,
    ):
        docker_engine.docker("wait", "seen-ends")
        async with signed_in(engaged) as client, signed_in(engaged, "member") as member:
            text = (await client.get("/containers")).text
            first, again = [(await client.get("/containers/-/rows")).text for _ in range(2)]
            of_member = await member.get("/containers")
            states = [(await client.get(f"/containers/{each}")).text for each in (runs, ends)]
            found = {
                query: [
                    f"/containers/{each}" in (await client.get(f"/containers?{query}")).text for each in (runs, ends)
                ]
                for query in ("text=seen-runs", "text=stack", "text=nothing", "state=exited", "serverId=panel")
            }
            refused = [
                (await member.get(f"/containers/{runs}{rest}")).status_code for rest in ("", "/restart", "/-/log")
            ]
    assert f'href="/containers/{runs}"' in text
    assert "ended with 7" in text
    assert f'href="/services/{compose_id}"' in text
    terminal = f'href="/services/{compose_id}/terminal?of=web"'
    assert text.count(terminal) == 1, "what has ended cannot be entered"
    assert [terminal in each for each in states] == [True, False]
    assert "The panel&#39;s own machine" in text
    assert first == again
    assert of_member.status_code == 200
    assert runs not in of_member.text
    assert found == {
        "text=seen-runs": [True, False],
        "text=stack": [True, True],
        "text=nothing": [False, False],
        "state=exited": [False, True],
        "serverId=panel": [True, True],
    }
    assert refused == [404, 404, 404]


async def test_a_container_shows_its_last_lines_without_secrets(engaged: World, docker_engine: Engine) -> None:
    compose_id, _ = await served(engaged)
    await engaged.post("compose.update", composeId=compose_id, env=f"TOKEN={SECRET}")
    script = f"printf '\\033[31mred\\033[0m <b>bold</b>\\nit is {SECRET}\\n'; seq 1 300; exec sleep 600"
    with container(engaged, docker_engine, compose_id, script, "seen-writes") as container_id:
        for _ in range(50):
            if "300" in docker_engine.docker("logs", "--tail=1", "seen-writes"):
                break
        async with signed_in(engaged) as client:
            tail = (await client.get(f"/containers/{container_id}/-/log")).text
            whole = (await client.get(f"/containers/{container_id}")).text
            found = (await client.get(f"/containers/{container_id}/-/log?find=BOLD")).text
            file = await client.get(f"/api/docker.log?containerId={container_id}&plain=true", headers=OWN)
        lines = await engaged.get("docker.logLines", containerId=container_id, **{"from": 2}, count=2)
        hits = await engaged.get("docker.findInLog", containerId=container_id, text="hunter2")
        refused = [
            (await client.get(f"/docker.{name}", params={"containerId": container_id, "text": "x"})).status_code
            for name in ("log", "logLines", "findInLog")
            for client in (engaged.member, engaged.stranger)
        ]
        output = await engaged.get("docker.readOutput", containerId=container_id, tail=1_000)
        more = await engaged.owner.get("/docker.readOutput", params={"containerId": container_id, "tail": 1_001})
    assert ">300<" in tail
    assert ">100<" not in tail, "its last 200 lines alone"
    assert "running" in whole
    assert "<b>" not in whole
    assert output["text"].startswith("\x1b[31mred")
    assert SECRET not in output["text"]
    assert more.status_code == 400
    assert f'href="/containers/{container_id}?line=1#L1"' in found
    assert [row["runs"] for row in lines["rows"]] == [[["", "it is ******"]], [["", "1"]]]
    assert all(row["at"] and not row["caughtUp"] for row in lines["rows"])
    assert (hits["hits"], refused) == ([], [404] * 6)
    assert file.headers["content-disposition"] == 'attachment; filename="seen-writes.log"'
    assert file.text.startswith("red <b>bold</b>\nit is ******\n1\n2\n")
    assert len(file.text.splitlines()) == 302


async def test_a_container_is_started_anew_and_says_so(engaged: World, docker_engine: Engine) -> None:
    compose_id, _ = await served(engaged)
    with container(engaged, docker_engine, compose_id, "exec sleep 600", "seen-again") as container_id:
        path = f"/containers/{container_id}"
        async with signed_in(engaged) as client:
            before = (await client.get(path)).text
            asked = (await client.get(f"{path}/restart")).text
            done = await send(client, f"{path}/restart")
            assert (done.status_code, done.headers["location"]) == (303, path), done.text
            after = (await client.get(path)).text
    assert "Its program is told to end" in asked
    assert "It was ended and started anew." in after
    assert time_of(after) > time_of(before)


async def test_what_is_another_panels_is_not_there(engaged: World, docker_engine: Engine) -> None:
    await served(engaged)
    made = docker_engine.docker(
        "run",
        "--detach",
        "--network=none",
        "--name=seen-foreign",
        "--label=headway.panel=another",
        BASE_IMAGE,
        "sleep",
        "9",
    )
    try:
        async with signed_in(engaged) as client:
            assert made[:12] not in (await client.get("/containers")).text
            assert (await client.get(f"/containers/{made[:12]}")).status_code == 404
            assert (await client.get("/containers/servers/unknown/c0ffee")).status_code == 404
    finally:
        docker_engine.docker("rm", "--force", "seen-foreign")


async def test_an_engine_that_is_away_is_not_that_there_are_none(tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DOCKER_HOST=f"unix://{tmp_path / 'no.sock'}") as world:
        async with signed_in(world) as client:
            assert "There are no containers." in (await client.get("/containers")).text
        await served(world)
        async with signed_in(world, "member") as client:
            text = (await client.get("/containers")).text
    assert "There are no containers." not in text
    assert "unknown" in text
