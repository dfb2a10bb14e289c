"""Every bound while somebody tries what it is against: how long others wait for ``health`` meanwhile, how much memory
the panel takes for it, and what the same cost before there was the bound.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks import test_heads as heads
from tests.attacks.test_agent_frames import rogue
from tests.attacks.test_compose_bounds import HEAVY_ENV, WEB, merges, references
from tests.attacks.test_native_disk import FILES as FILLER
from tests.attacks.test_native_disk import pid_of
from tests.attacks.test_patterns import NAME, PUSH
from tests.attacks.test_webhook_seats import ANNOUNCED, CHUNKED
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.bounds import P99_SECONDS, Cost, connected, said, watched
from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow]

TURNS = 3  # of what is over in a moment


@dataclass(slots=True)
class Row:
    """A bound: what a try at it cost before, and costs now."""

    bound: str
    before: str
    cost: Cost


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    rows: list[Row] = []
    yield rows
    print("\n| bound | before | now: memory, seconds | health p99 | most |\n| --- | --- | --- | --- | --- |")
    for row in rows:
        now = f"+{row.cost.grown_mib:.0f} MiB, {row.cost.seconds:.1f} s"
        most = max(row.cost.waits) * 1000
        print(f"| {row.bound} | {row.before} | {now} | {row.cost.p99 * 1000:.0f} ms | {most:.0f} ms |")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("bounds")
    folder.chmod(0o711)
    with panel_with_engine(folder / "data", docker_engine, HEADWAY_APPLICATION_DISK="64MiB") as started:
        gone = started.post("server.create", name="gone", ipAddress="127.0.0.1", port=1)["serverId"]
        started.client.get("/server.validate", params={"serverId": gone})  # which loads what talks to servers
        yield started


def tried(table: list[Row], bound: str, before: str, cost: Cost) -> None:
    """Notes what it cost; nobody has waited for long."""
    table.append(Row(bound, before, cost))
    assert cost.p99 < P99_SECONDS, (bound, str(cost))


def test_nothing(table: list[Row], running: Panel) -> None:
    """What the machine itself costs, with whatever else goes on there: the others are to be seen beside it."""
    with watched(running) as cost:
        time.sleep(3)
    table.append(Row("nothing is tried", "", cost))


@pytest.mark.parametrize(
    "case",
    [
        ("compose: references", {"docker-compose.yml": references(9) + WEB}, "8.9 GB, 248 s, then ended by hand"),
        ("compose: merges", {"docker-compose.yml": merges(28) + WEB}, "without an end"),
        (
            "compose: variables",
            {"docker-compose.yml": WEB.replace("{image", "{env_file: heavy.env, image"), "heavy.env": HEAVY_ENV},
            "the memory of the machine",
        ),
    ],
)
def test_compose_files(
    table: list[Row], running: Panel, docker_engine: Engine, tmp_path: Path, case: tuple[str, dict[str, str], str]
) -> None:
    name, files, before = case
    made = stack(running, docker_engine, name)
    made.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files))
    with watched(running) as cost:
        for _ in range(TURNS):
            row = running.ended(made.begin(), 60)
            assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    tried(table, name, before, cost)


def test_a_compose_file_that_is_saved(table: list[Row], running: Panel, docker_engine: Engine) -> None:
    made = stack(running, docker_engine, "saved")
    with watched(running) as cost:
        for text in (references(9) + WEB, merges(28) + WEB, "x-l: [" + "x, " * 160_000 + "x]\n" + WEB) * TURNS:
            answer = running.client.post("/compose.update", json={"composeId": made.compose_id, "composeFile": text})
            assert answer.status_code == 400, answer.text
    tried(table, "compose: saved by hand", "as when it is deployed", cost)


def test_containers(table: list[Row], running: Panel, docker_engine: Engine) -> None:
    made: Stack = stack(running, docker_engine, "containers")
    with watched(running) as cost:
        made.fail(web={**SLEEPS, "scale": 1000})
        fork = "for i in $$(seq 6000); do sleep 1000 & done; wait"
        flood = "head -c 200000000 /dev/zero | tr '\\0' x; exec sleep 1000"
        commands = {"fork": f"({fork}) 2>/dev/null; exec sleep 1000", "flood": flood}
        made.deploy(**{name: {**SLEEPS, "command": ["sh", "-c", text]} for name, text in commands.items()})
        ids = made.containers()
        processes = docker_engine.docker("top", *ids["fork"]).splitlines()
        log = Path(json.loads(docker_engine.docker("inspect", *ids["flood"]))[0]["LogPath"])
        held = sum(each.stat().st_size for each in log.parent.glob(f"{log.name}*"))
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert (len(processes) <= 4_097, held < 40 << 20) == (True, True), (len(processes), held)
    tried(table, "containers: processes, output, scale", "660 containers, 685 MB of output in 28 s", cost)


def test_heads(table: list[Row], running: Panel) -> None:
    with watched(running) as cost:
        for beginning in heads.ENDLESS.values():
            with connected(running.port) as connection:
                said(connection, beginning)
                for _ in range(512):
                    if not said(connection, heads.PIECE):
                        break
    tried(table, "heads without an end", "+354 MB, 8 s", cost)
    with watched(running) as cost, connected(running.port) as connection:
        said(connection, heads.BEGINNING)
        for _ in range(400):
            if not said(connection, b"".join(b"h%d: x\r\n" % each for each in range(1_000))):
                break
    tried(table, "headers without number", "400,000 were taken", cost)


def test_deliveries_to_nobody(table: list[Row], running: Panel) -> None:
    with watched(running) as cost:
        for _ in range(40):
            for form in (CHUNKED, ANNOUNCED):
                with connected(running.port) as connection:
                    said(connection, form.format("nobody", "").encode())
                    said(connection, heads.PIECE)
    tried(table, "webhook seats", "a delivery waited for 20 s", cost)


@pytest.mark.parametrize("does", ["noise", "announced", "nobody"])
def test_servers(table: list[Row], running: Panel, tmp_path: Path, does: str) -> None:
    with rogue(tmp_path, running, does) as server_id, watched(running) as cost:
        running.client.get("/server.validate", params={"serverId": server_id})
    assert cost.grown_mib < 64
    tried(table, f"a server: {does}", "+130 MB" if does == "noise" else "+1.1 GB", cost)


def test_watch_paths(table: list[Row], running: Panel) -> None:
    application_id = running.application("https://git.example/x.git", name="watched")
    patterns = [f"**/a/**/b{each}" for each in range(50)] + ["*a" * 10 + f"/{each}" for each in range(50)]
    running.post("application.update", applicationId=application_id, watchPaths=patterns, customGitBranch="main")
    files = [f"{NAME}/{each}" for each in range(2_000)] + ["a" * 5_000 + str(each) for each in range(500)]
    with watched(running) as cost:
        running.tell(application_id, {**PUSH, "commits": [{"added": files, "modified": [], "removed": []}]}, "push")
    tried(table, "watch paths", "8.3 s for one name of 34 parts", cost)


def test_what_waits(table: list[Row], running: Panel) -> None:
    application_id = running.application("https://git.example/x.git", name="waiting")
    running.post("application.update", applicationId=application_id, newestWins=False)
    with watched(running) as cost:
        answers = [
            running.client.post("/application.deploy", json={"applicationId": application_id, "title": "x" * 1_024})
            for _ in range(150)
        ]
        running.post("application.cleanQueues", applicationId=application_id)
    assert {each.status_code for each in answers} == {200, 429}
    tried(table, "what waits, and cleaning it up", "2,000 were taken, 164 s", cost)


def test_streams_and_keys(table: list[Row], running: Panel) -> None:
    with watched(running) as cost, ThreadPoolExecutor(8) as many:
        made = list(many.map(lambda number: _key(running, number), range(150)))
    assert set(made) == {200, 409}
    tried(table, "keys of a person", "300 were taken", cost)


def _key(running: Panel, number: int) -> int:
    answer = running.client.post("/user.createApiKey", json={"name": f"key {number}", "scopes": ["read"]})
    return answer.status_code


@pytest.mark.parametrize("place", ["os.environ['HOME'] + '/many'", "'/tmp/filler-' + str(os.getuid())"])
def test_disk(table: list[Row], running: Panel, tmp_path: Path, place: str) -> None:
    name = f"filler{len(place)}"
    url = git_repository(tmp_path / "filler", FILLER)
    running.done(running.deploy(running.application(url, name=name)), 60)
    before = pid_of(running, name)
    with watched(running) as cost:
        running.visit(name, f"/{quote(f'many({place}, 3000)')}")
        until(lambda: pid_of(running, name) not in {None, before}, 60, what="it is ended, and started again")
    tried(table, f"disk of an application: {'its folder' if 'HOME' in place else '/tmp'}", "all of it", cost)


def test_a_build_that_takes_all(table: list[Row], running: Panel, tmp_path: Path) -> None:
    greedy = f"FROM {BASE_IMAGE}\nRUN python3 -c 'x=bytearray(32<<30)' || (for i in $(seq 6000); do sleep 60 & done)\n"
    application_id = running.application(git_repository(tmp_path / "greedy", {"Dockerfile": greedy}), name="greedy")
    began = time.monotonic()
    with watched(running) as cost:
        row = running.ended(running.deploy(application_id), 120)
    assert (row["status"], time.monotonic() - began < 120) == ("error", True)
    tried(table, "a build: memory and processes", "bounded already", cost)
