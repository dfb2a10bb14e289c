"""Some of everything on a panel, made over its API: what an upgrade must not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.drives import DRIVES
from tests.e2e.stage import Stage
from tests.integration.http.notification_rows import NOWHERE
from tests.proofs._upgrade_around import Around
from tests.support.docker.compose import as_file
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import KEY, Panel, commit, git_repository, until, web

Json = Any
SECONDS = 600  # on whatever a machine does besides
YEARLY = "0 0 1 1 *"
STRANGERS = "the others"
# Of what clients can do: what is done once more than the seed needs, for the settings and rows of the audit log that it
# leaves; all but what would tell of it elsewhere, or ask a registry of the world for an image.
TRIED = (
    "create",
    "save",
    "update",
    "import",
    "move",
    "duplicate",
    "toggle",
    "refreshToken",
    "changePassword",
    "invite",
)
LEFT_OUT = ("notification.", "organization.create", "user.assign", "sshKey.generate")


@dataclass(kw_only=True)
class Seed:
    """What was made, by name: services, and the releases of ``shop``."""

    panel: Panel
    around: Around
    ids: dict[str, str] = field(default_factory=dict)
    releases: list[str] = field(default_factory=list)
    callers: dict[str, str] = field(default_factory=dict)
    environment_id: str = ""
    project_id: str = ""

    def plant(self) -> None:
        """Makes all of it, and returns when nothing is under way any more but a deletion."""
        self._people()
        self._telling()
        self._applications()
        self._before_the_shop()
        self._runs()
        self._previews()
        self._drives()
        self._strangers()
        until(lambda: self.panel.get("deployment.queueList") == [], SECONDS, what="nothing waits or runs")
        until(self._is_quiet, SECONDS, what="every release that was replaced is gone")

    def post(self, procedure: str, **given: Json) -> Json:
        return self.panel.post(procedure, **given)

    def _is_quiet(self) -> bool:
        releases = self.panel.get("release.all", applicationId=self.ids["shop"])
        return not any(each["state"] in {"starting", "retiring"} for each in releases)

    def _people(self) -> None:
        made = self.post("project.create", name="main", description="of the proof", env="SHARED=1")
        self.project_id, self.environment_id = made["project"]["projectId"], made["environment"]["environmentId"]
        self.callers["owner"] = KEY
        self.ids["staging"] = self.post("environment.create", name="staging", projectId=self.project_id)[
            "environmentId"
        ]
        for name, role in (("member", "member"), ("admin", "admin")):
            invited = self.post("organization.inviteMember", email=f"{name}@example.org", role=role)
            joined = self.post("organization.acceptInvitation", token=invited["token"], name=name)
            self.callers[name] = joined["key"]
            self.ids[name] = joined["userId"]
        self.post("organization.inviteMember", email="late@example.org", role="member")
        self.post("user.assignPermissions", id=self.ids["member"], accessedProjects=[self.project_id])
        self.post("user.createApiKey", name="ci", scopes=["deploy", "read"], projects=[self.project_id])
        del self.callers["admin"]

    def _telling(self) -> None:
        told = {"name": "ops", "endpoint": self.around.heard.url, "events": ["application.*"], "quietSeconds": 0}
        self.ids["channel"] = self.post("notification.create", **told)["notificationId"]
        for form in ("Gotify", "Ntfy", "Email", "Mattermost"):
            given = {
                name: str(each).split(",") if name == "toAddresses" else each for name, each in NOWHERE[form].items()
            }
            self.post(f"notification.create{form}", name=form, **given, volumeBackup=True)

    def application(self, name: str, files: dict[str, str], **fields: Json) -> str:
        """One in the main project; its id."""
        url = git_repository(self.around.folder / name, files)
        given = {"name": name, "environmentId": self.environment_id}
        self.ids[name] = self.post("application.create", **given)["applicationId"]
        self.post("application.update", applicationId=self.ids[name], sourceType="git", customGitUrl=url, **fields)
        return self.ids[name]

    def deployed(self, name: str) -> str:
        id_: str = self.panel.done(self.panel.deploy(self.ids[name]), SECONDS)["deploymentId"]
        return id_

    def _applications(self) -> None:
        shop = self.application("shop", web("shop one"), env="COLOUR=red\nTOKEN=s3cret-of-the-shop", keepReleases=4)
        self.releases.append(self.deployed("shop"))
        for version in ("two", "three"):
            commit(self.around.folder / "shop", web(f"shop {version}"), f"version {version}")
            self.post("application.update", applicationId=shop, env=f"COLOUR={version}", description=version)
            self.releases.append(self.deployed("shop"))
        until(lambda: self.panel.one(self.releases[1])["rollback"]["usable"], SECONDS, what="version two is kept")
        back = self.panel.client.post("/rollback.rollback", json={"rollbackId": self.releases[1]})
        self.releases.append(self.panel.done(back.headers["x-deployment-id"], SECONDS)["deploymentId"])
        commit(self.around.folder / "shop", web("shop four"), "version four")
        self.releases.append(self.deployed("shop"))
        self.application("broken", web("x"), buildCommand="echo not today; exit 7")
        assert self.panel.ended(self.panel.deploy(self.ids["broken"]), SECONDS)["status"] == "error"
        self.application("new", web("new"), memoryLimit="256m")
        self.application("stopped", web("stopped"))
        self.deployed("stopped")
        self.post("application.stop", applicationId=self.ids["stopped"])
        self.application("gone", web("gone"))
        self.deployed("gone")
        self.post("application.delete", applicationId=self.ids.pop("gone"))
        killed = self.application("killed", web("killed"), buildCommand="echo begun; sleep 300")
        deployment_id = self.panel.deploy(killed)
        self.panel.running(deployment_id, "begun", SECONDS)
        self.post("deployment.killProcess", deploymentId=deployment_id)

    def _before_the_shop(self) -> None:
        """What stands before applications, and what is attached to them."""
        of = {"applicationId": self.ids["shop"]}
        for given in (
            {"host": "shop.example"},
            {"host": "shop.example", "path": "/api", "stripPath": True, "port": 3000},
        ):
            self.post("domain.create", **of, **given)
        off = self.post("domain.create", **of, host="off.example")["domainId"]
        self.post("domain.toggleEnable", domainId=off)
        self.post(
            "redirects.create",
            **of,
            regex="^http://old.example/(.*)",
            replacement="http://shop.example/${1}",
            permanent=True,
        )
        self.post("security.create", applicationId=self.ids["stopped"], username="me", password="secret")
        self.post("mounts.create", serviceId=self.ids["new"], type="volume", volumeName="files", mountPath="/files")
        self.post(
            "mounts.create",
            serviceId=self.ids["new"],
            type="file",
            filePath="a.conf",
            content="a=1",
            mountPath="/a.conf",
        )
        self.post("port.create", applicationId=self.ids["new"], publishedPort=5000, targetPort=5000)
        own = self.panel.get("application.readTraefikConfig", applicationId=self.ids["shop"])
        self.post("application.updateTraefikConfig", applicationId=self.ids["shop"], traefikConfig=own)

    def _runs(self) -> None:
        """What runs inside of an application: by hand and by a schedule."""
        of, script = {"applicationId": self.ids["shop"]}, "echo $((6 * 7))"
        given = {"cronExpression": YEARLY, "scheduleType": "application"}
        made = self.post("schedule.create", name="count", **of, **given, script=script, timezone="Europe/Berlin")
        self.post("schedule.create", name="off", **of, **given, command="false", enabled=False)
        run = self.post("schedule.runManually", scheduleId=made["scheduleId"])["deploymentId"]
        self.panel.done(run, SECONDS)
        by_hand = self.panel.client.post("/application.run", json={**of, "command": ["echo", "by hand"]})
        self.panel.done(by_hand.headers["x-deployment-id"], SECONDS)

    def _previews(self) -> None:
        fields = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True}
        given = {"name": "previewed", "environmentId": self.environment_id}
        id_ = self.ids["previewed"] = self.post("application.create", **given)["applicationId"]
        url = self.around.git.url
        self.post("application.update", applicationId=id_, sourceType="git", customGitUrl=url, **fields)
        self.deployed("previewed")
        for number in (7, 8):
            pull = PullRequest(self.panel, self.around.git, id_, number)
            pull.push(web(f"preview {number}"))
            self.panel.done(pull.tell("opened")["deploymentId"], SECONDS)
            if number != 7:
                pull.tell("closed", state="closed")
        PullRequest(self.panel, self.around.git, id_, 9, fork=True).tell("opened", head="b" * 40)
        self.panel.tell(self.ids["new"], {"ref": "refs/heads/other", "after": "c" * 40}, "push")

    def compose(self, name: str, **services: Mapping[str, Json]) -> str:
        given = {"name": name, "environmentId": self.environment_id, "sourceType": "raw", "healthDeadlineSeconds": 30}
        file = as_file({"kept": {}}, **services)
        self.ids[name] = self.post("compose.create", **given, composeFile=file)["composeId"]
        return self.ids[name]

    def _begun(self, procedure: str, **given: Json) -> None:
        answer = self.panel.client.post(f"/{procedure}", json=given)
        assert answer.status_code == 200, answer.text
        self.panel.ended(answer.headers["x-deployment-id"], SECONDS)

    def _drives(self) -> None:
        """What clients of the API can do, once each; what it needs is made for it."""
        url = git_repository(self.around.folder / "driven", web("driven"))
        stage = Stage(self.panel, url, self.around.apis)
        for name, drive in DRIVES.items():
            tried = name.partition(".")[2].startswith(TRIED)
            if tried and not name.startswith(LEFT_OUT):
                answer = self.panel.client.post(f"/{name}", json=drive(stage))
                assert answer.status_code == 200, (name, answer.text)

    def _strangers(self) -> None:
        """Another organisation, with an application and a compose service of its own."""
        key = self.callers["stranger"] = self.post("organization.create", name=STRANGERS)["apiKey"]

        def made(procedure: str, **given: Json) -> Json:
            answer = self.panel.client.post(f"/{procedure}", json=given, headers={"x-api-key": key})
            assert answer.status_code == 200, answer.text
            return answer.json()

        where = made("project.create", name="theirs")["environment"]["environmentId"]
        theirs = made(
            "application.create", name="theirs", environmentId=where, customGitUrl="https://git.example/x.git"
        )
        made("compose.create", name="theirs", environmentId=where, composeFile="services: {web: {image: debian}}")
        made("domain.create", applicationId=theirs["applicationId"], host="theirs.example")
        made("user.createApiKey", name="theirs")
