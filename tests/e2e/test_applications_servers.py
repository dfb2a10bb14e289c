"""Native applications on a server with a root of its own: built, released, served, killed and removed there."""

from __future__ import annotations

import os
import re
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.features.servers.source_transfer import SMALL_BYTES
from tests.e2e.boxes import boxed_web, containers, images, sleepers
from tests.e2e.test_cli import headway, succeed
from tests.e2e.test_cli_follow import following, talks
from tests.support.applications.answering import (
    BROKEN_AT_FIRST_REQUEST,
    BROKEN_AT_IMPORT,
    DIES_AFTER_TEN,
    SERVES_SLOWLY,
)
from tests.support.applications.led import Led, require_given_back
from tests.support.applications.mortal import WHY, mortal
from tests.support.applications.visitors import CALM_SECONDS, Visitors
from tests.support.certificates.certificates import certificate_for
from tests.support.docker.docker_engine import lacks_docker
from tests.support.machines.server_roots import MISSING, RootedServer, engine_on, remove_groups, rooted_server
from tests.support.panel.panel import Panel, commit, free_port, git_repository, host_of, panel, until, web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any
BREAKS = {"import": BROKEN_AT_IMPORT, "first": BROKEN_AT_FIRST_REQUEST}


@dataclass(frozen=True)
class Site:
    """A panel and a server that it knows."""

    panel: Panel
    server: RootedServer
    server_id: str

    def application(self, url: str, name: str = "far", **fields: Json) -> str:
        """A new application on the server."""
        environment_id = self.panel.post("project.create", name=f"p {name}")["environment"]["environmentId"]
        given = {"name": name, "environmentId": environment_id, "serverId": self.server_id}
        made = self.panel.post("application.create", **given)
        assert made["serverId"] == self.server_id
        application_id: str = made["applicationId"]
        self.panel.post(
            "application.update", applicationId=application_id, sourceType="git", customGitUrl=url, **fields
        )
        return application_id

    def arriving(self, deployment_id: str) -> list[Path]:
        """The files of a source that is on its way to the server."""
        return [*self.server.root.glob(f"var/lib/headway/*.work/private/incoming/{deployment_id}/*")]

    def visit(self, application_id: str) -> httpx.Response:
        """What the application answers at the edge of its server."""
        name = host_of(self.panel.get("application.one", applicationId=application_id))
        url = f"http://{self.server.address}:{self.panel.edge_port}/"
        return httpx.get(url, headers={"host": name}, timeout=10, trust_env=False)


@contextmanager
def connected(
    folder: Path, index: int = 0, *, pivots: bool = False, with_edge: bool = False, **env: str
) -> Iterator[Site]:
    """A site of which nothing is left, whose panel has these settings; those that are there at the same time differ in
    their ``index``. To one ``with_edge`` the panel does not have to bring the edge's program.
    """
    with rooted_server(folder / "server", index, pivots=pivots) as server:
        edges = {"HEADWAY_SERVER_EDGE_HOST": server.address, "HEADWAY_HTTPS_PORT": str(free_port())}
        with panel(folder / "data", **edges, **env) as running:
            key = running.post("sshKey.create", name="k", privateKey=server.key.reveal())["sshKeyId"]
            made = running.post("server.create", name="far", ipAddress=server.address, port=server.port, sshKeyId=key)
            if with_edge:
                server.provide_edge(running, made["serverId"])
            yield Site(running, server, made["serverId"])
        server.stop()
        remove_groups(folder / "data")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with connected(tmp_path_factory.mktemp("far")) as site:
        yield site


def begun(site: Site, application_id: str, script: str) -> str:
    """A schedule's run inside of an application; its id."""
    given = {"name": "inside", "cronExpression": "0 0 1 1 *", "scheduleType": "application", "script": script}
    schedule_id = site.panel.post("schedule.create", applicationId=application_id, **given)["scheduleId"]
    deployment_id: str = site.panel.post("schedule.runManually", scheduleId=schedule_id)["deploymentId"]
    return deployment_id


def scheduled(site: Site, application_id: str, script: str) -> Json:
    """The row of such a run that has ended well."""
    return site.panel.done(begun(site, application_id, script), 60)


def test_an_application_is_deployed_on_a_server_and_serves_at_its_edge(site: Site, tmp_path: Path) -> None:
    running, repository = site.panel, tmp_path / "repository"
    application_id = site.application(git_repository(repository, web("one")))
    first = running.done(running.deploy(application_id), 90)
    assert (first["serverId"], site.visit(application_id).text) == (site.server_id, "one")
    name = host_of(running.get("application.one", applicationId=application_id)).partition(".")[0]
    assert running.visit(name).status_code == 404
    listed = running.get("deployment.allByServer", serverId=site.server_id)
    assert [row["deploymentId"] for row in listed] == [first["deploymentId"]]

    log = running.deployment_log(first["deploymentId"]).encode()
    begins = {step["name"]: step["logOffset"] for step in first["steps"]}
    assert log[: begins["check out"]].endswith(b"first commit\n"), "what is said in a step is the step's"
    assert log[begins["health check"] :].startswith(b"Healthy: ")

    ran = scheduled(site, application_id, "echo at $(stat --format=%d:%i /) as $(id --user)")
    root = site.server.root.stat()
    assert ran["serverId"] == site.server_id
    assert f"at {root.st_dev}:{root.st_ino} as " in running.deployment_log(ran["deploymentId"])
    assert "as 0" not in running.deployment_log(ran["deploymentId"])
    once = ("sh", "-c", "stat --format=%d:%i /; exit 5")
    ran = running.ended(running.deploy(application_id, "application.run", command=once), 60)
    said = f"command ended with exit status 5: {root.st_dev}:{root.st_ino}"
    assert (ran["serverId"], ran["errorMessage"]) == (site.server_id, said)
    assert running.get("application.readRun", deploymentId=ran["deploymentId"])["exitStatus"] == 5

    commit(repository, web("two"), "second")
    running.done(running.deploy(application_id), 60)
    assert site.visit(application_id).text == "two"

    os.kill(max(site.server.living("--providers.file.watch=true")), signal.SIGKILL)  # Traefik, below its minder
    until(lambda: "the edge of a server ended and was started again" in running.log(), 20)
    assert "how=SIGKILL" in running.log(), "it was there again without the panel"
    assert until(lambda: _answered(site, application_id) == "two", 10)

    assert running.post("application.stop", applicationId=application_id)["applicationStatus"] == "idle"
    assert site.server.living("app.py") == []
    assert site.visit(application_id).status_code == 404
    running.post("application.start", applicationId=application_id)
    assert until(lambda: site.visit(application_id).text == "two", 10)

    running.post("rollback.rollback", rollbackId=first["rollbackId"])
    until(lambda: site.visit(application_id).text == "one", 60)

    running.post("application.delete", applicationId=application_id)
    assert site.server.living("app.py") == []
    work = next((site.server.root / "var/lib/headway").glob("*.work"))
    assert list(work.rglob(f"*{application_id}*")) == []


def _answered(site: Site, application_id: str) -> str:
    """What it answers, "" while nothing listens there yet."""
    try:
        return site.visit(application_id).text
    except httpx.TransportError:
        return ""


def test_the_command_line_deploys_on_a_server_and_leaves_there_what_is_there(site: Site, tmp_path: Path) -> None:
    git_repository(tmp_path / "typed", talks("one"))
    said = succeed(site.panel, "deploy", str(tmp_path / "typed"), "--server", "far", "-e", "API_TOKEN=s3cr3t-s3cr3t")
    assert "typed is deployed" in said
    (found,) = [each for each in site.panel.get("application.search", q="typed")["items"] if each["name"] == "typed"]
    made = site.panel.get("application.one", applicationId=found["applicationId"])
    assert re.search(r"Server +far\n", succeed(site.panel, "apps", "show", "typed"))
    assert (made["serverId"], site.visit(made["applicationId"]).text) == (site.server_id, "ok")
    with following(site.panel, tmp_path, "typed", "-f") as (told, news):
        until(lambda: "one begins with ******\n" in told.read_text())
        commit(tmp_path / "typed", talks("two"), "second")
        succeed(site.panel, "deploy", str(tmp_path / "typed"), "--server", "far")
        until(lambda: "has ended" in news.read_text())
    lines = ["one begins with ******", "two begins with ******", "bye from one"]
    written = [
        line for line in told.read_text().splitlines() if not line.startswith("headway: ")
    ]  # how a layer is made
    assert sorted(written) == sorted(lines)
    refused = headway(site.panel, "deploy", str(tmp_path / "typed"), "--server", "nowhere")
    assert "There is no server nowhere" in refused.stderr
    site.panel.post("application.delete", applicationId=made["applicationId"])


def test_a_certificate_of_a_name_is_shown_where_what_it_leads_to_is(site: Site, tmp_path: Path) -> None:
    running, port = site.panel, site.panel.env["HEADWAY_HTTPS_PORT"]
    application_id = site.application(git_repository(tmp_path / "r", web("safe")), "safe")
    running.post("domain.create", applicationId=application_id, host="safe.example", https=True)
    running.done(running.deploy(application_id), 90)
    pem, key = certificate_for("safe.example")
    other, other_key = certificate_for("elsewhere.example")
    given = {"name": "mine", "organizationId": ""}
    kept = running.post("certificates.create", certificateData=pem, privateKey=key, **given)["certificateId"]
    rest = running.post("certificates.create", certificateData=other, privateKey=other_key, **given)["certificateId"]

    def seen() -> str:
        with httpx.Client(verify=ssl.create_default_context(cadata=pem), trust_env=False) as client:
            asked: Json = {"headers": {"host": "safe.example"}, "extensions": {"sni_hostname": "safe.example"}}
            try:
                return client.get(f"https://{site.server.address}:{port}/", **asked).text
            except httpx.ConnectError as error:
                return str(error)

    def files() -> list[Path]:
        return [*site.server.root.glob("var/lib/headway/*.work/edge/certificates/*")]

    until(lambda: seen() == "safe", 20)
    assert [path.stat().st_mode & 0o777 for path in files()] == [0o640, 0o640], "the other key did not go there"
    for each in (kept, rest):
        running.post("certificates.remove", certificateId=each)
    until(lambda: not files(), 20)
    until(lambda: "CERTIFICATE_VERIFY_FAILED" in seen(), 20)
    last = running.post("certificates.create", certificateData=pem, privateKey=key, **given)["certificateId"]
    until(lambda: seen() == "safe", 20)
    running.post("application.delete", applicationId=application_id)
    until(lambda: not files(), 20, what="the key goes with the last that it was for")
    running.post("certificates.remove", certificateId=last)


def test_a_kill_leaves_nothing_of_a_build_on_the_server(site: Site, tmp_path: Path) -> None:
    running = site.panel
    hiding = "(setsid sleep 8811 &); env -i setsid sleep 8811 & echo begun; exec sleep 8811"
    application_id = site.application(git_repository(tmp_path / "r", web("x")), "killed", buildCommand=hiding)
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "begun", 60)
    until(lambda: len(site.server.living("8811")) >= 3, 10)
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert (running.one(deployment_id)["reason"], site.server.living("8811")) == ("killed", [])
    assert "begun" in running.deployment_log(deployment_id)
    running.post("deployment.removeDeployment", deploymentId=deployment_id)
    place = site.server.root / "var/lib/headway"
    until(lambda: not [*place.glob(f"*/runs/{deployment_id}*"), *place.glob(f"*.work/**/{deployment_id}*")], 10)
    running.post("application.delete", applicationId=application_id)


def test_a_site_of_files_is_served_on_a_server(site: Site, tmp_path: Path) -> None:
    application_id = site.application(git_repository(tmp_path / "r", {"index.html": "<p>far"}), "files")
    site.panel.done(site.panel.deploy(application_id), 90)
    assert site.visit(application_id).text == "<p>far"
    site.panel.post("application.delete", applicationId=application_id)


def test_a_release_that_dies_on_a_server_says_why(site: Site, tmp_path: Path) -> None:
    application_id = site.application(git_repository(tmp_path / "r", mortal()), "mortal")
    row = site.panel.ended(site.panel.deploy(application_id), 120)
    assert f'It said: "{WHY}".' in row["errorMessage"], row["errorMessage"]
    assert "web | bye\n" in site.panel.deployment_log(row["deploymentId"])
    assert "web | bye\n" in site.panel.get("application.readLogs", applicationId=application_id)
    site.panel.post("application.delete", applicationId=application_id)


@pytest.mark.parametrize("breaks", BREAKS)
def test_a_release_that_never_answers_on_a_server_gets_no_request(site: Site, tmp_path: Path, breaks: str) -> None:
    files, running = {**web(""), "app.py": SERVES_SLOWLY}, site.panel
    url = git_repository(tmp_path / "r", files)
    application_id = site.application(url, f"breaks-at-{breaks}", healthDeadlineSeconds=20)
    first = running.done(running.deploy(application_id), 120)
    commit(tmp_path / "r", {"app.py": BREAKS[breaks]}, f"break at {breaks}")
    name = host_of(running.get("application.one", applicationId=application_id))
    with Visitors(
        running.edge_port, [name], kept=49, pause_seconds=CALM_SECONDS, address=site.server.address
    ) as visitors:
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = running.deploy(application_id)
        running.comes_to(deployment_id, "start", 120)
        visitors.hurry(0.005)
        row = running.ended(deployment_id, 120)
        before = visitors.count
        until(lambda: visitors.count > before + 100, what="more of them came")
    print(f"{name}: {visitors.count} requests, {len(visitors.failures)} failed; {row['errorMessage']}")
    assert row["status"] == "error", (row, running.deployment_log(deployment_id))
    assert row["steps"][-1]["name"] == "health check", "the route was never its own"
    assert (visitors.failures, set(visitors.answers)) == ([], {(name, "old")})
    serving = running.get("application.one", applicationId=application_id)["servingReleaseId"]
    assert serving == first["deploymentId"]
    running.post("application.delete", applicationId=application_id)


def test_a_release_that_dies_on_a_server_under_requests_gives_them_back(site: Site, tmp_path: Path) -> None:
    files, running = {**web(""), "app.py": SERVES_SLOWLY}, site.panel
    application_id = site.application(git_repository(tmp_path / "r", files), "dying", drainSeconds=6)
    running.done(running.deploy(application_id), 120)
    commit(tmp_path / "r", {"app.py": DIES_AFTER_TEN}, "die amid the eleventh answer")
    name, address = host_of(running.get("application.one", applicationId=application_id)), site.server.address
    (edge,) = site.server.root.glob("var/lib/headway/*.work/edge")
    with (
        Led(running, name, address=address, edge=edge) as led,
        Visitors(running.edge_port, [name], kept=49, pause_seconds=CALM_SECONDS, address=address) as visitors,
    ):
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = running.deploy(application_id)
        running.comes_to(deployment_id, "start", 120)
        visitors.hurry()
        row = running.ended(deployment_id, 120)
        until(lambda: running.one(row["deploymentId"])["errorMessage"], what="it is told")
        before = visitors.count
        until(lambda: visitors.count > before + 500, what="more of them came")
    require_given_back(name, visitors, led, post=False)
    assert "ended by itself" in running.one(row["deploymentId"])["errorMessage"]
    assert site.visit(application_id).text == "old"
    site.panel.post("application.delete", applicationId=application_id)


def test_a_panel_that_dies_in_the_middle_goes_on_with_what_runs_on_the_server(site: Site, tmp_path: Path) -> None:
    running = site.panel
    counted = "for n in 1 2 3 4 5 6 7 8; do echo tick $n; sleep 0.4; done; echo once >> built.txt"
    repository = git_repository(tmp_path / "r", web("survivor"))
    application_id = site.application(repository, "survivor", buildCommand=counted)
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "tick 3", 60)
    running.kill()
    running.start()
    running.done(deployment_id, 60)
    log = running.deployment_log(deployment_id)
    assert [line for line in log.splitlines() if line.startswith("tick")] == [f"tick {n}" for n in range(1, 9)]
    assert site.visit(application_id).text == "survivor"
    (built,) = site.server.root.glob("var/lib/headway/*.work/releases/*/*/built.txt")
    assert built.read_text() == "once\n"
    running.post("application.delete", applicationId=application_id)


@pytest.mark.parametrize("step", ["send", "start"])
def test_a_panel_that_dies_at_a_step_ends_truly(site: Site, tmp_path: Path, step: str) -> None:
    """`script/prove far_crash` has it die at every one."""
    running = site.panel
    files = web("again", **({"big.txt": "x" * SMALL_BYTES} if step == "send" else {}))  # what is small goes along
    application_id = site.application(git_repository(tmp_path / "r", files), f"at-{step.replace(' ', '-')}")
    running.stop()
    points = str(tmp_path / "points")
    crash = f"step {step} worked"
    running.start(module="tests.support.panel.crashing_panel", CRASH_AT="0", CRASH_POINTS=points, CRASH_NAMED=crash)
    deployment_id = running.deploy(application_id)
    running.wait(60)
    running.start()
    running.done(deployment_id, 60)
    assert site.visit(application_id).text == "again"
    assert len(site.server.living("app.py")) == 1
    running.post("application.delete", applicationId=application_id)
    assert site.server.living("app.py") == []


def visited(site: Site, application_id: str) -> None:
    """A schedule's runs in the container: one that ends, and one that is killed with children that hide."""
    ran = scheduled(site, application_id, "cat /app.py")
    assert ran["serverId"] == site.server_id
    assert "do_GET" in site.panel.deployment_log(ran["deploymentId"])
    once = site.panel.done(site.panel.deploy(application_id, "application.run", command=("cat", "/app.py")), 60)
    assert (once["serverId"], once["steps"][-1]["name"]) == (site.server_id, "end")
    assert "do_GET" in site.panel.deployment_log(once["deploymentId"])
    hides = "setsid sleep 8823 &\nsetsid sh -c 'sleep 8823 & sleep 8823' &\necho up\nsleep 8823"
    deployment_id = begun(site, application_id, hides)
    until(lambda: len(sleepers(8823)) == 4, 30, what="the children")
    site.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert (site.panel.one(deployment_id)["reason"], sleepers(8823)) == ("killed", [])


@pytest.mark.skipif(bool(lacks_docker()), reason=str(lacks_docker()))
def test_a_dockerfile_is_built_and_served_on_a_server(site: Site, tmp_path: Path) -> None:
    running, repository = site.panel, tmp_path / "r"
    with engine_on(site.server) as engine:
        application_id = site.application(git_repository(repository, boxed_web("boxed")), "boxed")
        first = running.done(running.deploy(application_id), 120)
        assert site.visit(application_id).text == "boxed"
        assert (containers(engine, application_id), len(images(engine, application_id))) == (["running"], 1)
        commit(repository, boxed_web("again"), "second")
        running.done(running.deploy(application_id), 120)
        assert site.visit(application_id).text == "again"
        running.post("rollback.rollback", rollbackId=first["rollbackId"])
        until(lambda: site.visit(application_id).text == "boxed", 60)
        visited(site, application_id)
        until(lambda: containers(engine, application_id) == ["running"], 30, what="the one before is gone")
        slow = boxed_web("slow", "FROM headway-test/base:local\nRUN echo begun && sleep 8822\n")
        commit(repository, slow, "slow")
        deployment_id = running.deploy(application_id)
        running.running(deployment_id, "begun", 60)
        running.post("deployment.killProcess", deploymentId=deployment_id)
        assert (running.one(deployment_id)["reason"], sleepers(8822)) == ("killed", [])
        assert site.visit(application_id).text == "boxed"
        running.post("application.delete", applicationId=application_id)
        assert (containers(engine, application_id), images(engine, application_id)) == ([], [])
        pages = git_repository(tmp_path / "pages", {"index.html": "<p>a page"})
        application_id = site.application(pages, "pages", builder="static")
        running.done(running.deploy(application_id), 120)
        assert (site.visit(application_id).text, containers(engine, application_id)) == ("<p>a page", ["running"])
        running.post("application.delete", applicationId=application_id)
