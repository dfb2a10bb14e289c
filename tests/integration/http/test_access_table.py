"""Every procedure as everybody who may call, from one table: a procedure without a row fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

import httpx
import pytest
from sqlalchemy import select

from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.infra.db.tables.edge import domains, logins, own_routings, redirects
from tests.archives import packed
from tests.certificates import certificate_for
from tests.integration.http.access_rows import (
    ADMIN,
    ANY,
    DEPLOY,
    GLIMPSED,
    GUEST,
    HELD,
    IN_PROJECT,
    KILL,
    MEMBER,
    MUTATION,
    ORGANISATION,
    OWN,
    OWNER,
    QUERY,
    READ,
    REMOVE,
    SERVICE,
    SET,
    Place,
    Row,
)
from tests.integration.http.backup_rows import A_LOGIN_AT, A_REGISTRY, BACKUP_ROWS, BACKUP_THINGS, backed_up
from tests.integration.http.callers import CALLERS, PEOPLE_THINGS, Caller, admit_callers, give, key_of
from tests.integration.http.database_rows import DATABASE_ROWS, databases_of
from tests.integration.http.fronts import attached_to, front_of
from tests.integration.http.hook_rows import HOOK_ROWS, delivery_to
from tests.integration.http.notification_rows import NOTIFICATION_ROWS, NOTIFICATION_THINGS
from tests.integration.http.preview_rows import PREVIEW_ROWS, previews_of
from tests.integration.http.provider_rows import PROVIDER_ROWS, PROVIDER_THINGS
from tests.integration.http.schedule_rows import SCHEDULE_ROWS, schedule_of
from tests.integration.http.server_rows import SERVER_ROWS, SERVER_THINGS
from tests.integration.http.spare_rows import A_GIT_URL, SPARE_ROWS
from tests.integration.http.world import REPOSITORY, World, client_with
from tests.permissions import PERMISSIONS

FRONT = (domains, redirects, logins, own_routings)
LETS_IN, UNKNOWN, FORBIDS, MISSES = 200, 401, 403, 404

NOT_YET = {"docker.restartContainer"}  # nothing of that kind is there
ENDLESS = {"deployment.follow"}  # whoever is let in is answered for ever
AS_THE_OWNER = {"admin", "key to admin"}  # who are let in to nearly all that the owner is let in to
UPLOADS = {"application.dropDeployment", "compose.dropDeployment"}  # calls whose body is a file
APPLICATION = {"applicationId": "{application}"}
COMPOSE = {"composeId": "{compose}"}
DEPLOYMENT = {"deploymentId": "{deployment}"}
PROJECT, ENVIRONMENT = {"projectId": "{project}"}, {"environmentId": "{environment}"}
MOUNT, PORT = {"mountId": "{mount}"}, {"portId": "{port}"}
ROLLBACK = {"rollbackId": "{kept}"}
REGISTRY = {"registryId": "{registry}"}
OF_SERVICE = {"serviceId": "{application}", "serviceType": "application"}
A_MOUNT = {"type": "volume", "volumeName": "more", "mountPath": "/more"}
A_PORT: Mapping[str, str | int] = {"publishedPort": 5001, "targetPort": 5001}
API_KEY = {"apiKeyId": "{api_key}"}
USER = {"userId": "{user}"}
THE_ORGANISATION = {"organizationId": "{organization}"}
AS_MEMBER = {"email": "new@example.org", "role": "member"}
DOMAIN = {"domainId": "{domain}"}
REDIRECT = {"redirectId": "{redirect}"}
SECURITY = {"securityId": "{security}"}
CERTIFICATE = {"certificateId": "{certificate}"}
OF_APPLICATION = {"id": "{application}", "type": "application"}
A_NAME = {"name": "new"}
A_REDIRECT: Mapping[str, str | bool] = {"regex": "^http://a/(.*)", "replacement": "https://b/${1}", "permanent": True}
A_LOGIN = {"username": "new", "password": "secret"}
A_CERTIFICATE = dict(zip(("certificateData", "privateKey"), certificate_for("new.example"), strict=True))

TABLE: Mapping[str, Row] = {
    **BACKUP_ROWS,
    **DATABASE_ROWS,
    **HOOK_ROWS,
    **NOTIFICATION_ROWS,
    **PREVIEW_ROWS,
    **PROVIDER_ROWS,
    **SCHEDULE_ROWS,
    **SERVER_ROWS,
    **SPARE_ROWS,
    "application.cancelDeployment": Row(MUTATION, APPLICATION, MEMBER, KILL),
    "application.cleanQueues": Row(MUTATION, APPLICATION, MEMBER, KILL),
    "application.clearDeployments": Row(MUTATION, APPLICATION, ADMIN, REMOVE),
    "application.create": Row(MUTATION, ENVIRONMENT | A_NAME, ADMIN, SET, IN_PROJECT, Noun.ENVIRONMENT),
    "application.delete": Row(MUTATION, APPLICATION, ADMIN, SET),
    "application.deploy": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.disconnectGitProvider": Row(MUTATION, APPLICATION, ADMIN, SET),
    "application.detect": Row(QUERY, APPLICATION, MEMBER, DEPLOY),
    "application.dropDeployment": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.exec": Row(MUTATION, {**APPLICATION, "command": ["true"]}, ADMIN, SET),
    "application.killBuild": Row(MUTATION, APPLICATION, MEMBER, KILL),
    "application.move": Row(MUTATION, APPLICATION | {"targetEnvironmentId": "{environment}"}, ADMIN, SET),
    "application.one": Row(QUERY, APPLICATION, MEMBER, READ),
    "application.readLogs": Row(QUERY, APPLICATION, MEMBER, READ),
    "application.readOutput": Row(QUERY, APPLICATION, MEMBER, READ),
    "application.readTraefikConfig": Row(QUERY, APPLICATION, ADMIN, SET),
    "application.readRun": Row(QUERY, DEPLOYMENT, MEMBER, READ, noun=Noun.DEPLOYMENT),
    "application.redeploy": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.reload": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.run": Row(MUTATION, {**APPLICATION, "command": ["true"]}, ADMIN, SET),
    "application.saveBuildType": Row(MUTATION, APPLICATION | {"buildType": "static"}, ADMIN, SET),
    "application.saveEnvironment": Row(MUTATION, APPLICATION | {"env": "A=1"}, ADMIN, SET),
    "application.saveDockerProvider": Row(MUTATION, APPLICATION | {"dockerImage": "nginx:1"}, ADMIN, SET),
    "application.saveGitProvider": Row(MUTATION, APPLICATION | A_GIT_URL, ADMIN, SET),
    "application.start": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.stop": Row(MUTATION, APPLICATION, MEMBER, DEPLOY),
    "application.update": Row(MUTATION, APPLICATION | A_NAME, ADMIN, SET),
    "application.updateTraefikConfig": Row(MUTATION, APPLICATION | {"traefikConfig": ""}, ADMIN, SET),
    "auditLog.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "certificates.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "certificates.create": Row(MUTATION, A_NAME | A_CERTIFICATE, ADMIN, SET, OWN),
    "certificates.one": Row(QUERY, CERTIFICATE, ADMIN, READ, ORGANISATION),
    "certificates.remove": Row(MUTATION, CERTIFICATE, ADMIN, SET, ORGANISATION),
    "certificates.update": Row(MUTATION, CERTIFICATE | A_NAME, ADMIN, SET, ORGANISATION),
    "compose.cancelDeployment": Row(MUTATION, COMPOSE, MEMBER, KILL),
    "compose.cleanQueues": Row(MUTATION, COMPOSE, MEMBER, KILL),
    "compose.clearDeployments": Row(MUTATION, COMPOSE, ADMIN, REMOVE),
    "compose.create": Row(MUTATION, ENVIRONMENT | A_NAME, ADMIN, SET, IN_PROJECT, Noun.ENVIRONMENT),
    "compose.delete": Row(MUTATION, COMPOSE, ADMIN, SET),
    "compose.deploy": Row(MUTATION, COMPOSE, MEMBER, DEPLOY),
    "compose.dropDeployment": Row(MUTATION, COMPOSE, MEMBER, DEPLOY),
    "compose.getConvertedCompose": Row(QUERY, COMPOSE, ADMIN, SET),
    "compose.killBuild": Row(MUTATION, COMPOSE, MEMBER, KILL),
    "compose.loadMountsByService": Row(QUERY, COMPOSE | {"serviceName": "web"}, MEMBER, READ),
    "compose.loadServices": Row(QUERY, COMPOSE, MEMBER, READ),
    "compose.one": Row(QUERY, COMPOSE, MEMBER, READ),
    "compose.readLogs": Row(QUERY, COMPOSE, MEMBER, READ),
    "compose.redeploy": Row(MUTATION, COMPOSE, MEMBER, DEPLOY),
    "compose.saveEnvironment": Row(MUTATION, COMPOSE | {"env": "A=1"}, ADMIN, SET),
    "compose.start": Row(MUTATION, COMPOSE, MEMBER, DEPLOY),
    "compose.stop": Row(MUTATION, COMPOSE, MEMBER, DEPLOY),
    "compose.update": Row(MUTATION, COMPOSE | {"name": "renamed"}, ADMIN, SET),
    "deployment.all": Row(QUERY, APPLICATION, MEMBER, READ, SERVICE, Noun.APPLICATION),
    "deployment.allByCompose": Row(QUERY, COMPOSE, MEMBER, READ, SERVICE, Noun.COMPOSE),
    "deployment.allByServer": Row(QUERY, {"serverId": "{server}"}, MEMBER, READ, ORGANISATION),
    "deployment.allByType": Row(QUERY, OF_APPLICATION, MEMBER, READ, SERVICE, Noun.APPLICATION),
    "deployment.allCentralized": Row(QUERY, {}, MEMBER, READ, OWN),
    "deployment.cancel": Row(MUTATION, DEPLOYMENT, MEMBER, KILL),
    "deployment.follow": Row(QUERY, DEPLOYMENT, MEMBER, READ),
    "deployment.killProcess": Row(MUTATION, DEPLOYMENT, MEMBER, KILL),
    "deployment.log": Row(QUERY, DEPLOYMENT, MEMBER, READ),
    "deployment.one": Row(QUERY, DEPLOYMENT, MEMBER, READ),
    "deployment.queueList": Row(QUERY, {}, MEMBER, READ, OWN),
    "deployment.readLogs": Row(QUERY, DEPLOYMENT, MEMBER, READ),
    "deployment.removeDeployment": Row(MUTATION, DEPLOYMENT, MEMBER, REMOVE),
    "deployment.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "deployment.searchLog": Row(QUERY, DEPLOYMENT | {"text": "x"}, MEMBER, READ),
    "deployment.wait": Row(QUERY, DEPLOYMENT | {"timeout": 0}, MEMBER, READ),
    "disk.clean": Row(MUTATION, {"dryRun": True}, ADMIN, SET, OWN),
    "disk.usage": Row(QUERY, {}, MEMBER, READ, OWN),
    "docker.getContainers": Row(QUERY, {}, MEMBER, READ, OWN),
    "docker.getContainersByAppNameMatch": Row(QUERY, {"appName": "stack"}, MEMBER, READ, OWN),
    "docker.getStackContainersByAppName": Row(QUERY, {"appName": "stack"}, MEMBER, READ, OWN),
    "docker.restartContainer": Row(MUTATION, {"containerId": "c0ffee"}, MEMBER, DEPLOY, OWN),
    "domain.byApplicationId": Row(QUERY, APPLICATION, MEMBER, READ),
    "domain.byComposeId": Row(QUERY, COMPOSE, MEMBER, READ),
    "domain.canGenerateTraefikMeDomains": Row(QUERY, {}, MEMBER, READ, OWN),
    "domain.create": Row(MUTATION, APPLICATION | {"host": "new.example"}, ADMIN, SET),
    "domain.delete": Row(MUTATION, DOMAIN, ADMIN, SET),
    "domain.generateDomain": Row(MUTATION, {"appName": "new"}, MEMBER, READ, OWN),
    "domain.one": Row(QUERY, DOMAIN, MEMBER, READ),
    "domain.toggleEnable": Row(MUTATION, DOMAIN, ADMIN, SET),
    "domain.update": Row(MUTATION, DOMAIN | {"host": "changed.example"}, ADMIN, SET),
    "domain.validateDomain": Row(MUTATION, {"domain": "localhost"}, MEMBER, READ, OWN),
    "environment.byProjectId": Row(QUERY, PROJECT, MEMBER, READ, GLIMPSED),
    "environment.create": Row(MUTATION, PROJECT | A_NAME, ADMIN, SET, IN_PROJECT, Noun.PROJECT),
    "environment.duplicate": Row(MUTATION, ENVIRONMENT | A_NAME, ADMIN, SET, IN_PROJECT),
    "environment.one": Row(QUERY, ENVIRONMENT, MEMBER, READ, GLIMPSED),
    "environment.remove": Row(MUTATION, ENVIRONMENT, ADMIN, SET, IN_PROJECT),
    "environment.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "environment.update": Row(MUTATION, ENVIRONMENT | {"env": "A=1"}, ADMIN, SET, IN_PROJECT),
    "organization.acceptInvitation": Row(MUTATION, {"token": "{token}"}, GUEST, ANY, OWN),
    "organization.all": Row(QUERY, {}, MEMBER, READ, OWN),
    "organization.allInvitations": Row(QUERY, {}, ADMIN, READ, OWN),
    "organization.create": Row(MUTATION, A_NAME, OWNER, SET, OWN),
    "organization.delete": Row(MUTATION, THE_ORGANISATION, OWNER, SET, ORGANISATION),
    "organization.inviteMember": Row(MUTATION, AS_MEMBER, ADMIN, SET, OWN),
    "organization.one": Row(QUERY, THE_ORGANISATION, MEMBER, READ, ORGANISATION),
    "organization.removeInvitation": Row(MUTATION, {"invitationId": "{invitation}"}, ADMIN, SET, ORGANISATION),
    "organization.update": Row(MUTATION, THE_ORGANISATION | A_NAME, OWNER, SET, ORGANISATION),
    "organization.updateMemberRole": Row(MUTATION, {"memberId": "{member}", "role": "admin"}, ADMIN, SET, ORGANISATION),
    "project.all": Row(QUERY, {}, MEMBER, READ, OWN),
    "project.allForPermissions": Row(QUERY, {}, ADMIN, READ, OWN),
    "project.create": Row(MUTATION, A_NAME, ADMIN, SET, OWN),
    "project.duplicate": Row(MUTATION, {"sourceEnvironmentId": "{environment}"} | A_NAME, ADMIN, SET, IN_PROJECT),
    "project.homeStats": Row(QUERY, {}, MEMBER, READ, OWN),
    "project.one": Row(QUERY, PROJECT, MEMBER, READ, GLIMPSED),
    "project.remove": Row(MUTATION, PROJECT, ADMIN, SET, IN_PROJECT),
    "project.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "project.update": Row(MUTATION, PROJECT | A_NAME, ADMIN, SET, IN_PROJECT),
    "release.all": Row(QUERY, APPLICATION, MEMBER, READ, SERVICE, Noun.APPLICATION),
    "release.one": Row(QUERY, {"releaseId": "{release}"}, MEMBER, READ),
    "rollback.delete": Row(MUTATION, ROLLBACK, ADMIN, REMOVE),
    "rollback.preview": Row(QUERY, ROLLBACK, MEMBER, READ),
    "rollback.rollback": Row(MUTATION, ROLLBACK, MEMBER, DEPLOY),
    "redirects.create": Row(MUTATION, {**APPLICATION, **A_REDIRECT}, ADMIN, SET),
    "redirects.delete": Row(MUTATION, REDIRECT, ADMIN, SET),
    "redirects.one": Row(QUERY, REDIRECT, MEMBER, READ),
    "redirects.update": Row(MUTATION, {**REDIRECT, **A_REDIRECT}, ADMIN, SET),
    "security.create": Row(MUTATION, APPLICATION | A_LOGIN, ADMIN, SET),
    "security.delete": Row(MUTATION, SECURITY, ADMIN, SET),
    "security.one": Row(QUERY, SECURITY, MEMBER, READ),
    "security.update": Row(MUTATION, SECURITY | A_LOGIN, ADMIN, SET),
    "settings.getDokployVersion": Row(QUERY, {}, MEMBER, ANY, OWN),
    "settings.getOpenApiDocument": Row(QUERY, {}, MEMBER, ANY, OWN),
    "settings.health": Row(QUERY, {}, MEMBER, ANY, OWN),
    "settings.isCloud": Row(QUERY, {}, MEMBER, ANY, OWN),
    "mounts.allNamedByApplicationId": Row(QUERY, APPLICATION, MEMBER, READ),
    "mounts.create": Row(MUTATION, A_MOUNT | OF_SERVICE, ADMIN, SET),
    "mounts.listByServiceId": Row(QUERY, OF_SERVICE, MEMBER, READ),
    "mounts.one": Row(QUERY, MOUNT, MEMBER, READ),
    "mounts.remove": Row(MUTATION, MOUNT, ADMIN, SET),
    "mounts.update": Row(MUTATION, MOUNT, ADMIN, SET),
    "port.create": Row(MUTATION, {**APPLICATION, **A_PORT}, ADMIN, SET),
    "port.delete": Row(MUTATION, PORT, ADMIN, SET),
    "port.one": Row(QUERY, PORT, MEMBER, READ),
    "port.update": Row(MUTATION, {**PORT, **A_PORT}, ADMIN, SET),
    "registry.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "registry.create": Row(MUTATION, A_REGISTRY, ADMIN, SET, OWN),
    "registry.one": Row(QUERY, REGISTRY, ADMIN, READ, ORGANISATION),
    "registry.remove": Row(MUTATION, REGISTRY, ADMIN, SET, ORGANISATION),
    "registry.testRegistry": Row(MUTATION, A_LOGIN_AT, ADMIN, SET, OWN),
    "registry.testRegistryById": Row(MUTATION, REGISTRY, ADMIN, SET, ORGANISATION),
    "registry.update": Row(MUTATION, REGISTRY, ADMIN, SET, ORGANISATION),
    "user.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "user.apiKeys": Row(QUERY, {}, MEMBER, READ, OWN),
    "user.assignPermissions": Row(MUTATION, {"id": "{user}"}, ADMIN, SET, ORGANISATION),
    "user.createApiKey": Row(MUTATION, A_NAME, MEMBER, SET, OWN),
    "user.deleteApiKey": Row(MUTATION, API_KEY, MEMBER, SET, HELD),
    "user.get": Row(QUERY, {}, MEMBER, ANY, OWN),
    "user.one": Row(QUERY, USER, ADMIN, READ, ORGANISATION),
    "user.remove": Row(MUTATION, USER, ADMIN, SET, ORGANISATION),
    "user.updateApiKey": Row(MUTATION, API_KEY | A_NAME, MEMBER, SET, HELD),
}


def test_every_procedure_has_a_row() -> None:
    assert TABLE.keys() == PERMISSIONS.keys()


@pytest.mark.parametrize("name", CALLERS)
@pytest.mark.slow
async def test_a_caller_gets_what_the_table_says_and_leaves_no_trace_where_it_is_refused(
    world: World, name: str
) -> None:
    """`script/prove access_table` has everybody who is let in to all call all."""
    await gets_what_the_table_says(world, name, all_of_it=name not in AS_THE_OWNER)


async def gets_what_the_table_says(world: World, name: str, *, all_of_it: bool) -> None:
    """Calls every procedure; without ``all_of_it``, where it is let in, only what uses nothing up and tries nothing."""
    caller = CALLERS[name]
    members = await admit_callers(world)
    shared = await things_of(world, members.get(caller), caller)
    before = await _all_there_is(world)
    async with client_with(world.app, key_of(caller)) as client:
        for procedure, row in TABLE.items():
            if (status := expected(caller, row)) != LETS_IN:
                answer = await call(client, procedure, shared)
                assert answer.status_code == status, (procedure, answer.text)
                if status == MISSES:
                    assert answer.json()["message"] == f"{row.noun or PERMISSIONS[procedure].noun} not found", procedure
        assert await _all_there_is(world) == before
        for procedure, row in sorted(TABLE.items(), key=lambda each: (each[1].method != QUERY, not _keeps(each[0]))):
            kept = row.method == QUERY or _keeps(procedure)
            left = procedure in ENDLESS or not (all_of_it or (kept and ".test" not in procedure))
            if expected(caller, row) == LETS_IN and not left:
                things = shared if kept else await things_of(world, members.get(caller), caller, procedure)
                answer = await call(client, procedure, things)
                kept_out = {401, 403, 500} | (set() if procedure in NOT_YET else {404})
                assert answer.status_code not in kept_out, (procedure, answer.text)


def _keeps(procedure: str) -> bool:
    """Whether what a procedure is called with is there afterwards, for the next one."""
    return procedure.partition(".")[2].startswith(("create", "generate", "save", "test", "update", "validate"))


def expected(caller: Caller, row: Row) -> int:
    """What the table says that this caller gets."""
    if row.least is Role.GUEST:
        return LETS_IN
    if caller.refused:
        return UNKNOWN
    if caller.role < row.least or (row.scope is not None and caller.scope not in {row.scope, Scope.ADMIN}):
        return FORBIDS
    if row.place is Place.HELD:
        if caller.foreign or caller.role is Role.MEMBER:
            return MISSES
        return FORBIDS if caller.elsewhere or caller.role < Role.OWNER else LETS_IN
    whole = row.place in {Place.OWN, Place.ORGANISATION}
    if caller.elsewhere:
        return (FORBIDS if row.least >= Role.ADMIN else LETS_IN) if whole else MISSES
    if caller.foreign:
        return LETS_IN if row.place is Place.OWN else MISSES
    if whole or caller.role >= Role.ADMIN or caller.given == "project":
        return LETS_IN
    return LETS_IN if caller.given == "service" and row.place in {Place.SERVICE, Place.GLIMPSED} else MISSES


async def call(client: httpx.AsyncClient, procedure: str, things: Mapping[str, str]) -> httpx.Response:
    """Calls a procedure as its row says."""
    sent = given_to(procedure, things)
    if TABLE[procedure].method == QUERY:
        return await client.get(f"/{procedure}", params=sent)
    if procedure in UPLOADS:
        return await client.post(f"/{procedure}", data=sent, files={"zip": ("a.tar", packed({"app.py": "print(1)"}))})
    return await client.post(f"/{procedure}", json=sent)


def given_to(procedure: str, things: Mapping[str, str]) -> dict[str, str | bool | int | list[str]]:
    """What the table says is sent, about these things."""
    given = TABLE[procedure].given.items()
    return {
        name: value.format_map(things) if isinstance(value, str) and value.startswith("{") else value
        for name, value in given
    }


async def things_of(
    world: World, member_id: str | None = None, caller: Caller = CALLERS["owner"], procedure: str | None = None
) -> dict[str, str]:
    """New things in the owner's organisation, of which the caller is given what it is to have: those that a procedure
    is called with, or all that there are.
    """
    made = await world.post("project.create", name="bench")
    project_id, environment_id = made["project"]["projectId"], made["environment"]["environmentId"]
    wanted = None if procedure is None else {str(text)[1:-1] for text in TABLE[procedure].given.values()}
    services = await databases_of(world, environment_id, wanted)
    if wanted is None or wanted & OF_AN_APPLICATION:
        where = {"environmentId": environment_id, "customGitUrl": REPOSITORY}
        services["application"] = (await world.post("application.create", name="trivial", **where))["applicationId"]
    if wanted is None or wanted & OF_A_COMPOSE:
        stack = {"environmentId": environment_id, "composeFile": "services: {web: {image: debian}}"}
        services["compose"] = (await world.post("compose.create", name="stack", **stack))["composeId"]
    if member_id is not None:
        await give(world, member_id, caller, project_id, *services.values())
    things = {**services, "project": project_id, "environment": environment_id}
    if "application" in services:
        things |= await _attached(world, services["application"], wanted)
    if "compose" in services:
        things |= await backed_up(world, services["compose"], wanted)
    for names, make in OTHER_THINGS.items():
        if wanted is None or wanted & set(names):
            things.update(zip(names, await make(world), strict=True))
    return things


async def _attached(world: World, application_id: str, wanted: Collection[str] | None) -> dict[str, str]:
    """What an application has, where it is wanted; it has a deployment in any case."""
    things = {"deployment": await world.deploy(application_id)}
    if wanted is None or {"release", "kept"} & set(wanted):
        things |= {"release": await world.release(application_id), "kept": await world.kept(application_id)}
    for names, add in OF_IT.items():
        if wanted is None or set(names) & set(wanted):
            things |= await add(world, application_id)
    return things


OF_IT: Mapping[tuple[str, ...], Callable[[World, str], Awaitable[dict[str, str]]]] = {
    ("domain", "redirect", "security", "certificate"): front_of,
    ("mount", "port"): attached_to,
    ("preview", "fork"): previews_of,
    ("schedule",): schedule_of,
    ("delivery",): delivery_to,
}
OF_AN_APPLICATION = {"application", "deployment", "release", "kept", *(name for names in OF_IT for name in names)}
OF_A_COMPOSE = {"compose", "backup", "volume_backup"}
OTHER_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    **BACKUP_THINGS,
    **SERVER_THINGS,
    **NOTIFICATION_THINGS,
    **PROVIDER_THINGS,
    **PEOPLE_THINGS,
}


async def _all_there_is(world: World) -> object:
    lists = ("project.all", "deployment.allCentralized", "sshKey.all", "user.all", "organization.allInvitations")
    fronts = await world.services.db.read(lambda tx: [tx.execute(select(table)).all() for table in FRONT])
    return [await world.get(each) for each in (*lists, "certificates.all")], fronts
