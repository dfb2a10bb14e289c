"""A default installation of one person, of the last version that asked nobody who may use the machine, is upgraded and
goes on without a change: a native application with PostgreSQL on the loopback, a container with a folder of the
machine, the key of a CI that deploys both, webhooks and schedules.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, clear
from tests.proofs.test_upgrade import checkout
from tests.support.applications.kept import open_folder
from tests.support.databases.postgres import running_cluster
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, commit, git, git_repository, until

BEFORE = "36405796b3206a92e28f583b79dd20a66f4b8aab"
# Says its version, and what it has from PostgreSQL (which answers a question about TLS with one letter) or a folder.
APP = """\
import http.server, os, pathlib, socket, urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if url := os.environ.get("DATABASE_URL"):
            with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(url).port), 5) as asked:
                asked.sendall(bytes.fromhex("0000000804d2162f"))
                had = asked.recv(1).decode()
        else:
            had = pathlib.Path("/folder/word").read_text()
        body = f"VERSION {had}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
NATIVE, BOXED = "native", "boxed"


def files(name: str, version: str) -> dict[str, str]:
    """One of the applications in a version."""
    program = {"app.py": APP.replace("VERSION", version)}
    return {**program, "Procfile": "web: python3 app.py\n"} if name == NATIVE else {**program, "Dockerfile": DOCKERFILE}


@pytest.mark.docker
def test_it_goes_on_without_a_change(docker_engine: Engine) -> None:
    with checkout(BEFORE) as python, running_cluster() as cluster, open_folder() as folder:
        panel = Panel(folder / "data", HEADWAY_DOCKER_HOST=docker_engine.host)
        new, panel.python = panel.python, python
        try:
            panel.start()
            had = {NATIVE: "N", BOXED: "of the machine"}
            ids, schedules, key = set_up(panel, folder, cluster.port)
            assert {name: panel.visit(name).text for name in ids} == {name: f"1 {had[name]}" for name in ids}
            panel.stop(20)
            panel.python = new
            panel.start()
            assert {name: panel.visit(name).text for name in ids} == {name: f"1 {had[name]}" for name in ids}
            for name, begin in (("by the key of a CI", by_key), ("by a push", by_push)):
                for each in ids:
                    commit(folder / each, files(each, name), name)
                    commit_hash = git(folder / each, "rev-parse", "HEAD").strip()
                    panel.done(begun(panel, ids[each], begin, (key, commit_hash)), BUILD_SECONDS)
                    assert panel.visit(each).text == f"{name} {had[each]}"
            for each, schedule_id in schedules.items():
                run = panel.post("schedule.runManually", scheduleId=schedule_id)["deploymentId"]
                assert "by a push" in panel.deployment_log(panel.done(run, 60)["deploymentId"]), each
            for each in ids.values():
                panel.post("application.stop", applicationId=each)
                panel.post("application.start", applicationId=each)
            for each in ids:
                until(lambda each=each: panel.visit(each).text == f"by a push {had[each]}", BUILD_SECONDS)  # type: ignore[misc]
        finally:
            panel.python = new
            panel.clean_up()
            clear(docker_engine, f"headway.panel={(folder / 'data/panel.id').read_text().strip()}")


def set_up(panel: Panel, folder: Path, port: int) -> tuple[dict[str, str], dict[str, str], str]:
    """The ids of the applications and of their schedules, and the key of the CI."""
    (folder / "folder").mkdir(mode=0o755)
    (folder / "folder/word").write_text("of the machine")
    ids, schedules = {}, {}
    for name in (NATIVE, BOXED):
        fields = (
            {"env": f"DATABASE_URL=postgres://postgres@127.0.0.1:{port}/postgres"}
            if name == NATIVE
            else {"buildType": "dockerfile"}
        )
        url = git_repository(folder / name, files(name, "1"))
        ids[name] = panel.application(url, name=name, customGitBranch="main", **fields)
    bind = {"type": "bind", "hostPath": str(folder / "folder"), "mountPath": "/folder"}
    panel.post("mounts.create", serviceId=ids[BOXED], **bind)
    for name, application_id in ids.items():
        panel.done(panel.deploy(application_id), BUILD_SECONDS)
        given = {"name": "each year", "cronExpression": "0 0 1 1 *", "scheduleType": "application"}
        schedules[name] = panel.post(
            "schedule.create", applicationId=application_id, script="cat app.py || cat /app.py", **given
        )["scheduleId"]
    key = panel.post("user.createApiKey", name="ci", scopes=["deploy"])["key"]
    return ids, schedules, key


def begun(panel: Panel, application_id: str, begin: Callable[..., None], given: tuple[str, str]) -> str:
    """The deployment that begins so."""

    def there() -> set[str]:
        return {row["deploymentId"] for row in panel.get("deployment.all", applicationId=application_id)}

    before = there()
    begin(panel, application_id, *given)
    (found,) = until(lambda: there() - before, what="it is deployed")
    return found


def by_key(panel: Panel, application_id: str, key: str, _commit: str) -> None:
    """As a CI deploys."""
    answer = panel.client.post(
        "/application.deploy", json={"applicationId": application_id}, headers={"x-api-key": key}
    )
    assert answer.status_code == 200, answer.text


def by_push(panel: Panel, application_id: str, _key: str, commit_hash: str) -> None:
    """As a forge tells of a push."""
    token = panel.get("application.one", applicationId=application_id)["refreshToken"]
    url = f"http://127.0.0.1:{panel.port}/api/deploy/{token}"
    answer = httpx.post(
        url, json={"ref": "refs/heads/main", "after": commit_hash}, headers={"x-github-event": "push"}, trust_env=False
    )
    assert answer.status_code == 200, answer.text
