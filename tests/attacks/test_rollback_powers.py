"""What an owner has taken back, tried by a rollback; by a restart it is in ``e2e/test_engine_away.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attacks.test_machine import as_caller
from tests.e2e.boxes import BUILD_SECONDS, boxed_web
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, until

Json = Any
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

POWERFUL: Mapping[str, Json] = {**SLEEPS, "privileged": True, "pid": "host", "restart": "always"}
NOT_NOW = "is not allowed to this service now"


@pytest.fixture(scope="module")
def engine(docker_engine: Engine) -> Engine:
    return docker_engine


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("powers") / "data", engine) as started:
        yield started


@dataclass(frozen=True, kw_only=True)
class People:
    """Clients of a member who was given everything, an admin and the owner."""

    member: httpx.Client
    admin: httpx.Client
    owner: httpx.Client

    @property
    def all(self) -> tuple[httpx.Client, ...]:
        """Each of them."""
        return (self.member, self.admin, self.owner)


@contextmanager
def people_of(running: Panel) -> Iterator[People]:
    """They see every project that there is when they are made, which is why they come last."""
    keys = []
    for role in ("member", "admin"):
        token = running.post("organization.inviteMember", email=f"{role}@example.org", role=role)["token"]
        keys.append(running.post("organization.acceptInvitation", token=token)["key"])
    with as_caller(running, keys[0]) as member, as_caller(running, keys[1]) as admin:
        yield People(member=member, admin=admin, owner=running.client)


@pytest.fixture(scope="module")
def people(running: Panel) -> Iterator[People]:
    with people_of(running) as made:
        yield made


def let_in(running: Panel, people: People, service_id: str) -> None:
    """The member is given one service."""
    user_id = people.member.get("/user.get").json()["userId"]
    running.post("user.assignPermissions", id=user_id, accessedServices=[service_id])


def privileges(engine: Engine, stack_: Stack) -> list[tuple[bool, str]]:
    """Of the containers of a compose service that run: whether they are privileged, and whose processes they see."""
    ids = [each for found in stack_.containers().values() for each in found]
    found = json.loads(engine.docker("inspect", *ids)) if ids else []
    return [(each["HostConfig"]["Privileged"], each["HostConfig"]["PidMode"]) for each in found]


def test_no_rollback_brings_back_the_use_of_the_host(running: Panel, people: People, engine: Engine) -> None:
    made = stack(running, engine, "withdrawn", web=POWERFUL)
    made.change(allowHostAccess=True)
    let_in(running, people, made.compose_id)
    first = made.deploy()["deploymentId"]
    assert privileges(engine, made) == [(True, "host")]
    made.change(allowHostAccess=False)
    made.deploy(web=SLEEPS)
    assert privileges(engine, made) == [(False, "")]

    for client in people.all:
        for more in ({}, {"keepConfiguration": True}):
            answer = client.post("/rollback.rollback", json={"rollbackId": first, **more})
            assert (answer.status_code, NOT_NOW in answer.text) == (400, True), answer.text
    told = people.member.get("/rollback.preview", params={"rollbackId": first}).json()
    assert NOT_NOW in json.dumps(told)
    assert privileges(engine, made) == [(False, "")]

    made.change(allowHostAccess=True)  # and it is allowed to whoever may roll back
    answer = people.member.post("/rollback.rollback", json={"rollbackId": first})
    running.done(answer.headers["x-deployment-id"], 90)
    assert privileges(engine, made) == [(True, "host")]


def test_a_rollback_that_waits_is_judged_when_it_begins(running: Panel, people: People, engine: Engine) -> None:
    made = stack(running, engine, "waiting", web=POWERFUL)
    made.change(allowHostAccess=True)
    let_in(running, people, made.compose_id)
    first = made.deploy()["deploymentId"]
    made.deploy(web=SLEEPS)
    slow = {**SLEEPS, "build": {"context": ".", "dockerfile_inline": f"FROM {SLEEPS['image']}\nRUN sleep 4\n"}}
    slow.pop("image")
    others = [stack(running, engine, f"slow-{number}", web=slow) for number in range(2)]
    building = [each.begin() for each in others]  # all slots are taken
    answer = people.member.post("/rollback.rollback", json={"rollbackId": first})
    made.change(allowHostAccess=False)
    row = running.ended(answer.headers["x-deployment-id"], 90)
    assert (row["status"], row["reason"], NOT_NOW in row["errorMessage"]) == ("error", "refused", True), row
    assert privileges(engine, made) == [(False, "")]
    for each in building:
        running.ended(each, 90)


def test_no_rollback_brings_back_a_folder_of_the_machine(
    running: Panel, people: People, engine: Engine, tmp_path: Path
) -> None:
    app = running.application(git_repository(tmp_path / "app", boxed_web("one")), name="mounted")
    let_in(running, people, app)
    mount = running.post("mounts.create", serviceId=app, type="bind", hostPath="/", mountPath="/host")["mountId"]
    first = running.done(running.deploy(app), BUILD_SECONDS)["deploymentId"]
    running.post("mounts.remove", mountId=mount)
    # It serves with the mount until the next deploy, and is started again so.
    assert people.member.post("/application.reload", json={"applicationId": app}).status_code == 200
    assert mounts(engine, app) == ["/"]
    running.done(running.deploy(app), BUILD_SECONDS)
    until(lambda: mounts(engine, app) == [], 30, what="the one before is gone")

    for client in people.all:
        answer = client.post("/rollback.rollback", json={"rollbackId": first})
        assert (answer.status_code, "A bind mount of / is not allowed" in answer.text) == (400, True), answer.text
    answer = people.member.post("/rollback.rollback", json={"rollbackId": first, "keepConfiguration": True})
    running.done(answer.headers["x-deployment-id"], BUILD_SECONDS)
    until(lambda: mounts(engine, app) == [], 30, what="the one before is gone")


def mounts(engine: Engine, application_id: str) -> list[str]:
    """What of the machine is mounted into an application's containers that run."""
    mine = f"--filter=label=headway.application={application_id}"
    shown = engine.docker("ps", "--no-trunc", mine, "--format={{.Mounts}}")
    return [each for line in shown.splitlines() for each in line.split(",") if each.startswith("/")]
