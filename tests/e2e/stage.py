"""What there is on a panel for the commands of clients to be called about."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from tests.integration.http.preview_rows import pull_request
from tests.support.certificates.certificates import certificate_for
from tests.support.panel.panel import Panel, until

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
A_SERVER = {"ipAddress": "127.0.0.1", "port": 1, "username": "root", "serverType": "deploy"}
A_REGISTRY = {"registryName": "r", "imagePrefix": "team", **A_LOGIN_AT}


class Stage:
    """What there is on a panel to call procedures about; what a call uses up is made for it."""

    def __init__(self, running: Panel, url: str, apis: Mapping[str, str] = MappingProxyType({})) -> None:
        self.apis = apis
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

    def post(self, procedure: str, **fields: Json) -> Json:
        """A mutation that must succeed."""
        return self._running.post(procedure, **fields)

    def notification(self) -> str:
        """A channel that leads nowhere."""
        made = self._running.post("notification.create", name=self.name(), endpoint="http://127.0.0.1:1/hook")
        notification_id: str = made["notificationId"]
        return notification_id

    def tell_nobody(self) -> None:
        """Removes the channels: each is told of all that happens later, by a process of its own."""
        for channel in self._running.get("notification.all"):
            self._running.post("notification.remove", notificationId=channel["notificationId"])

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

    def kept(self) -> str:
        """A release that one can go back to."""
        application_id = self.application()
        first: str = self._running.done(self._running.deploy(application_id))["rollbackId"]
        self._running.done(self._running.deploy(application_id))
        until(lambda: self._running.one(first)["rollback"]["usable"])
        return first

    def retired(self) -> str:
        """One that does not run any more, so that it can be removed."""
        release_id = self.kept()
        until(lambda: self._running.get("release.one", releaseId=release_id)["state"] == "kept")
        return release_id

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

    def server(self) -> str:
        """One that nobody answers for."""
        server_id: str = self._running.post("server.create", name=self.name(), **A_SERVER)["serverId"]
        return server_id

    def preview(self) -> str:
        """One of a pull request."""
        application_id = self.application()
        self._running.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
        self._running.tell(application_id, pull_request(1, "a" * 40), "pull_request")
        found = self._running.get("previewDeployment.all", applicationId=application_id)
        preview_id: str = found[0]["previewDeploymentId"]
        return preview_id

    def registry(self) -> str:
        registry_id: str = self._running.post("registry.create", **A_REGISTRY)["registryId"]
        return registry_id

    def backup(self, engine: str = "postgres") -> str:
        """A backup of a database in a compose service that does not run."""
        backup_id: str = self._running.post("backup.create", **self.backed_up(engine))["backupId"]
        return backup_id

    def backed_up(self, engine: str = "postgres") -> Mapping[str, Json]:
        """What is sent to make a backup."""
        return {
            "schedule": "0 3 * * *",
            "enabled": True,
            "prefix": "/",
            "destinationId": self.destination(),
            "keepLatestCount": 3,
            "database": "shop",
            "databaseType": engine,
            "backupType": "compose",
            "composeId": self.compose(),
            "serviceName": "db",
            "metadata": "{}",
        }

    def volume_backup(self) -> str:
        """A backup of a volume of a compose service that does not run."""
        volume_backup_id: str = self._running.post("volumeBackups.create", **self.volume_backed_up())["volumeBackupId"]
        return volume_backup_id

    def volume_backed_up(self) -> Mapping[str, Json]:
        """What is sent to make a volume backup."""
        return {
            "name": self.name(),
            "volumeName": "kept",
            "prefix": "/",
            "serviceType": "compose",
            "composeId": self.compose(),
            "turnOff": True,
            "cronExpression": "0 3 * * *",
            "keepLatestCount": 3,
            "enabled": True,
            "destinationId": self.destination(),
        }

    def volume_backup_again(self) -> Mapping[str, Json]:
        """What is sent to change one: all that it was made with, of the same service, under another name."""
        given = self.volume_backed_up()
        made = self._running.post("volumeBackups.create", **given)
        return {**given, "name": self.name(), "volumeBackupId": made["volumeBackupId"]}

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
