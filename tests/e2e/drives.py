"""With what each command of the clients is driven: a line for each procedure that both the clients and we have."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from headway.features.access.api.rows import FLAGS, LISTS
from tests.e2e.database_drives import DATABASE_DRIVES, DATABASES_REFUSED
from tests.e2e.provider_drives import PROVIDER_DRIVES
from tests.e2e.schedule_drives import SCHEDULE_DRIVES
from tests.e2e.stage import A_DESTINATION, A_PORT, A_REGISTRY, A_SERVER, A_VOLUME, Stage
from tests.integration.http.notification_rows import FORMS, NOWHERE

Json = Any
A_TEMPLATE = base64.b64encode(b'{"compose": "services: {web: {image: debian}}", "config": ""}').decode()
A_NEW_NAME = {"name": "renamed", "description": "d"}


def _nothing(_at: Stage) -> Mapping[str, Json]:
    return {}


_SWITCHES = ("appBuildError", "databaseBackup", "dokployBackup", "volumeBackup", "dokployRestart", "appDeploy")


def _formed(form: str, at: Stage) -> Mapping[str, Json]:
    given: dict[str, Json] = {"name": at.name(), **FORMS[form], **dict.fromkeys(_SWITCHES, True)}
    if "toAddresses" in given:
        given["toAddresses"] = ["ops@example.org"]
    if form == "Custom":
        given["headers"] = {"x-of": "ours"}
    decorated = {"decoration": True} if form in {"Discord", "Gotify"} else {}
    return {**given, "dockerCleanup": True, "serverThreshold": True, **decorated}


def _changed(form: str, at: Stage) -> Mapping[str, Json]:
    notification_id = at.notification()
    return {**_formed(form, at), "notificationId": notification_id, f"{form.lower()}Id": notification_id}


def _listed(given: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: each.split(",") if name == "toAddresses" else each for name, each in given.items()}


DRIVES: Mapping[str, Callable[[Stage], Mapping[str, Json]]] = MappingProxyType(
    {
        "application.cancelDeployment": lambda at: {"applicationId": at.building()["applicationId"]},
        "application.cleanQueues": lambda at: {"applicationId": at.application()},
        "application.clearDeployments": lambda at: {"applicationId": at.application()},
        "application.create": lambda at: {"name": at.name(), "environmentId": at.environment(), "sourceType": "git"},
        "application.delete": lambda at: {"applicationId": at.application()},
        "application.deploy": lambda at: {"applicationId": at.application(), "title": "t", "description": "d"},
        "application.disconnectGitProvider": lambda at: {"applicationId": at.application()},
        "application.killBuild": lambda at: {"applicationId": at.building()["applicationId"]},
        "application.move": lambda at: {"applicationId": at.application(), "targetEnvironmentId": at.environment()},
        "application.one": lambda at: {"applicationId": at.served()},
        "application.readLogs": lambda at: {"applicationId": at.served(), "tail": 5},
        "application.readTraefikConfig": lambda at: {"applicationId": at.served()},
        "application.redeploy": lambda at: {"applicationId": at.application()},
        "application.reload": lambda at: {"applicationId": at.served(), "appName": "driven"},
        "application.saveBuildType": lambda at: {
            "applicationId": at.application(),
            "buildType": "nixpacks",
            "dockerfile": "x",
            "dockerContextPath": "x",
            "dockerBuildStage": "x",
            "herokuVersion": "24",
            "railpackVersion": "0.15.4",
        },
        "application.saveDockerProvider": lambda at: {
            "applicationId": at.application(),
            "dockerImage": "nginx:1",
            "username": "me",
            "password": "secret",
            "registryUrl": "registry.example.org",
        },
        "application.saveEnvironment": lambda at: {
            "applicationId": at.application(),
            "env": "A=1",
            "buildArgs": "x",
            "buildSecrets": "x",
            "createEnvFile": True,
        },
        "application.saveGitProvider": lambda at: {
            "applicationId": at.application(),
            "customGitUrl": "https://git.example/repository.git",
            "customGitBranch": "main",
            "customGitBuildPath": "/",
            "watchPaths": [],
        },
        "application.refreshToken": lambda at: {"applicationId": at.application()},
        "application.search": lambda _at: {"q": "driven", "limit": 3, "offset": 1},
        "application.start": lambda at: {"applicationId": at.served()},
        "application.stop": lambda at: {"applicationId": at.application()},
        "application.update": lambda at: {"applicationId": at.application(), "name": at.name(), "description": "d"},
        "application.updateTraefikConfig": lambda at: {"applicationId": at.application(), "traefikConfig": "http: {}"},
        **PROVIDER_DRIVES,
        **{f"notification.create{form}": partial(_formed, form) for form in FORMS},
        **{f"notification.update{form}": partial(_changed, form) for form in FORMS},
        "notification.getEmailProviders": _nothing,
        "auditLog.all": lambda _at: {"limit": 5, "action": "create"},
        "backup.create": lambda at: at.backed_up(),
        "backup.listBackupFiles": lambda at: {"destinationId": at.destination(), "search": "shop/"},
        "backup.manualBackupCompose": lambda at: {"backupId": at.backup()},
        "backup.manualBackupLibsql": lambda at: {"backupId": at.backup("libsql")},
        "backup.manualBackupMariadb": lambda at: {"backupId": at.backup("mariadb")},
        "backup.manualBackupMongo": lambda at: {"backupId": at.backup("mongo")},
        "backup.manualBackupMySql": lambda at: {"backupId": at.backup("mysql")},
        "backup.manualBackupPostgres": lambda at: {"backupId": at.backup()},
        "backup.one": lambda at: {"backupId": at.backup()},
        "backup.remove": lambda at: {"backupId": at.backup()},
        "backup.update": lambda at: {
            **{name: value for name, value in at.backed_up().items() if name not in {"backupType", "composeId"}},
            "backupId": at.backup(),
        },
        "volumeBackups.create": lambda at: at.volume_backed_up(),
        "volumeBackups.delete": lambda at: {"volumeBackupId": at.volume_backup()},
        "volumeBackups.list": lambda at: {"id": at.compose(), "volumeBackupType": "compose"},
        "volumeBackups.one": lambda at: {"volumeBackupId": at.volume_backup()},
        "volumeBackups.runManually": lambda at: {"volumeBackupId": at.volume_backup()},
        "volumeBackups.update": lambda at: at.volume_backup_again(),
        "certificates.all": _nothing,
        "certificates.create": lambda at: at.pair(),
        "certificates.one": lambda at: {"certificateId": at.certificate()},
        "certificates.remove": lambda at: {"certificateId": at.certificate()},
        "certificates.update": lambda at: {"certificateId": at.certificate(), "name": at.name()},
        "compose.cancelDeployment": lambda at: {"composeId": at.compose()},
        "compose.cleanQueues": lambda at: {"composeId": at.compose()},
        "compose.clearDeployments": lambda at: {"composeId": at.compose()},
        "compose.create": lambda at: {
            "name": at.name(),
            "environmentId": at.environment(),
            "composeType": "docker-compose",
            "composeFile": "services: {}",
            "sourceType": "raw",
        },
        "compose.delete": lambda at: {"composeId": at.compose(), "deleteVolumes": True},
        "compose.deploy": lambda at: {"composeId": at.compose(), "title": "t", "description": "d"},
        "compose.import": lambda at: {"composeId": at.compose(), "base64": A_TEMPLATE},
        "compose.killBuild": lambda at: {"composeId": at.compose()},
        "compose.loadMountsByService": lambda at: {"composeId": at.compose(), "serviceName": "web"},
        "compose.loadServices": lambda at: {"composeId": at.compose(), "type": "cache"},
        "compose.move": lambda at: {"composeId": at.compose(), "targetEnvironmentId": at.environment()},
        "compose.one": lambda at: {"composeId": at.compose()},
        "compose.redeploy": lambda at: {"composeId": at.compose()},
        "compose.refreshToken": lambda at: {"composeId": at.compose()},
        "compose.saveEnvironment": lambda at: {"composeId": at.compose(), "env": "A=1", "createEnvFile": True},
        "compose.search": lambda _at: {"q": "driven", "limit": 3, "offset": 1},
        "compose.stop": lambda at: {"composeId": at.compose()},
        "compose.update": lambda at: {
            "composeId": at.compose(),
            "name": at.name(),
            "isolatedDeployment": True,
            "suffix": "x",
        },
        "deployment.all": lambda at: {"applicationId": at.served()},
        "deployment.allByCompose": lambda at: {"composeId": at.compose()},
        "deployment.allByType": lambda at: {"id": at.served(), "type": "application"},
        "deployment.allCentralized": _nothing,
        "deployment.killProcess": lambda at: {"deploymentId": at.building()["deploymentId"]},
        "deployment.queueList": _nothing,
        "deployment.readLogs": lambda at: {"deploymentId": at.ended(), "tail": 5},
        "deployment.removeDeployment": lambda at: {"deploymentId": at.removable()},
        "destination.all": _nothing,
        "destination.create": lambda at: {**A_DESTINATION, "name": at.name()},
        "destination.one": lambda at: {"destinationId": at.destination()},
        "destination.remove": lambda at: {"destinationId": at.destination()},
        "destination.testConnection": lambda _at: A_DESTINATION,
        "destination.update": lambda at: {**A_DESTINATION, "destinationId": at.destination()},
        "domain.byApplicationId": lambda at: {"applicationId": at.application()},
        "domain.canGenerateTraefikMeDomains": lambda _at: {"serverId": ""},
        "domain.create": lambda at: {
            "applicationId": at.application(),
            "host": f"{at.name()}.example",
            "path": "/",
            "port": 3000,
            "certificateType": "none",
            "domainType": "application",
        },
        "domain.delete": lambda at: {"domainId": at.domain()},
        "domain.generateDomain": lambda at: {"appName": at.name()},
        "domain.one": lambda at: {"domainId": at.domain()},
        "domain.toggleEnable": lambda at: {"domainId": at.domain()},
        "domain.update": lambda at: {"domainId": at.domain(), "host": f"{at.name()}.example", "stripPath": True},
        "domain.validateDomain": lambda _at: {"domain": "localhost"},
        "environment.byProjectId": lambda at: {"projectId": at.project()},
        "environment.create": lambda at: {"name": at.name(), "projectId": at.project(), "description": "d"},
        "environment.duplicate": lambda at: {"environmentId": at.environment(), "name": at.name()},
        "environment.one": lambda at: {"environmentId": at.environment()},
        "environment.remove": lambda at: {"environmentId": at.environment()},
        "environment.search": lambda _at: {"name": "driven", "limit": 3},
        "environment.update": lambda at: {"environmentId": at.environment(), "name": at.name(), "env": "A=1"},
        "mounts.allNamedByApplicationId": lambda at: {"applicationId": at.application()},
        "mounts.create": lambda at: {"serviceId": at.application(), "serviceType": "application", **A_VOLUME},
        "mounts.listByServiceId": lambda at: {"serviceId": at.application(), "serviceType": "application"},
        "mounts.one": lambda at: {"mountId": at.mount()},
        "mounts.remove": lambda at: {"mountId": at.mount()},
        "mounts.update": lambda at: {"mountId": at.mount(), "mountPath": "/elsewhere"},
        "notification.all": _nothing,
        "notification.one": lambda at: {"notificationId": at.notification()},
        "notification.remove": lambda at: {"notificationId": at.notification()},
        "organization.all": _nothing,
        "organization.allInvitations": _nothing,
        "organization.create": lambda at: {"name": at.name()},
        "organization.inviteMember": lambda at: {"email": f"{at.name()}@example.org", "role": "member"},
        "organization.one": lambda at: {"organizationId": at.organization()},
        "organization.removeInvitation": lambda at: {"invitationId": at.invitation()["id"]},
        "organization.update": lambda at: {"organizationId": at.organization(), "name": at.name()},
        "organization.updateMemberRole": lambda at: {"memberId": at.member()["id"], "role": "admin"},
        "port.create": lambda at: {"applicationId": at.application(), **A_PORT},
        "port.delete": lambda at: {"portId": at.port()},
        "port.one": lambda at: {"portId": at.port()},
        "port.update": lambda at: {"portId": at.port(), **A_PORT},
        "project.all": _nothing,
        "project.allForPermissions": _nothing,
        "project.create": lambda at: {"name": at.name(), "description": "d", "env": "A=1"},
        "project.duplicate": lambda at: {
            "sourceEnvironmentId": at.environment(),
            "name": at.name(),
            "includeServices": True,
            "selectedServices": [],
        },
        "project.homeStats": _nothing,
        "project.one": lambda at: {"projectId": at.project()},
        "project.remove": lambda at: {"projectId": at.project()},
        "project.search": lambda _at: {"q": "driven", "limit": 3},
        "project.update": lambda at: {"projectId": at.project(), "name": at.name()},
        "server.all": _nothing,
        "server.allForPermissions": _nothing,
        "server.buildServers": _nothing,
        "server.count": _nothing,
        "server.create": lambda at: {**A_SERVER, "name": at.name(), "description": "d", "sshKeyId": at.key()},
        "server.one": lambda at: {"serverId": at.server()},
        "server.getServerTime": _nothing,
        "server.publicIp": _nothing,
        "server.remove": lambda at: {"serverId": at.server()},
        "server.setup": lambda at: {"serverId": at.server()},
        "server.update": lambda at: {**A_SERVER, "serverId": at.server(), **A_NEW_NAME, "sshKeyId": at.key()},
        "server.withSSHKey": _nothing,
        "registry.all": _nothing,
        "registry.create": lambda at: {**A_REGISTRY, "registryName": at.name()},
        "registry.one": lambda at: {"registryId": at.registry()},
        "registry.remove": lambda at: {"registryId": at.registry()},
        "registry.update": lambda at: {"registryId": at.registry(), "registryName": "renamed"},
        "redirects.create": lambda at: {
            "applicationId": at.application(),
            "regex": "^http://a/(.*)",
            "replacement": "https://b/${1}",
            "permanent": True,
        },
        "redirects.delete": lambda at: {"redirectId": at.redirect()},
        "redirects.one": lambda at: {"redirectId": at.redirect()},
        "rollback.delete": lambda at: {"rollbackId": at.retired()},
        "rollback.rollback": lambda at: {"rollbackId": at.kept()},
        "redirects.update": lambda at: {
            "redirectId": at.redirect(),
            "regex": "^c",
            "replacement": "d",
            "permanent": True,
        },
        **DATABASE_DRIVES,
        **SCHEDULE_DRIVES,
        "security.create": lambda at: {"applicationId": at.application(), "username": "me", "password": "secret"},
        "security.delete": lambda at: {"securityId": at.login()},
        "security.one": lambda at: {"securityId": at.login()},
        "security.update": lambda at: {"securityId": at.login(), "username": "you", "password": "other"},
        "settings.getDokployVersion": _nothing,
        "settings.getIp": _nothing,
        "settings.getOpenApiDocument": _nothing,
        "settings.getUpdateData": _nothing,
        "settings.health": _nothing,
        "settings.isCloud": _nothing,
        "sshKey.all": _nothing,
        "sshKey.allForApps": _nothing,
        "sshKey.create": lambda at: {"name": at.name(), "privateKey": "", "publicKey": "", "organizationId": "x"},
        "sshKey.generate": lambda _at: {"type": "ed25519"},
        "sshKey.one": lambda at: {"sshKeyId": at.key()},
        "sshKey.remove": lambda at: {"sshKeyId": at.key()},
        "sshKey.update": lambda at: {"sshKeyId": at.key(), "name": at.name()},
        "user.all": _nothing,
        "user.assignPermissions": lambda at: {
            "id": at.member()["userId"],
            "accessedProjects": [at.project()],
            **{name: [] for name in ("accessedServices", *LISTS)},
            **dict.fromkeys(FLAGS, True),
        },
        "user.createApiKey": lambda at: {"name": "driven", "metadata": {"organizationId": at.organization()}},
        "user.deleteApiKey": lambda at: {"apiKeyId": at.api_key()},
        "user.get": _nothing,
        "user.getBackups": _nothing,
        "user.getMetricsToken": _nothing,
        "user.one": lambda at: {"userId": at.member()["userId"]},
        "user.remove": lambda at: {"userId": at.member()["userId"]},
    }
)

# What there is none of: a client hears 404, as for every id that does not exist.
REFUSED: Mapping[str, Mapping[str, Json]] = MappingProxyType(
    {
        **DATABASES_REFUSED,
        "backup.manualBackupWebServer": {"backupId": "nope"},
        "compose.getConvertedCompose": {"composeId": "nope"},
        "compose.readLogs": {"composeId": "nope", "containerId": "nope"},
        "compose.start": {"composeId": "nope"},
        "deployment.allByServer": {"serverId": "nope"},
        "docker.getContainers": {"serverId": "nope"},
        "docker.getContainersByAppNameMatch": {"appName": "nope", "serverId": "nope"},
        "docker.getStackContainersByAppName": {"appName": "nope", "serverId": "nope"},
        "docker.restartContainer": {"containerId": "nope", "serverId": "nope"},
        "organization.delete": {"organizationId": "nope"},
        "domain.byComposeId": {"composeId": "nope"},
        "registry.testRegistryById": {"registryId": "nope"},
        "server.validate": {"serverId": "nope"},
    }
)

# What this machine, which has no engine, cannot do.
UNAVAILABLE: Mapping[str, Mapping[str, Json]] = MappingProxyType({"registry.testRegistry": A_REGISTRY})

# What is said of a channel that leads to nobody; none leaves the machine.
UNTOLD: Mapping[str, Mapping[str, Json]] = MappingProxyType(
    {f"notification.test{form}Connection": _listed(given) for form, given in NOWHERE.items()}
)

# What asks for figures that nobody keeps, and is told where there are some.
UNKEPT: Mapping[str, Mapping[str, Json]] = MappingProxyType(
    {
        "application.readAppMonitoring": {"appName": "any"},
        "server.getServerMetrics": {"url": "http://127.0.0.1:1", "token": "t", "dataPoints": "50"},
    }
)
