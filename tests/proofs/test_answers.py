"""No request is lost to a release that breaks at its import or at its first request, and few to one that dies after
ten: with the servers that people use, in compose services, in a swarm and as a stack of one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.boxes import boxed_web
from tests.support.applications.answering import (
    BROKEN_AT_FIRST_REQUEST,
    BROKEN_AT_IMPORT,
    DIES_AFTER_TEN,
    FALLS_SILENT,
    SERVES,
    SERVES_SLOWLY,
    TALKS_OF_ITSELF,
)
from tests.support.applications.led import (
    BACK_SECONDS,
    BUSY_SECONDS,
    Led,
    require_few_lost,
    require_given_back,
)
from tests.support.applications.visitors import Visitors
from tests.support.docker.compose import panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository, panel, until, web

SECONDS = 200
_WSGI = """\
import os, time
count = 0
def app(environ, begin):
    global count
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    count += 1
    if count > ALLOWED:
        AT_ONCE and os._exit(3)
        end = time.time() + 0.3
        begin("200 OK", [("Content-Length", "99"), ("x-dying", str(end))])
        yield b"BODY"
        time.sleep(end - time.time())
        os._exit(3)
    time.sleep(0.02)
    begin("200 OK", [("Content-Length", "3")])
    yield b"BODY"
"""
_ASGI = """\
import asyncio, os, time
count = 0
async def app(scope, receive, send):
    global count
    if scope["type"] != "http":
        raise RuntimeError("requests only")
    count += 1
    async def answer(length, *more):
        headers = [(b"content-length", length), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"BODY", "more_body": bool(more)})
    if count > ALLOWED:
        AT_ONCE and os._exit(3)
        end = time.time() + 0.3
        await answer(b"99", (b"x-dying", str(end).encode()))
        time.sleep(end - time.time())
        os._exit(3)
    await asyncio.sleep(0.1)
    await answer(b"3")
"""
_NODE = """\
let count = 0, dying = false;
require("http").createServer((request, answer) => {
  request.resume();
  if (dying) return;
  if (++count > ALLOWED) {
    if (AT_ONCE) process.exit(3);
    dying = true;
    answer.writeHead(200, {"content-length": "99", "x-dying": String(Date.now() / 1000 + 0.3)});
    answer.write("BODY");
    setTimeout(() => process.exit(3), 300);
  } else {
    setTimeout(() => { if (!dying) answer.end("BODY"); }, 100);
  }
}).listen(process.env.PORT, "127.0.0.1");
"""
EVER = 1_000_000_000
CROWDS = ((False, False), (True, False), (True, True), (False, True))  # who posts, and who are few


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as people use it: its files, and its program, in which a number and an answer are put."""

    files: dict[str, str]
    file: str
    program: str
    broken: str
    processes: int = 1

    def answering(self, body: str, allowed: int = EVER, *, at_once: bool = False) -> dict[str, str]:
        """One that ends itself at the request after so many: amid its answer, or before that."""
        program = self.program.replace("ALLOWED", str(allowed)).replace("AT_ONCE", str(int(at_once)))
        return {**self.files, self.file: program.replace("BODY", body)}

    def broken_at_import(self) -> dict[str, str]:
        """One that cannot be loaded."""
        return {**self.files, self.file: self.broken}


_RAISES = "import time\ntime.sleep(0.5)\nraise ImportError('no module named shop')\n"
SERVERS = {
    "gunicorn": Server(
        files={
            "requirements.txt": "gunicorn==23.0.0\n",
            # A worker of the kind "sync" hears nobody while it waits for what a connection of the edge brings, and may
            # bring never; the master, which ends with the first worker, waits for it for half a minute.
            "Procfile": "web: gunicorn -w 2 -k gthread -b 127.0.0.1:$PORT shop:app\n",
        },
        file="shop.py",
        program=_WSGI,
        broken=_RAISES,
        processes=2,
    ),
    "uvicorn": Server(
        files={"requirements.txt": "uvicorn==0.34.0\n", "Procfile": "web: uvicorn --port $PORT shop:app\n"},
        file="shop.py",
        program=_ASGI,
        broken=_RAISES,
    ),
    "node": Server(
        files={"package.json": '{"name": "shop", "version": "1.0.0"}', "Procfile": "web: node shop.js\n"},
        file="shop.js",
        program=_NODE,
        broken="throw new Error('no module named shop');",
    ),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-answers-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Panel]:
    with panel(folder / "native", HEADWAY_DRAIN_TIME="8", HEADWAY_HEALTH_DEADLINE="15") as started:
        yield started


@pytest.fixture(scope="module")
def boxed(folder: Path, docker_engine: Engine) -> Iterator[Panel]:
    fast = {"HEADWAY_DRAIN_TIME": "8", "HEADWAY_HEALTH_DEADLINE": "15"}
    with panel_with_engine(folder / "composes", docker_engine, **fast) as started:
        yield started


@pytest.mark.parametrize("name", SERVERS)
def test_natively(site: Panel, folder: Path, name: str) -> None:
    if name == "node" and shutil.which("node") is None:
        pytest.skip("needs Node")
    server = SERVERS[name]
    repository = folder / name
    application_id = site.application(git_repository(repository, server.answering("old")), name=name)
    site.done(site.deploy(application_id), SECONDS)
    for what, files in (
        ("import", server.broken_at_import()),
        ("first request", server.answering("new", 0, at_once=True)),
    ):
        commit(repository, files, what)
        with Visitors(site.edge_port, [name], kept=49) as visitors:
            until(lambda: visitors.count > 100, what="visitors are there")
            row = site.ended(site.deploy(application_id), SECONDS)
        told(name, what, visitors, row)
        assert (row["status"], visitors.failures) == ("error", [])
    commit(repository, server.answering("new", 14), "dies amid an answer after some")
    for post, few in CROWDS:
        _dies(site, name, partial(site.deploy, application_id), post=post, few=few, processes=server.processes)


def _native(app: str) -> dict[str, str]:
    return {**web(""), "app.py": app}


def test_who_answers_nobody_any_more_is_gone_back_from(site: Panel, folder: Path) -> None:
    """Also where its process lives on: after a minute without an answer."""
    repository = folder / "silent"
    application_id = site.application(git_repository(repository, _native(SERVES)), name="silent")
    site.done(site.deploy(application_id), SECONDS)
    before = site.get("application.one", applicationId=application_id)["servingReleaseId"]
    commit(repository, _native(FALLS_SILENT), "fall silent")
    deployment_id = site.deploy(application_id)
    site.done(deployment_id, SECONDS)
    assert site.visit("silent", "/silence").text == "new"
    until(lambda: site.one(deployment_id)["errorMessage"], 100, what="it is told")
    told = site.one(deployment_id)["errorMessage"]
    assert told == "The release stopped answering soon after requests came to it; the one before serves again."
    assert site.one(deployment_id)["unstable"]
    assert site.get("application.one", applicationId=application_id)["servingReleaseId"] == before
    assert site.visit("silent").text == "old"


def _dies(
    site: Panel,
    name: str,
    begin: Callable[[], str],
    *,
    post: bool,
    few: bool = False,
    within_seconds: float = BACK_SECONDS,
    processes: int = 1,
) -> None:
    """Of few visitors hardly one is in the process when it dies, so that no row of failures tells the edge of it."""
    with (
        Led(site, name if "." in name else f"{name}.localhost") as led,
        Visitors(site.edge_port, [name], kept=1 if few else 49, pause_seconds=0, post=post) as visitors,
    ):
        until(lambda: visitors.count > (10 if few else 100), what="visitors are there")
        row = site.ended(begin(), SECONDS)
        until(lambda: site.one(row["deploymentId"])["errorMessage"], what="it is told")
        before = visitors.count
        until(lambda: visitors.count > before + (50 if few else 1000), 60, what="more of them came")
    how = f"{'few' if few else 'many'} {'posting' if post else 'reading'}"
    told(name, f"after some, {how}", visitors, site.one(row["deploymentId"]))
    require_given_back(name, visitors, led, post=post, within_seconds=within_seconds, processes=processes)


@pytest.mark.docker
def test_as_a_compose_service(boxed: Panel, docker_engine: Engine) -> None:
    shop = stack(boxed, docker_engine, "shop")
    boxed.post("domain.create", composeId=shop.compose_id, host="shop.example", serviceName="web", port=3000)
    check = {"test": ["CMD", "true"], "interval": "300ms", "timeout": "5s", "retries": 5}

    def service(program: str) -> dict[str, object]:
        told = program.replace("$", "$$")
        return {
            "image": BASE_IMAGE,
            "command": ["python3", "-c", told],
            "environment": {"PORT": "3000"},
            "healthcheck": check,
            "restart": "always",
            "stop_grace_period": "1s",
        }

    shop.deploy(web=service(SERVES_SLOWLY))
    for what, program in (("import", BROKEN_AT_IMPORT), ("first request", BROKEN_AT_FIRST_REQUEST)):
        with Visitors(boxed.edge_port, ["shop.example"], kept=49) as visitors:
            until(lambda: visitors.count > 100, what="visitors are there")
            row = shop.fail(web=service(program))
            before = visitors.count
            until(lambda least=before: visitors.count > least + 100, what="more of them came")  # type: ignore[misc]
        told("compose", what, visitors, row)
        assert visitors.failures == []
    for post, few in CROWDS:
        shop.write(web=service(DIES_AFTER_TEN))
        _dies(boxed, "shop.example", shop.begin, post=post, few=few, within_seconds=BUSY_SECONDS)
    warned = stack(boxed, docker_engine, "warned")
    boxed.post("domain.create", composeId=warned.compose_id, host="warned.example", serviceName="web", port=3001)
    row = warned.deploy(web=service(SERVES))
    assert "Nobody is served at the domains of web:3001" in row["errorMessage"]
    for each in (shop, warned):
        boxed.post("compose.delete", composeId=each.compose_id, deleteVolumes=True)


@pytest.fixture
def swarming(docker_engine: Engine) -> Iterator[Engine]:
    """The engine, which manages a swarm of its own meanwhile."""
    docker_engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        yield docker_engine
    finally:
        docker_engine.docker("swarm", "leave", "--force")


# It asks as the edge does, and as one who does not count among the visitors.
_ASKS = (
    "exec 3<>/dev/tcp/127.0.0.1/3000; printf 'GET / HTTP/1.0\\r\\nuser-agent: Headway\\r\\n\\r\\n' >&3; "
    "read -t 3 -r line <&3; [[ $$line == HTTP/1.?\\ 200* ]]"
)


@pytest.mark.docker
def test_as_a_stack_of_a_swarm(boxed: Panel, swarming: Engine) -> None:
    """The swarm has its own order: it is the check of the file that keeps requests from what breaks, and the swarm that
    goes back from what dies.
    """
    mall = stack(boxed, swarming, "mall")
    mall.change(composeType="stack")
    boxed.post("domain.create", composeId=mall.compose_id, host="mall.example", serviceName="web", port=3000)

    def service(program: str, *check: str) -> dict[str, object]:
        return {
            "image": BASE_IMAGE,
            "command": ["python3", "-c", program.replace("$", "$$")],
            "environment": {"PORT": "3000"},
            "healthcheck": {"test": ["CMD", *check], "interval": "300ms", "timeout": "5s", "retries": 5},
            "stop_grace_period": "1s",
            "deploy": {"update_config": {"monitor": "5s"}},
        }

    asks = ("bash", "-c", _ASKS)
    mall.deploy(web=service(SERVES_SLOWLY, *asks))
    for what, program in (
        ("import", BROKEN_AT_IMPORT),
        ("first request", BROKEN_AT_FIRST_REQUEST),
        ("after ten", DIES_AFTER_TEN),
    ):
        mall.write(web=service(program, *asks))
        with Visitors(boxed.edge_port, ["mall.example"], kept=49) as visitors:
            until(lambda: visitors.count > 100, what="visitors are there")
            row = boxed.ended(mall.begin(), SECONDS)
            before = visitors.count
            until(lambda least=before: visitors.count > least + 100, what="more of them came")  # type: ignore[misc]
        told("stack", what, visitors, row)
        assert row["status"] == "error"
        if what == "after ten":
            require_few_lost("mall.example", visitors)
        else:
            assert visitors.failures == []
    mall.change(healthDeadlineSeconds=15)  # longer than a rollout is watched
    row = mall.fail(web=service(TALKS_OF_ITSELF, "true"))
    assert "The service web does not answer at port 3000, as it did before" in row["errorMessage"]
    with Visitors(boxed.edge_port, ["mall.example"], kept=1) as visitors:
        until(lambda: visitors.answers["mall.example", "old"] > 20, what="what served before serves again")
    for port, program in ((3000, TALKS_OF_ITSELF), (3001, SERVES)):
        warned = stack(boxed, swarming, f"warned-{port}")
        warned.change(composeType="stack")
        domain = {"composeId": warned.compose_id, "host": f"warned-{port}.example", "serviceName": "web"}
        boxed.post("domain.create", port=port, **domain)
        row = warned.deploy(web=service(program, "true"))
        assert f"Nobody is served at the domains of web:{port}, which does not answer" in row["errorMessage"]
        log = boxed.deployment_log(row["deploymentId"])
        assert "as the release before does" not in log
        assert f"web does not answer on port {port}: GET / on port {port} got no answer" in log
        boxed.post("compose.delete", composeId=warned.compose_id, deleteVolumes=True)
    boxed.post("compose.delete", composeId=mall.compose_id, deleteVolumes=True)


@pytest.mark.docker
def test_as_a_service_of_a_swarm(boxed: Panel, folder: Path, swarming: Engine) -> None:
    _in_a_swarm(boxed, folder / "swarm")


def _in_a_swarm(running: Panel, repository: Path) -> None:
    url = git_repository(repository, {**boxed_web(""), "app.py": SERVES_SLOWLY})
    application_id = running.application(url, name="swarmed", buildType="dockerfile", runtime="swarm")
    running.done(running.deploy(application_id), SECONDS)
    for what, app in (("import", BROKEN_AT_IMPORT), ("first request", BROKEN_AT_FIRST_REQUEST)):
        commit(repository, {"app.py": app}, what)
        with Visitors(running.edge_port, ["swarmed"], kept=49) as visitors:
            until(lambda: visitors.count > 100, what="visitors are there")
            row = running.ended(running.deploy(application_id), SECONDS)
        told("swarm", what, visitors, row)
        assert (row["status"], visitors.failures) == ("error", [])
    commit(repository, {"app.py": DIES_AFTER_TEN}, "dies after ten requests")
    for post, few in CROWDS:
        deploy = partial(running.deploy, application_id)
        _dies(running, "swarmed", deploy, post=post, few=few, within_seconds=BUSY_SECONDS)
    running.post("application.delete", applicationId=application_id)


def told(name: str, what: str, visitors: Visitors, row: dict[str, object]) -> None:
    """What came of it, for whoever runs this."""
    times = [each.ended for each in visitors.lost]
    within = times[-1] - times[0] if times else 0.0
    lost = f"{len(visitors.failures)} of {visitors.count} failed within {within:.3f} s"
    print(f"{name}, {what}: {lost}; {row['status']}, unstable {row['unstable']}: {row['errorMessage']}")
