"""Some of everything that a panel may hold, made over its API as people and forges make it, so that every page has
something to show.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.features.backups.pages.files import file_id
from tests.integration.http.notification_rows import NOWHERE
from tests.support.certificates.certificates import certificate_for
from tests.support.forges.forge import Forge, forge
from tests.support.forges.forge_apis import TOKEN, forge_api
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Panel, git_repository, until, web
from tests.support.panel.past import Place
from tests.support.storages.backups import Volumes

Json = Any
Named = Callable[[str, int], str]
SECONDS = 120
COMPOSE = """\
services:
  web:
    image: registry.example/team/analytics:3.1
    ports: ["8080"]
  db:
    image: postgres:17
    volumes: [kept:/var/lib/postgresql/data]
volumes:
  kept: {}
"""
COLOURS = "sh build.sh"
COLOURFUL = {
    "build.sh": "printf '\\033[1;34m==>\\033[0m compiling 214 modules\\n\\033[32m✓\\033[0m built in 1.82 s\\n'\n"
    "printf '\\033[33mwarning\\033[0m two dependencies are out of date\\n'\n"
}


def plain(text: str, _most: int) -> str:
    """A name as it is."""
    return text


class Inventory:
    """``things`` are the ids of what was made, by the names that addresses have for them, thing by thing. What people
    name goes through ``named``, with the most characters that it may have.
    """

    def __init__(self, running: Panel, folder: Path, git: Forge, forge_url: str, named: Named = plain) -> None:
        self.running = running
        self.things: dict[str, dict[str, str]] = {}
        self.places: dict[str, Place] = {}
        self.named = named
        self._folder, self._git, self._forge_url = folder, git, forge_url
        self.environment_id = self.project_id = self.application_id = ""

    def make(self) -> None:
        """All of it."""
        self.begin()
        self._attached()
        self._other_services()
        self._accesses()
        self._channels()
        self._people()
        self._runs()
        self._previews()
        self._under_way()

    def begin(self) -> None:
        """Projects, and an application that was deployed."""
        running, named = self.running, self.named
        made = running.post("project.create", name=named("Web shop", 255), description=named("Sells shoes.", 1_000))
        self.project_id, self.environment_id = made["project"]["projectId"], made["environment"]["environmentId"]
        self.things["project"] = {"{projectId}": self.project_id, "{environmentId}": self.environment_id}
        staging = running.post("environment.create", name=named("staging", 64), projectId=self.project_id)
        running.post("project.create", name="Marketing site")
        self.application_id = self._application(named("storefront", 255), self._git.url, self.environment_id)
        running.post(
            "application.update",
            applicationId=self.application_id,
            customGitBranch="main",
            webhookSecret=SECRET,
            env="NODE_ENV=production\nTOKEN=hunter2-in-a-variable\nPRICE_WITH_TAX=1",
            buildCommand=COLOURS,
            keepReleases=4,
        )
        self._application(named("storefront", 255), self._git.url, staging["environmentId"])
        self.things["application"] = {
            "{serviceId}": self.application_id,
            "{kind}": "application",
            "{sourceId}": self.application_id,
            "{target}": "application",
            "{targetId}": self.application_id,
            "{name}": "NODE_ENV",
        }
        self._place("application.deploy", SubjectType.APPLICATION, self.application_id)
        for kind in ("application.rollback", "application.run"):
            self.places[kind] = self.places["application.deploy"]
        deployment_id = running.deploy(self.application_id, title=named("Show prices with tax", 1_024))
        running.done(deployment_id, SECONDS)
        link = running.post("deployment.createLink", deploymentId=deployment_id)
        of_link = {"{linkId}": link["linkId"], "{token}": link["token"]}
        self.things["deployment"] = {"{deploymentId}": deployment_id, **of_link}

    def _application(self, name: str, url: str, environment_id: str) -> str:
        made: str = self.running.post("application.create", name=name, environmentId=environment_id)["applicationId"]
        self.running.post("application.update", applicationId=made, sourceType="git", customGitUrl=url)
        return made

    def _place(self, kind: str, subject: SubjectType, subject_id: str) -> None:
        self.places[kind] = Place(subject=subject, subject_id=subject_id, project_id=self.project_id)

    def _attached(self) -> None:
        """More of the application: a second version, what stands before it, and what is not in effect yet."""
        running, of = self.running, {"applicationId": self.application_id}
        self._git.push(web("two", **COLOURFUL), self.named("Take the banner down again", 10_000))
        second = running.deploy(self.application_id, title=self.named("Take the banner down again", 1_024))
        running.done(second, SECONDS)
        domain = running.post("domain.create", **of, host="shop.example.org")["domainId"]
        running.post("domain.create", **of, host="shop.example.org", path="/api", stripPath=True, port=3000)
        volume = {"type": "volume", "volumeName": "files", "mountPath": "/files"}
        mount = running.post("mounts.create", serviceId=self.application_id, **volume)
        running.post("port.create", **of, publishedPort=8081, targetPort=80)
        running.post("redirects.create", **of, regex="^http://a/", replacement="http://b/", permanent=True)
        running.post("security.create", **of, username="ann", password="of nobody")
        row = running.get("application.one", **of)
        (port,), (redirect,), (login,) = row["ports"], row["redirects"], row["security"]
        first = self.things["deployment"]["{deploymentId}"]
        until(lambda: running.one(first)["rollback"]["usable"], SECONDS, what="one can go back to the first version")
        release = next(each for each in running.get("release.all", **of) if each["deploymentId"] == first)
        self.things["application"] |= {
            "{domainId}": domain,
            "{mountId}": mount["mountId"],
            "{portId}": port["portId"],
            "{redirectId}": redirect["redirectId"],
            "{securityId}": login["securityId"],
            "{releaseId}": release["releaseId"],
        }
        self.things["deployment of now"] = {"{deploymentId}": second}

    def _other_services(self) -> None:
        """A compose service for which there is no engine, and a database elsewhere that does not answer."""
        running, named, place = self.running, self.named, {"environmentId": self.environment_id}
        compose = running.post(
            "compose.create", name=named("analytics", 255), **place, sourceType="raw", composeFile=COMPOSE
        )["composeId"]
        self._ended("compose.deploy", composeId=compose)
        login = {"databaseName": "shop", "databaseUser": "keeper", "databasePassword": "hunter2-of-a-database"}
        where = {"connection": {"host": "127.0.0.1", "port": 1}}
        database = running.post("postgres.create", name=named("orders", 255), **place, **login, **where)["postgresId"]
        self._ended("postgres.deploy", postgresId=database)
        for kind, id_ in (("compose", compose), ("database", database)):
            things = {"{kind}": kind, "{sourceId}": id_, "{target}": kind, "{targetId}": id_, "{domainId}": id_}
            self.things[kind] = {"{serviceId}": id_, **things}
        for kind in ("compose.deploy", "compose.rollback"):
            self._place(kind, SubjectType.COMPOSE, compose)
        self._place("database.connect", SubjectType.DATABASE, database)
        backup = running.post(
            "backup.create", databaseType="postgres", database="shop", serviceName="db", composeId=compose
        )["backupId"]
        self.things["database backup"] = {"{backupId}": backup}
        for kind in ("backup", "backup.restore", "backup.drill"):
            self._place(kind, SubjectType.BACKUP, backup)

    def _ended(self, procedure: str, **given: Json) -> None:
        answer = self.running.client.post(f"/{procedure}", json=given)
        assert answer.status_code == 200, answer.text
        self.running.ended(answer.headers["x-deployment-id"], SECONDS)

    def _accesses(self) -> None:
        """What is needed to reach others: keys, registries, folders, forges, certificates; a server that is away."""
        running, named = self.running, self.named
        key = running.post("sshKey.create", name=named("deploy key", 255))["sshKeyId"]
        login = {"registryUrl": "registry.example", "username": "ann", "password": "hunter2-of-a-registry"}
        registry = running.post("registry.create", registryName=named("ours", 255), **login)["registryId"]
        folder = running.post("destination.create", name=named("Attic", 255), provider="local")["destinationId"]
        provider = running.post(
            "gitea.create", name=named("Our forge", 255), apiUrl=self._forge_url, accessToken=TOKEN
        )["gitProviderId"]
        pem, private = certificate_for("shop.example.org", "www.shop.example.org")
        certificate = running.post(
            "certificates.create", name=named("shop", 255), certificateData=pem, privateKey=private
        )["certificateId"]
        server = running.post(
            "server.create", name=named("Frankfurt", 255), ipAddress="127.0.0.1", port=1, sshKeyId=key
        )["serverId"]
        until(lambda: running.get("server.one", serverId=server)["reach"]["why"], 60)
        self.things |= {
            "ssh key": {"{sshKeyId}": key},
            "registry": {"{registryId}": registry},
            "destination": {"{destinationId}": folder},
            "provider": {"{gitProviderId}": provider, "{owner}": "team", "{repository}": "app"},
            "certificate": {"{certificateId}": certificate},
            "server": {"{serverId}": server, "{target}": "server", "{targetId}": server},
        }
        place = Place(subject=SubjectType.SERVER, subject_id=server, project_id=None, server_id=server)
        self.places["server.setup"] = place

    def _channels(self) -> None:
        """Where it is told what happens; one does not get through."""
        running, named = self.running, self.named
        for form in ("Gotify", "Ntfy", "Email", "Mattermost"):
            given = {
                name: str(each).split(",") if name == "toAddresses" else each for name, each in NOWHERE[form].items()
            }
            running.post(f"notification.create{form}", name=named(form, 255), **given, volumeBackup=True)
        told = {"endpoint": "http://127.0.0.1:1/hook", "events": ["application.*"], "quietSeconds": 0}
        channel = running.post("notification.create", name=named("ops", 255), **told)["notificationId"]
        running.post("application.update", applicationId=self.application_id, buildCommand=f"{COLOURS}; exit 7")
        failed = running.ended(running.deploy(self.application_id, title=self.named("Try it", 1_024)), SECONDS)
        running.post("application.update", applicationId=self.application_id, buildCommand=COLOURS)
        notices = until(lambda: running.get("notification.deliveries", notificationId=channel)["items"], 30)
        self.things |= {
            "channel": {"{notificationId}": channel},
            "notice": {"{noticeId}": notices[0]["noticeId"]},
            "deployment that failed": {"{deploymentId}": failed["deploymentId"]},
        }

    def _people(self) -> None:
        running, named = self.running, self.named
        invited = running.post("organization.inviteMember", email="mia@example.org", role="member")
        admin = running.post("organization.inviteMember", email="ann@example.org", role="admin")
        joined = running.post("organization.acceptInvitation", token=admin["token"], name=named("Ann Example", 255))
        running.post("user.createApiKey", name=named("ci", 64), scopes=["deploy", "read"], projects=[self.project_id])
        group = {"name": named("engineering", 255), "role": "member", "projects": [self.project_id]}
        rule = running.post("organization.setGroupRule", **group)
        user_id = running.get("user.get")["userId"]
        mine = next(each["id"] for each in running.get("user.apiKeys") if each["userId"] == user_id)
        self.things |= {
            "member": {"{userId}": joined["userId"]},
            "invitation": {"{invitationId}": invited["id"]},
            "key": {"{apiKeyId}": mine},
            "group": {"{groupRuleId}": rule["groupRuleId"]},
        }

    def _runs(self) -> None:
        """What runs at its times: a schedule, and a backup of a volume where one may read files of all accounts."""
        running, named, of = self.running, self.named, {"applicationId": self.application_id}
        at = {"cronExpression": "30 4 * * 1-5", "scheduleType": "application", "timezone": "Europe/Berlin"}
        made = running.post("schedule.create", name=named("Count stock", 200), **of, **at, script="echo $((6 * 7))")
        running.post("schedule.create", name=named("Send letters", 200), **of, **at, command="false", enabled=False)
        schedule = made["scheduleId"]
        running.ended(running.post("schedule.runManually", scheduleId=schedule)["deploymentId"], SECONDS)
        volumes = Volumes(running)
        backup = volumes.make(**of, name=named("Files of the shop", 200), volumeName="data")
        self.things["schedule"], self.things["volume backup"] = {"{scheduleId}": schedule}, {"{backupId}": backup}
        if os.geteuid() == 0:
            data = running.work / "data" / self.application_id
            data.mkdir(exist_ok=True)
            (data / "words").write_text("first")
            self.things["volume backup"]["{file}"] = file_id(volumes.run(backup)["path"])
        self._place("schedule", SubjectType.SCHEDULE, schedule)
        for kind in ("volumeBackup", "volumeBackup.restore"):
            self._place(kind, SubjectType.VOLUME_BACKUP, backup)

    def _previews(self) -> None:
        """Two pull requests, one of a fork, which waits for a person; and what forges have told."""
        running = self.running
        running.post("application.update", applicationId=self.application_id, isPreviewDeploymentsActive=True)
        pull = PullRequest(running, self._git, self.application_id, 7)
        pull.push(web("preview", **COLOURFUL))
        running.ended(pull.tell("opened")["deploymentId"], SECONDS)
        PullRequest(running, self._git, self.application_id, 9, fork=True).tell("opened", head="b" * 40)
        found = running.get("previewDeployment.all", applicationId=self.application_id)
        for name, row in zip(("preview of a fork", "preview"), found, strict=True):
            self.things[name] = {"{previewDeploymentId}": row["previewDeploymentId"]}
        (delivery, *_) = running.get("webhook.search")["items"]
        self.things["delivery"] = {"{deliveryId}": delivery["deliveryId"]}

    def _under_way(self) -> None:
        """One that builds, and one that waits behind it."""
        running = self.running
        url = git_repository(self._folder / "worker", web("worker", **COLOURFUL))
        worker = self._application(self.named("worker", 255), url, self.environment_id)
        running.post("application.update", applicationId=worker, buildCommand=f"{COLOURS}; echo compiling; sleep 3600")
        first = running.deploy(worker, title=self.named("Update dependencies", 1_024))
        waits = running.deploy(worker, title=self.named("Send letters later", 1_024))
        running.running(first, "compiling\n", SECONDS)
        self.things |= {
            "deployment under way": {"{deploymentId}": first},
            "deployment that waits": {"{deploymentId}": waits},
            "worker": {"{serviceId}": worker, "{kind}": "application"},
        }


@contextmanager
def inventory(running: Panel, folder: Path, named: Named = plain) -> Iterator[Inventory]:
    """Nothing yet, with a forge around it, which is gone at the end."""
    with forge(folder / "forge", web("one", **COLOURFUL)) as git, forge_api("gitea") as api:
        yield Inventory(running, folder, git, api.url, named)
