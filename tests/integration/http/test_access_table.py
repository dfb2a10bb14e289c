"""Every procedure as owner, member and stranger, from one table: a procedure without a row fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.access.policy import RULES, Noun
from tests.integration.http.world import REPOSITORY, World

# What to send: names in braces are of things that the owner's organisation has. Numbers are the statuses that the
# member (who was given no project) and the stranger get; the owner is let through by every one of them.
QUERY, MUTATION = "GET", "POST"
LETS_IN, MISSES, FORBIDS = 200, 404, 403


@dataclass(frozen=True)
class Row:
    """How a procedure is called, and what member and stranger get."""

    method: str
    given: Mapping[str, str]
    member: int
    stranger: int
    noun: Noun | None = None


NOT_YET = {"deployment.allByCompose", "deployment.allByServer"}  # nothing of that kind can be made so far
APPLICATION = {"applicationId": "{application}"}
DEPLOYMENT = {"deploymentId": "{deployment}"}
PROJECT = {"projectId": "{project}"}
ENVIRONMENT = {"environmentId": "{environment}"}
SSH_KEY = {"sshKeyId": "{ssh_key}"}

TABLE: Mapping[str, Row] = {
    "application.cancelDeployment": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.cleanQueues": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.clearDeployments": Row(MUTATION, APPLICATION, FORBIDS, MISSES),
    "application.create": Row(MUTATION, {**ENVIRONMENT, "name": "new"}, FORBIDS, MISSES, Noun.ENVIRONMENT),
    "application.delete": Row(MUTATION, APPLICATION, FORBIDS, MISSES),
    "application.deploy": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.killBuild": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.one": Row(QUERY, APPLICATION, MISSES, MISSES),
    "application.readLogs": Row(QUERY, APPLICATION, MISSES, MISSES),
    "application.redeploy": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.saveBuildType": Row(MUTATION, {**APPLICATION, "buildType": "static"}, FORBIDS, MISSES),
    "application.saveEnvironment": Row(MUTATION, {**APPLICATION, "env": "A=1"}, FORBIDS, MISSES),
    "application.saveGitProvider": Row(
        MUTATION, {**APPLICATION, "customGitUrl": "https://git.example/x.git"}, FORBIDS, MISSES
    ),
    "application.start": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.stop": Row(MUTATION, APPLICATION, MISSES, MISSES),
    "application.update": Row(MUTATION, {**APPLICATION, "name": "renamed"}, FORBIDS, MISSES),
    "deployment.all": Row(QUERY, APPLICATION, MISSES, MISSES, Noun.APPLICATION),
    "deployment.allByCompose": Row(QUERY, {"composeId": "nope"}, MISSES, MISSES, Noun.COMPOSE),
    "deployment.allByServer": Row(QUERY, {"serverId": "nope"}, MISSES, MISSES, Noun.SERVER),
    "deployment.allByType": Row(
        QUERY, {"id": "{application}", "type": "application"}, MISSES, MISSES, Noun.APPLICATION
    ),
    "deployment.allCentralized": Row(QUERY, {}, LETS_IN, LETS_IN),
    "deployment.cancel": Row(MUTATION, DEPLOYMENT, MISSES, MISSES),
    "deployment.follow": Row(QUERY, DEPLOYMENT, MISSES, MISSES),
    "deployment.killProcess": Row(MUTATION, DEPLOYMENT, MISSES, MISSES),
    "deployment.one": Row(QUERY, DEPLOYMENT, MISSES, MISSES),
    "deployment.queueList": Row(QUERY, {}, LETS_IN, LETS_IN),
    "deployment.log": Row(QUERY, DEPLOYMENT, MISSES, MISSES),
    "deployment.readLogs": Row(QUERY, DEPLOYMENT, MISSES, MISSES),
    "deployment.removeDeployment": Row(MUTATION, DEPLOYMENT, MISSES, MISSES),
    "deployment.searchLog": Row(QUERY, {**DEPLOYMENT, "text": "x"}, MISSES, MISSES),
    "environment.byProjectId": Row(QUERY, PROJECT, MISSES, MISSES),
    "environment.create": Row(MUTATION, {**PROJECT, "name": "new"}, FORBIDS, MISSES),
    "environment.one": Row(QUERY, ENVIRONMENT, MISSES, MISSES),
    "environment.remove": Row(MUTATION, ENVIRONMENT, FORBIDS, MISSES),
    "environment.update": Row(MUTATION, {**ENVIRONMENT, "env": "A=1"}, FORBIDS, MISSES),
    "project.all": Row(QUERY, {}, LETS_IN, LETS_IN),
    "project.create": Row(MUTATION, {"name": "new"}, FORBIDS, LETS_IN),
    "project.one": Row(QUERY, PROJECT, MISSES, MISSES),
    "project.remove": Row(MUTATION, PROJECT, FORBIDS, MISSES),
    "project.update": Row(MUTATION, {**PROJECT, "name": "renamed"}, FORBIDS, MISSES),
    "settings.getDokployVersion": Row(QUERY, {}, LETS_IN, LETS_IN),
    "settings.getOpenApiDocument": Row(QUERY, {}, LETS_IN, LETS_IN),
    "settings.health": Row(QUERY, {}, LETS_IN, LETS_IN),
    "sshKey.all": Row(QUERY, {}, FORBIDS, LETS_IN),
    "sshKey.create": Row(MUTATION, {"name": "new"}, FORBIDS, LETS_IN),
    "sshKey.generate": Row(MUTATION, {"type": "ed25519"}, FORBIDS, LETS_IN),
    "sshKey.one": Row(QUERY, SSH_KEY, FORBIDS, MISSES),
    "sshKey.remove": Row(MUTATION, SSH_KEY, FORBIDS, MISSES),
    "user.get": Row(QUERY, {}, LETS_IN, LETS_IN),
}


def test_every_procedure_has_a_row() -> None:
    assert TABLE.keys() == RULES.keys()


async def test_members_and_strangers_get_what_the_table_says_and_leave_no_trace(world: World) -> None:
    things = await _things(world)
    before = await _all_there_is(world)
    for procedure, row in TABLE.items():
        for caller, status in (("member", row.member), ("stranger", row.stranger)):
            sent = {name: value.format_map(things) for name, value in row.given.items()}
            answer = await world.client(caller).request(
                row.method,
                f"/{procedure}",
                params=sent if row.method == QUERY else None,
                json=None if row.method == QUERY else sent,
            )
            assert answer.status_code == status, (procedure, caller, answer.text)
            if status == MISSES:
                assert answer.json()["message"] == f"{row.noun or RULES[procedure].noun} not found", procedure
    assert await _all_there_is(world) == before


async def test_the_owner_is_never_kept_out(world: World) -> None:
    for procedure in sorted(TABLE.keys() - NOT_YET - {"deployment.follow"}):  # it would answer for ever
        row, things = TABLE[procedure], await _things(world, procedure)
        sent = {name: value.format_map(things) for name, value in row.given.items()}
        answer = await world.owner.request(
            row.method,
            f"/{procedure}",
            params=sent if row.method == QUERY else None,
            json=None if row.method == QUERY else sent,
        )
        assert answer.status_code not in {401, 403, 404, 500}, (procedure, answer.text)


async def _things(world: World, project: str = "bench") -> dict[str, str]:
    made = await world.post("project.create", name=project)
    where = {"environmentId": made["environment"]["environmentId"], "customGitUrl": REPOSITORY}
    application_id = (await world.post("application.create", name="trivial", **where))["applicationId"]
    return {
        "application": application_id,
        "deployment": await world.deploy(application_id),
        "project": made["project"]["projectId"],
        "environment": made["environment"]["environmentId"],
        "ssh_key": (await world.post("sshKey.create", name="k"))["sshKeyId"],
    }


async def _all_there_is(world: World) -> object:
    return [await world.get(each) for each in ("project.all", "deployment.allCentralized", "sshKey.all")]
