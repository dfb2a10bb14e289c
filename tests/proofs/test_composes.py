"""The heart's promises with compose services: half-made ones are killed again and again beside a neighbour that builds,
the panel dies at every point of a deploy, deploys in a row lose no request, the engine goes away in the middle, and two
writers never share a volume.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web, boxing_panel, sleepers
from tests.support.applications.visitors import Visitors
from tests.support.docker.compose import SERVES, SLEEPS, Stack, as_file, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository, until

pytestmark = pytest.mark.docker

CRASHING = "tests.support.panel.crashing_panel"
KILLS = int(os.environ.get("KILLS", "100"))
DEPLOYS = int(os.environ.get("DEPLOYS", "30"))
STRIDE = int(os.environ.get("CRASH_STRIDE", "1"))
SECONDS = float(os.environ.get("PATIENCE", "120"))
NEVER: Mapping[str, Any] = {"test": ["CMD", "false"], "interval": "1s", "retries": 1000}
ASKS = "import urllib.request as r; r.urlopen('http://127.0.0.1:3000')"
CHECK: Mapping[str, Any] = {"test": ["CMD", "python3", "-c", ASKS], "interval": "300ms", "timeout": "5s", "retries": 20}
# Holds a lock for as long as it lives, and writes down when somebody else had it.
WRITER = """\
import fcntl, time
lock, log = open("/data/lock", "w"), open("/data/log", "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    log.write("two writers\\n")
log.write("VERSION\\n")
log.flush()
FAILS
time.sleep(100000)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-composes-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    """An engine of the test's own, which it may stop."""
    started = Engine(folder / "engine")
    try:
        started.start()
        started.load_base_image()
        yield started
    finally:
        started.remove()


@pytest.fixture
def site(folder: Path, engine: Engine) -> Iterator[Panel]:
    fast = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5", "HEADWAY_KEEP_RELEASES": "2"}
    with boxing_panel(folder / "data", engine, **fast, HEADWAY_DRAIN_TIME="1") as panel:
        yield panel


def test_half_made_ones_are_killed_and_nothing_is_left_of_them(site: Panel, engine: Engine, folder: Path) -> None:
    neighbour = site.application(
        git_repository(folder / "other", boxed_web("n", DOCKERFILE + f"RUN sleep {KILLS}\n")), name="neighbour"
    )
    other = site.deploy(neighbour)
    until(lambda: sleepers(KILLS), SECONDS, what="the neighbour builds")
    made = stack(site, engine, "killed", web={**SERVES, "healthcheck": NEVER}, db=SLEEPS)
    times = []
    for number in range(KILLS):
        deployment_id = made.begin()
        step = ("plan", "start", "start beside")[number % 3]
        passed = lambda: step in {each["name"] for each in site.one(deployment_id)["steps"]}  # noqa: B023, E731
        until(passed, SECONDS, what=step)
        time.sleep(number % 10 * 0.03)
        began = time.monotonic()
        site.post("deployment.killProcess", deploymentId=deployment_id)
        times.append(time.monotonic() - began)
        assert (made.containers(running=False), made.left("network")) == ({}, []), step
        assert site.one(deployment_id)["reason"] == "killed"
    assert made.images() == []
    assert site.one(other)["status"] in {"running", "done"}
    site.done(other, KILLS + SECONDS)
    told("kills of compose up", times)


def test_builds_are_killed_in_the_moment_in_which_a_step_begins(site: Panel, engine: Engine, folder: Path) -> None:
    """Docker starts a step after it has told of it, and what is killed in between must not come up after all: each kill
    comes sooner where the step of the one before ran already, and later where it did not.
    """
    made = stack(site, engine, "building")
    step = "RUN (setsid sh -c 'trap \"\" TERM; sleep 691' &) ; sleep 692"
    git_repository(folder / "repository", {**served("v"), "Dockerfile": f"FROM {BASE_IMAGE}\n{step}\n"})
    made.change(sourceType="git", customGitUrl=f"file://{folder / 'repository'}", composePath="compose.yml")
    times, running, wait = [], 0, 0.5
    for _ in range(KILLS):
        deployment_id = made.begin()
        log = Path(site.one(deployment_id)["logPath"])
        until(lambda: log.exists() and b"Building web" in log.read_bytes(), SECONDS, what="the build")  # noqa: B023
        time.sleep(wait)
        began = time.monotonic()
        runs = bool(sleepers(692))
        site.post("deployment.killProcess", deploymentId=deployment_id)
        times.append(time.monotonic() - began)
        assert sleepers(691) + sleepers(692) == []
        assert site.one(deployment_id)["reason"] == "killed"
        running, wait = running + runs, max(0.0, wait + (-0.013 if runs else 0.017))
    time.sleep(2)
    assert sleepers(691) + sleepers(692) == [], "a step came up after its build had been ended"
    told(f"kills of compose builds ({running} with the step under way)", times)


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy(site: Panel, engine: Engine, folder: Path) -> None:
    points = folder / "points"
    made = stack(site, engine, "crashed")
    made.deploy(**services("old"))

    def begin(version: str, at: int) -> str:
        site.stop(60)
        points.unlink(missing_ok=True)
        points.touch()
        site.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()))
        made.write(**services(version))
        return made.begin()

    counted = site.done(begin("counted", 0), SECONDS)
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a deploy of a compose service")
    for at, name in list(enumerate(names, 1))[::STRIDE]:
        deployment_id = begin(f"v{at}", at)
        until(lambda: site.process.poll() is not None, SECONDS, what=f"the crash at {name}")  # type: ignore[union-attr]
        site.process = None
        site.start()
        row = site.done(deployment_id, SECONDS)
        assert [each["name"] for each in row["steps"]] == [each["name"] for each in counted["steps"]], name
        until(lambda: each_once(made), SECONDS, what="one container of each service is left")
        assert versions(made) == {f"v{at}"}, name
        assert (len(made.left("network")), len(made.left("volume"))) == (1, 1), name
        assert len(made.images()) == 2, (name, made.images())
        print(f"  {at:3} {name}: done")


@pytest.mark.parametrize("every_second_fails", [False, True])
def test_deploys_in_a_row_lose_no_request(
    site: Panel, engine: Engine, folder: Path, *, every_second_fails: bool
) -> None:
    repository = folder / "repository"
    made = stack(site, engine, "served")
    git_repository(repository, served("v0"))
    made.change(sourceType="git", customGitUrl=f"file://{repository}", composePath="compose.yml")
    made.deploy()
    given = {"composeId": made.compose_id, "host": "stack.example", "serviceName": "web", "port": 3000}
    site.post("domain.create", **given)
    with Visitors(site.edge_port, ["stack.example"], kept=49, pause_seconds=0) as visitors:
        for number in range(1, DEPLOYS + 1):
            broken = every_second_fails and number % 2 == 0
            commit(repository, served(f"v{number}", broken=broken), f"version {number}")
            row = site.ended(made.begin(), SECONDS)
            assert row["status"] == ("error" if broken else "done"), row["errorMessage"]
    assert Counter(visitors.failures) == {}
    what = "every second one failing" if every_second_fails else "each of them done"
    print(f"\n{DEPLOYS} deploys, {what}: {visitors.count} requests, none of them failed")


def test_an_engine_that_stops_in_the_middle_ends_the_deploy_truly(site: Panel, engine: Engine, folder: Path) -> None:
    repository = folder / "repository"
    made = stack(site, engine, "cut")
    git_repository(repository, served("old"))
    made.change(sourceType="git", customGitUrl=f"file://{repository}", composePath="compose.yml")
    made.deploy()
    building = {**served("new"), "Dockerfile": served("new")["Dockerfile"] + "RUN sleep 681\n"}
    never = served("new", check=NEVER)
    for files, reached in ((building, lambda: sleepers(681)), (never, lambda: len(made.containers()["web"]) == 2)):
        commit(repository, files, "the next")
        deployment_id = made.begin()
        until(reached, SECONDS, what="the middle of a deploy")

        engine.stop()

        row = site.ended(deployment_id, SECONDS)
        assert (row["status"], row["reason"]) == ("error", "failed"), row
        print(f"\n{row['errorMessage']}")
        engine.start()
        until(lambda: len(made.containers().get("web", ())) == 1, SECONDS, what="one container serves again")
        (container,) = made.containers()["web"]
        assert engine.docker("exec", container, "cat", "/version") == "old\n"
        assert sleepers(681) == [], "what BuildKit ran when its engine ended"


def test_two_writers_never_share_a_volume(site: Panel, engine: Engine) -> None:
    made = stack(site, engine, "writing")
    for number in range(1, DEPLOYS + 1):
        program = WRITER.replace("VERSION", f"v{number}").replace("FAILS", "exit(3)" if number % 3 == 0 else "")
        db = {**SLEEPS, "command": ["python3", "-c", program], "volumes": ["data:/data"]}
        made.change(composeFile=as_file(volumes={"data": {}}, db=db))
        deployment_id = made.begin()
        if number % 5 == 0:
            time.sleep(number % 4 * 0.2)
            site.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
        site.ended(deployment_id, SECONDS)
        until(lambda: len(made.containers().get("db", ())) == 1, SECONDS, what="one writer")
    (container,) = made.containers()["db"]
    log = engine.docker("exec", container, "cat", "/data/log")
    assert "two writers" not in log, log
    print(f"\n{DEPLOYS} deploys, some failing and some killed: {len(log.splitlines())} writers, never two at a time")


def services(version: str) -> dict[str, Mapping[str, Any]]:
    """One service that is replaced beside, and one that is replaced in place."""
    web = {**SERVES, "environment": {"V": version}}
    db = {**SLEEPS, "environment": {"V": version}, "volumes": ["./kept:/kept", "data:/data"]}
    return {"volumes": {"data": {}}, "web": web, "db": db}


def versions(made: Stack) -> set[str]:
    """Those that run."""
    every = {each for ids in made.containers().values() for each in ids}
    return {made.engine.docker("exec", each, "printenv", "V").strip() for each in every}


def each_once(made: Stack) -> bool:
    """Whether there is one container of each service, and no other."""
    found = made.containers(running=False)
    return sorted(found) == ["db", "web"] and all(len(ids) == 1 for ids in found.values())


def served(version: str, *, broken: bool = False, check: Mapping[str, Any] = CHECK) -> dict[str, str]:
    """A repository with a compose file whose one service is built, answers, and ends at once when it is asked to."""
    command = {"command": ["sh", "-c", "exit 3"]} if broken else {}
    web = {"build": ".", "environment": {"PORT": "3000"}, "healthcheck": check, "stop_grace_period": "1s", **command}
    dockerfile = f"FROM {BASE_IMAGE}\nCOPY app.py /app.py\nRUN echo {version} > /version\n"
    files = boxed_web(version, dockerfile + 'CMD ["python3", "-u", "/app.py"]\n')
    files["app.py"] = f"import http.server\nhttp.server.ThreadingHTTPServer.request_queue_size = 256\n{files['app.py']}"
    return {**files, "compose.yml": as_file(web=web)}


def told(what: str, seconds: list[float]) -> None:
    """Prints what was measured."""
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"\n{len(seconds)} {what}: median {middle * 1000:.0f} ms, p99 {late * 1000:.0f} ms, none left anything")
