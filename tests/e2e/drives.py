"""With what each command of the clients is driven: a line for each procedure that both the clients and we have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from headway.faces.http.wire.access import FLAGS, LISTS
from tests.certificates import certificate_for
from tests.panel import Panel

Json = Any


A_VOLUME = {"type": "volume", "volumeName": "files", "mountPath": "/files"}
A_PORT = {"publishedPort": 5000, "targetPort": 5000, "protocol": "tcp", "publishMode": "host"}
A_DESTINATION = {
    "name": "driven",
    "provider": "local",
    "accessKey": "x",
    "bucket": "x",
    "region": "x",
    "endpoint": "x",
    "secretAccessKey": "x",
    "additionalFlags": [],
}
A_LOGIN_AT = {"username": "me", "password": "secret", "registryUrl": "127.0.0.1:1", "registryType": "cloud"}
A_REGISTRY = {"registryName": "r", "imagePrefix": "team", **A_LOGIN_AT}


class Stage:
    """What there is on a panel to call procedures about; what a call uses up is made for it."""

    def __init__(self, running: Panel, url: str) -> None:
        self._running = running
        self._url = url
        self._numbers = count()
        self._served: str | None = None

    def name(self) -> str:
        return f"driven-{next(self._numbers)}"

    def project(self) -> str:
        project_id: str = self._running.post("project.create", name=self.name())["project"]["projectId"]
        return project_id

    def environment(self) -> str:
        """One that can be renamed and removed."""
        made = self._running.post("environment.create", name=self.name(), projectId=self.project())
        environment_id: str = made["environmentId"]
        return environment_id

    def application(self) -> str:
        """One with a source, not deployed yet."""
        return self._running.application(self._url, self.name())

    def compose(self) -> str:
        """A compose service that was never deployed."""
        given = {"name": self.name(), "environmentId": self.environment()}
        file = "services: {web: {image: debian}}"
        compose_id: str = self._running.post("compose.create", **given, composeFile=file)["composeId"]
        return compose_id

    def served(self) -> str:
        """One that is deployed."""
        if self._served is None:
            self._served = self.application()
            self._running.done(self._running.deploy(self._served))
        return self._served

    def ended(self) -> str:
        """A deployment that has ended."""
        deployment_id: str = self._running.get("deployment.all", applicationId=self.served())[0]["deploymentId"]
        return deployment_id

    def removable(self) -> str:
        """A deployment that has ended and that nobody else looks at."""
        deployment_id = self._running.deploy(self._running.application(self._url, self.name(), buildCommand="exit 1"))
        self._running.ended(deployment_id)
        return deployment_id

    def building(self) -> Json:
        """The row of a deployment that runs."""
        application_id = self._running.application(self._url, self.name(), buildCommand="echo begun; sleep 300")
        return self._running.running(self._running.deploy(application_id), "begun")

    def domain(self) -> str:
        host = f"{self.name()}.example"
        domain_id: str = self._running.post("domain.create", applicationId=self.application(), host=host)["domainId"]
        return domain_id

    def redirect(self) -> str:
        """One that has no other before it."""
        given = {"applicationId": self.application(), "regex": "^a", "replacement": "b", "permanent": False}
        self._running.post("redirects.create", **given)
        redirect_id: str = self._first(given["applicationId"], "redirects")["redirectId"]
        return redirect_id

    def mount(self) -> str:
        given = {"serviceId": self.application(), **A_VOLUME}
        mount_id: str = self._running.post("mounts.create", **given)["mountId"]
        return mount_id

    def port(self) -> str:
        application_id = self.application()
        self._running.post("port.create", applicationId=application_id, **A_PORT)
        port_id: str = self._first(application_id, "ports")["portId"]
        return port_id

    def registry(self) -> str:
        registry_id: str = self._running.post("registry.create", **A_REGISTRY)["registryId"]
        return registry_id

    def destination(self) -> str:
        destination_id: str = self._running.post("destination.create", **A_DESTINATION)["destinationId"]
        return destination_id

    def login(self) -> str:
        application_id = self.application()
        self._running.post("security.create", applicationId=application_id, username="me", password="secret")
        security_id: str = self._first(application_id, "security")["securityId"]
        return security_id

    def certificate(self) -> str:
        certificate_id: str = self._running.post("certificates.create", **self.pair())["certificateId"]
        return certificate_id

    def pair(self) -> Mapping[str, str]:
        """A certificate for a name that nobody has."""
        pem, key = certificate_for(f"{self.name()}.example")
        return {"name": self.name(), "certificateData": pem, "privateKey": key, "organizationId": "x"}

    def _first(self, application_id: object, what: str) -> Json:
        return self._running.get("application.one", applicationId=application_id)[what][0]

    def key(self) -> str:
        ssh_key_id: str = self._running.post("sshKey.create", name=self.name())["sshKeyId"]
        return ssh_key_id

    def organization(self) -> str:
        organization_id: str = self._running.get("user.get")["organizationId"]
        return organization_id

    def member(self) -> Json:
        """The row of a member."""
        made = self.invitation()
        joined = self._running.post("organization.acceptInvitation", token=made["token"])
        return self._running.get("user.one", userId=joined["userId"])

    def invitation(self) -> Json:
        """The row of an invitation that waits, with its token."""
        email = f"{self.name()}@example.org"
        return self._running.post("organization.inviteMember", email=email, role="member")

    def api_key(self) -> str:
        api_key_id: str = self._running.post("user.createApiKey", name=self.name())["id"]
        return api_key_id


def _nothing(_at: Stage) -> Mapping[str, Json]:
    return {}


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
        "application.search": lambda _at: {"q": "driven", "limit": 3, "offset": 1},
        "application.start": lambda at: {"applicationId": at.served()},
        "application.stop": lambda at: {"applicationId": at.application()},
        "application.update": lambda at: {"applicationId": at.application(), "name": at.name(), "description": "d"},
        "application.updateTraefikConfig": lambda at: {"applicationId": at.application(), "traefikConfig": "http: {}"},
        "auditLog.all": lambda _at: {"limit": 5, "action": "create"},
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
        "compose.killBuild": lambda at: {"composeId": at.compose()},
        "compose.loadMountsByService": lambda at: {"composeId": at.compose(), "serviceName": "web"},
        "compose.loadServices": lambda at: {"composeId": at.compose(), "type": "cache"},
        "compose.one": lambda at: {"composeId": at.compose()},
        "compose.redeploy": lambda at: {"composeId": at.compose()},
        "compose.saveEnvironment": lambda at: {"composeId": at.compose(), "env": "A=1", "createEnvFile": True},
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
        "redirects.update": lambda at: {
            "redirectId": at.redirect(),
            "regex": "^c",
            "replacement": "d",
            "permanent": True,
        },
        "security.create": lambda at: {"applicationId": at.application(), "username": "me", "password": "secret"},
        "security.delete": lambda at: {"securityId": at.login()},
        "security.one": lambda at: {"securityId": at.login()},
        "security.update": lambda at: {"securityId": at.login(), "username": "you", "password": "other"},
        "settings.getDokployVersion": _nothing,
        "settings.getOpenApiDocument": _nothing,
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
        "user.one": lambda at: {"userId": at.member()["userId"]},
        "user.remove": lambda at: {"userId": at.member()["userId"]},
    }
)

# What there is none of: a client hears 404, as for every id that does not exist.
REFUSED: Mapping[str, Mapping[str, Json]] = MappingProxyType(
    {
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
    }
)

# What this machine, which has no engine, cannot do.
UNAVAILABLE: Mapping[str, Mapping[str, Json]] = MappingProxyType({"registry.testRegistry": A_REGISTRY})
