"""The machine, tried by those to whom it does not belong: an owner of another organisation, an admin, a key for one
project, a key for CI and a member, on a real engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web
from tests.support.docker.compose import SLEEPS, as_file, panel_with_engine
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, until, web

Json = Any
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

MACHINE = ("reaches the machine itself", "this machine or a private network")
SECRET = "what only the machine's owner may read"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody with a key, and where they may make things."""

    client: httpx.Client
    environment_id: str

    def ask(self, procedure: str, **body: Json) -> httpx.Response:
        """A call, as it is answered."""
        return self.client.post(f"/{procedure}", json=body)

    def make(self, procedure: str, **body: Json) -> Json:
        """A call that must succeed."""
        answer = self.ask(procedure, **body)
        assert answer.status_code == 200, (procedure, answer.text)
        return answer.json()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("machine") / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def callers(running: Panel) -> Iterator[Mapping[str, Caller]]:
    """Those who have a right to change things, and none to the machine."""
    made = running.post("project.create", name="alpha")
    here, project = made["environment"]["environmentId"], made["project"]["projectId"]
    bound = running.post("user.createApiKey", name="bound", projects=[project])["key"]
    token = running.post("organization.inviteMember", email="adm@example.org", role="admin")["token"]
    admin = running.post("organization.acceptInvitation", token=token)["key"]
    other = running.post("organization.create", name="Others")["apiKey"]
    with as_caller(running, other) as theirs:
        where = theirs.post("/project.create", json={"name": "theirs"}).json()["environment"]["environmentId"]
        with as_caller(running, bound) as of_project, as_caller(running, admin) as adm:
            yield {
                "owner of another organisation": Caller(client=theirs, environment_id=where),
                "key of a project": Caller(client=of_project, environment_id=here),
                "admin": Caller(client=adm, environment_id=here),
            }


@contextmanager
def as_caller(running: Panel, key: str) -> Iterator[httpx.Client]:
    """A client with another key."""
    with httpx.Client(base_url=running.client.base_url, headers={"x-api-key": key}, timeout=60, trust_env=False) as one:
        yield one


WHO = pytest.mark.parametrize("who", ["owner of another organisation", "key of a project", "admin"])


def refused(answer: httpx.Response) -> None:
    """It is, and says to whom it can be allowed and how."""
    assert answer.status_code == 403, answer.text
    assert any(each in answer.text for each in MACHINE), answer.text
    assert "organization.grantMachine" in answer.text


@WHO
def test_no_folder_of_the_machine_is_mounted(running: Panel, callers: Mapping[str, Caller], who: str) -> None:
    caller = callers[who]
    app = caller.make("application.create", name=f"bind {who}", environmentId=caller.environment_id)["applicationId"]
    of = {"serviceId": app, "mountPath": "/host"}
    for path in ("/", "/var/lib/../..", "//", str(running.data_dir)):
        refused(caller.ask("mounts.create", type="bind", hostPath=path, **of))
    volume = caller.make("mounts.create", type="volume", volumeName="v", **of)["mountId"]
    refused(caller.ask("mounts.update", mountId=volume, type="bind", hostPath="/"))
    refused(caller.ask("port.create", applicationId=app, publishedPort=53, targetPort=53, protocol="udp"))
    caller.make("port.create", applicationId=app, publishedPort=30_053, targetPort=53)
    rows = caller.client.get("/application.one", params={"applicationId": app}).json()
    refused(caller.ask("port.update", portId=rows["ports"][0]["portId"], publishedPort=53, targetPort=53))
    assert [each["type"] for each in rows["mounts"]] == ["volume"]
    where = {"environmentId": caller.environment_id, "databaseName": "d", "databaseUser": "d", "databasePassword": "d"}
    database = caller.make("postgres.create", name=f"db {who}", **where)["postgresId"]
    refused(caller.ask("postgres.saveExternalPort", postgresId=database, externalPort=53))


@WHO
def test_nothing_is_fetched_from_a_folder_of_the_machine(
    running: Panel, callers: Mapping[str, Caller], who: str, tmp_path: Path
) -> None:
    caller, url = callers[who], git_repository(tmp_path / "private", {"secret": SECRET})
    where = {"environmentId": caller.environment_id}
    app = caller.make("application.create", name=f"file {who}", **where)["applicationId"]
    stack = caller.make("compose.create", name=f"file {who}", **where, composeFile=as_file(web=SLEEPS))["composeId"]
    for form in (url, url.replace("file://", "FILE://"), url.replace("file://", "file://localhost"), url[7:]):
        refused(caller.ask("application.update", applicationId=app, customGitUrl=form))
        more = {"customGitBranch": "main", "customGitBuildPath": "/"}
        refused(caller.ask("application.saveGitProvider", applicationId=app, customGitUrl=form, **more))
        refused(caller.ask("application.create", name="x", customGitUrl=form, **where))
        refused(caller.ask("compose.update", composeId=stack, sourceType="git", customGitUrl=form))
        looked = caller.ask("application.detect", applicationId=app, customGitUrl=form)
        assert looked.status_code >= 400, looked.text
        assert SECRET not in looked.text


@WHO
def test_no_compose_file_uses_the_host(running: Panel, callers: Mapping[str, Caller], who: str) -> None:
    caller = callers[who]
    file = as_file(web={**SLEEPS, "privileged": True, "pid": "host", "volumes": ["/:/host"]})
    given = {"environmentId": caller.environment_id, "composeFile": file}
    refused(caller.ask("compose.create", name="x", **given, allowHostAccess=True))
    stack = caller.make("compose.create", name=f"host {who}", **given)["composeId"]
    refused(caller.ask("compose.update", composeId=stack, allowHostAccess=True))
    row = ended(running, caller, caller.ask("compose.deploy", composeId=stack))
    assert (row["status"], row["reason"]) == ("error", "refused")
    caller.make("compose.update", composeId=stack, composeFile=as_file(web={**SLEEPS, "ports": ["53:53/udp"]}))
    row = ended(running, caller, caller.ask("compose.deploy", composeId=stack))
    assert (row["status"], row["reason"]) == ("error", "refused")
    assert "The published port 53/udp, which is below 1024, is not allowed" in row["errorMessage"]


@WHO
def test_nothing_runs_or_lies_on_the_machine_itself(running: Panel, callers: Mapping[str, Caller], who: str) -> None:
    caller = callers[who]
    scripted = {"name": "s", "cronExpression": "@daily", "command": "id", "scheduleType": "dokploy-server"}
    answer = caller.ask("schedule.create", **scripted)
    assert answer.status_code in {403, 404}, answer.text
    for procedure in ("destination.create", "destination.testConnection"):
        answer = caller.ask(procedure, name="d", provider="local")
        assert answer.status_code == 403, answer.text
    given = {"databaseType": "postgres", "database": "d", "serviceName": "web"}
    stack = caller.make("compose.create", name=f"backed {who}", environmentId=caller.environment_id)["composeId"]
    answer = caller.ask("backup.create", composeId=stack, **given)  # to the machine, where no destination is named
    assert answer.status_code == 403, answer.text


def test_what_an_owner_set_is_copied_and_moved_by_nobody_else(running: Panel, callers: Mapping[str, Caller]) -> None:
    adm, bound = callers["admin"], callers["key of a project"]
    where = {"environmentId": adm.environment_id}
    app = running.post("application.create", name="with a bind", **where)["applicationId"]
    running.post("mounts.create", serviceId=app, type="bind", hostPath="/srv", mountPath="/srv")
    stack = running.post("compose.create", name="with the host", **where, allowHostAccess=True)["composeId"]
    running.post("compose.update", composeId=stack, composeFile=as_file(web={**SLEEPS, "privileged": True}))
    elsewhere = running.post("project.create", name="elsewhere")["environment"]["environmentId"]
    copied = {"sourceEnvironmentId": adm.environment_id, "name": "copy", "duplicateInSameProject": True}
    only = {"includeServices": True, "selectedServices": [{"id": app, "type": "application"}]}
    for caller in (adm, bound):
        refused(caller.ask("project.duplicate", **copied, **only))
    refused(adm.ask("application.move", applicationId=app, targetEnvironmentId=elsewhere))
    of_stack = {"includeServices": True, "selectedServices": [{"id": stack, "type": "compose"}]}
    adm.make("project.duplicate", **copied, **of_stack)
    rows = running.get("environment.one", environmentId=adm.environment_id)["compose"]
    found = {each["name"]: each["composeId"] for each in rows}
    copy = running.get("compose.one", composeId=found["with the host (copy)"])
    assert copy["allowHostAccess"] is False
    adm.make("application.update", applicationId=app, description="what is not about the machine can be changed")
    running.post("application.move", applicationId=app, targetEnvironmentId=elsewhere)
    for each in (stack, copy["composeId"]):
        running.post("compose.delete", composeId=each, deleteVolumes=True)


def test_an_organisation_has_the_machine_for_as_long_as_it_is_granted(
    running: Panel, callers: Mapping[str, Caller], docker_engine: Engine
) -> None:
    theirs = callers["owner of another organisation"]
    (others,) = (each for each in running.get("organization.machine") if not each["owns"])
    running.post("organization.grantMachine", organizationId=others["organizationId"])
    given = {"environmentId": theirs.environment_id, "healthDeadlineSeconds": 30}
    file = as_file(web={**SLEEPS, "restart": "always", "volumes": [f"{running.data_dir}:/host:ro"]})
    stack = theirs.make("compose.create", name="granted", composeFile=file, allowHostAccess=True, **given)["composeId"]
    row = ended(running, theirs, theirs.ask("compose.deploy", composeId=stack))
    assert row["status"] == "done", row

    running.post("organization.withdrawMachine", organizationId=others["organizationId"])

    mine = f"--filter=label=headway.compose={stack}"
    (container,) = docker_engine.docker("ps", "--quiet", mine).split()
    for procedure in ("compose.deploy", "compose.redeploy"):
        row = ended(running, theirs, theirs.ask(procedure, composeId=stack))
        assert (row["status"], row["reason"]) == ("error", "refused"), row
        assert "the organisation may not use the machine any more" in row["errorMessage"]
    assert docker_engine.docker("ps", "--quiet", mine).split() == [container], "what runs goes on"
    answer = theirs.ask("docker.restartContainer", containerId=container)
    assert (answer.status_code, "may not use the machine any more" in answer.text) == (403, True)
    docker_engine.docker("stop", "--time", "0", container)
    answer = theirs.ask("compose.start", composeId=stack)
    assert (answer.status_code, "may not use the machine any more" in answer.text) == (403, True)
    said = f"compose service {stack} is not as it is wanted: The use of the host by a compose file (allowHostAccess)"
    until(lambda: said in running.log(), 20, what="it is named")
    assert docker_engine.docker("ps", "--quiet", mine).split() == []
    told = {each["procedure"] for each in running.get("auditLog.all", limit=10)["logs"]}
    assert {"organization.grantMachine", "organization.withdrawMachine"} <= told


def test_the_owner_goes_on_as_before(running: Panel, docker_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    url = git_repository(tmp_path / "app", web("one"))
    app = running.application(url, name="plain")
    running.done(running.deploy(app))
    assert running.visit("plain").text == "one"
    (project,) = (each for each in running.get("project.all") if each["name"] == "project of plain")
    ci = running.post("user.createApiKey", name="ci", scopes=["deploy", "read"], projects=[project["projectId"]])
    with as_caller(running, ci["key"]) as client:  # which sets nothing, and starts what its owner has set
        answer = client.post("/application.deploy", json={"applicationId": app})
        assert answer.status_code == 200, answer.text
        running.done(answer.headers["x-deployment-id"])
    box = running.application(git_repository(tmp_path / "box", boxed_web("boxed")), name="box")
    running.post("mounts.create", serviceId=box, type="bind", hostPath=str(tmp_path / "data"), mountPath="/data")
    running.done(running.deploy(box), BUILD_SECONDS)
    mounts = docker_engine.docker(
        *("ps", "--no-trunc", f"--filter=label=headway.application={box}", "--format={{.Mounts}}")
    )
    assert str(tmp_path / "data") in mounts


def ended(running: Panel, caller: Caller, answer: httpx.Response) -> Json:
    """The row of a deployment that somebody has begun, once it has ended."""
    assert answer.status_code == 200, answer.text
    where = {"deploymentId": answer.headers["x-deployment-id"]}

    def row() -> Json:
        found = caller.client.get("/deployment.one", params=where).json()
        return found if found["status"] in {"done", "error"} else None

    return until(row, 90, what="its end")
