"""In a swarm, where a container is found by what its task carries: no image makes it pass for another's."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web
from tests.e2e.swarms import SECONDS, Ground, swarm_ground
from tests.e2e.test_schedules import ran
from tests.support.docker.compose import SLEEPS, stack
from tests.support.docker.docker_engine import BASE_IMAGE
from tests.support.docker.swarm_nodes import Nodes
from tests.support.panel.panel import git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    folder.chmod(0o711)
    with swarm_ground(folder, nodes) as made:
        yield made


def test_a_task_of_the_swarm_is_entered_by_no_schedule_of_somebody_elses(ground: Ground, tmp_path: Path) -> None:
    panel, engine = ground.panel, ground.nodes.manager
    victim = stack(panel, engine, "victim")
    victim.deploy(web={**SLEEPS, "environment": {"WHO": "the victim"}})
    marks = f"LABEL headway.compose={victim.compose_id} com.docker.compose.service=web\nENV WHO='the attacker'\n"
    evil = ground.application(git_repository(tmp_path / "evil", boxed_web("1", DOCKERFILE + marks)), "evil")
    panel.post("application.update", applicationId=evil, runtime="swarm")
    row = panel.ended(panel.deploy(evil), SECONDS)
    assert (row["status"], "brings the label headway.compose" in row["errorMessage"]) == ("error", True), row

    others = "LABEL com.docker.compose.service=web com.docker.compose.project=victim\n"
    plain = ground.application(git_repository(tmp_path / "plain", boxed_web("1", DOCKERFILE + others)), "plain")
    panel.post("application.update", applicationId=plain, runtime="swarm")
    panel.done(panel.deploy(plain), SECONDS)
    (task,) = ground.tasks(plain)
    container = task["Status"]["ContainerStatus"]["ContainerID"]
    nodes = (each for each in (engine, ground.nodes.worker) if container in each.docker("ps", "--quiet", "--no-trunc"))
    found = json.loads(next(nodes).docker("inspect", "--format={{json .Config.Labels}}", container))
    blank = ("headway.compose", "com.docker.compose.service", "com.docker.compose.project")
    assert [found[name] for name in blank] == ["", "", ""]

    # What an older Headway let come up: a task of an image that says whose it wants to be.
    given = (f"--container-label=headway.panel={found['headway.panel']}", "--container-label=headway.application=x")
    forged = (*given, *(f"--container-label={each}" for each in marks.split()[1:3]))
    here = ("--constraint=node.role==manager", "--no-resolve-image", "--env=WHO=the attacker")
    engine.docker("service", "create", "--detach", "--name=forged", *here, *forged, BASE_IMAGE, "sleep", "900")
    until(lambda: engine.docker("ps", "--quiet", "--filter=name=forged"), SECONDS, what="the forged task runs")
    inside = {"scheduleType": "compose", "composeId": victim.compose_id, "serviceName": "web"}
    row, log = ran(panel, 'echo "in $WHO"', **inside)
    engine.docker("service", "rm", "forged")
    assert (row["status"], "in the victim" in log) == ("done", True), log


def test_what_was_taken_back_ends_in_a_swarm_and_comes_back_when_it_is_given_again(
    ground: Ground, tmp_path: Path
) -> None:
    panel, engine = ground.panel, ground.nodes.manager
    owned = stack(panel, engine, "owned")
    panel.post("compose.update", composeId=owned.compose_id, composeType="stack", allowHostAccess=True)
    owned.deploy(web={**SLEEPS, "volumes": ["/srv:/srv"]})
    others = panel.post("organization.create", name="Others")
    theirs = httpx.Client(base_url=panel.client.base_url, headers={"x-api-key": others["apiKey"]}, timeout=60)
    other = next(each["organizationId"] for each in panel.get("organization.machine") if not each["owns"])
    panel.post("organization.grantMachine", organizationId=other)
    place = theirs.post("/project.create", json={"name": "theirs"}).json()["environment"]["environmentId"]
    made = theirs.post("/application.create", json={"name": "theirs", "environmentId": place}).json()["applicationId"]
    url = git_repository(tmp_path / "theirs", boxed_web("1"))
    sent = {"sourceType": "git", "customGitUrl": url, "customGitBranch": "main", "runtime": "swarm", "builder": None}
    assert theirs.post("/application.update", json={"applicationId": made, **sent}).status_code == 200
    bind = {"serviceId": made, "type": "bind", "hostPath": "/srv", "mountPath": "/srv"}
    assert theirs.post("/mounts.create", json=bind).status_code == 200
    answer = theirs.post("/application.deploy", json={"applicationId": made})
    their_panel = copy.copy(panel)
    their_panel.client = theirs
    their_panel.done(answer.headers["x-deployment-id"], SECONDS)
    assert ground.tasks(made), "it runs in the swarm"

    panel.post("compose.update", composeId=owned.compose_id, allowHostAccess=False)
    panel.post("organization.withdrawMachine", organizationId=other)
    mine = f"label=headway.compose={owned.compose_id}"
    until(lambda: not engine.docker("service", "ls", "--quiet", "--filter", mine), SECONDS, what="the stack has ended")
    until(lambda: not ground.tasks(made), SECONDS, what="the copies have ended")

    panel.post("compose.update", composeId=owned.compose_id, allowHostAccess=True)
    panel.post("organization.grantMachine", organizationId=other)
    until(lambda: engine.docker("service", "ls", "--quiet", "--filter", mine), SECONDS, what="the stack is back")
    until(lambda: ground.tasks(made), SECONDS, what="the copies are back")
    theirs.close()
