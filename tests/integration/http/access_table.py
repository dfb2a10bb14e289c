"""The table of access: every operation with what it is called with, who may call it, and where its thing lies."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Noun
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
    Row,
)
from tests.integration.http.backup_rows import A_LOGIN_AT, A_REGISTRY, BACKUP_ROWS
from tests.integration.http.database_rows import DATABASE_ROWS
from tests.integration.http.hook_rows import HOOK_ROWS
from tests.integration.http.notification_rows import NOTIFICATION_ROWS
from tests.integration.http.preview_rows import PREVIEW_ROWS
from tests.integration.http.provider_rows import PROVIDER_ROWS
from tests.integration.http.schedule_rows import SCHEDULE_ROWS
from tests.integration.http.server_rows import SERVER_ROWS
from tests.integration.http.spare_rows import A_GIT_URL, SPARE_ROWS
from tests.support.certificates.certificates import certificate_for

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
