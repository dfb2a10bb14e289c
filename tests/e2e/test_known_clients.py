"""The two clients of npm, unchanged, against a real panel: the command line over tRPC and the MCP server over REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.npm_clients import NO_RESULT, Cli, mcp
from tests.support.panel.panel import Panel, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, clients: Path) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("clients") / "data") as started:
        yield started


@pytest.fixture
def cli(clients: Path, running: Panel, tmp_path: Path) -> Cli:
    folder = tmp_path / "cwd"
    folder.mkdir()
    return Cli(clients, running, folder)


def test_the_command_line_takes_a_repository_to_an_address_and_back(cli: Cli, running: Panel, tmp_path: Path) -> None:
    made = cli("project create", name="by the command line", description="d")
    project_id, environment_id = made["project"]["projectId"], made["environment"]["environmentId"]
    application = cli("application create", name="cli-app", environmentId=environment_id, sourceType="git")
    application_id = application["applicationId"]
    _set_up(cli, application_id, git_repository(tmp_path / "repository", web("by cli")))

    assert cli("application deploy", applicationId=application_id, title="a title") == NO_RESULT
    (row,) = cli("deployment all", applicationId=application_id)
    assert row["title"] == "a title"
    deployment_id = row["deploymentId"]
    running.done(deployment_id)
    assert running.visit("cli-app").text == "by cli"

    assert cli("deployment all-by-type", id=application_id, type="application")[0]["status"] == "done"
    assert cli("deployment all-centralized")[0]["application"]["name"] == "cli-app"
    assert cli("deployment queue-list") == []
    assert len(cli("deployment read-logs", deploymentId=deployment_id, tail="3").splitlines()) == 3
    assert cli("application one", applicationId=application_id)["deployments"][0]["deploymentId"] == deployment_id
    assert isinstance(cli("application read-logs", applicationId=application_id, tail="10"), str)
    assert cli("application stop", applicationId=application_id)["applicationId"] == application_id
    assert cli("application start", applicationId=application_id)["applicationId"] == application_id
    assert cli("deployment remove-deployment", deploymentId=deployment_id)["deploymentId"] == deployment_id
    assert cli("application clear-deployments", applicationId=application_id) is True
    assert cli("application delete", applicationId=application_id)["applicationId"] == application_id
    assert cli("project remove", projectId=project_id)["projectId"] == project_id


def test_the_command_line_ends_what_waits_and_what_runs(cli: Cli, running: Panel, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "repository", web("slow"))
    application_id = running.application(url, "cli-slow", buildCommand="echo begun; sleep 300")
    killed = _running(cli, running, application_id)
    assert cli("deployment kill-process", deploymentId=killed) == NO_RESULT
    assert (running.one(killed)["status"], running.one(killed)["reason"]) == ("error", "killed")

    for command, reason in (("cancel-deployment", "cancelled"), ("kill-build", "killed")):
        active = _running(cli, running, application_id)
        cli(f"application {command}", applicationId=application_id)
        assert running.ended(active)["reason"] == reason

    active = _running(cli, running, application_id)
    cli("application redeploy", applicationId=application_id)
    assert {job["state"] for job in cli("deployment queue-list")} == {"active", "waiting"}
    cli("application clean-queues", applicationId=application_id)
    assert [job["id"] for job in cli("deployment queue-list")] == [active]
    cli("deployment kill-process", deploymentId=active)


def test_the_command_line_keeps_projects_and_environments(cli: Cli) -> None:
    project_id = cli("project create", name="kept")["project"]["projectId"]
    assert cli("project update", projectId=project_id, name="renamed")["name"] == "renamed"
    assert project_id in {each["projectId"] for each in cli("project all")}
    made = cli("environment create", name="staging", projectId=project_id)
    environment_id = made["environmentId"]
    assert cli("environment update", environmentId=environment_id, description="d")["description"] == "d"
    assert cli("environment one", environmentId=environment_id)["project"]["name"] == "renamed"
    assert len(cli("environment by-project-id", projectId=project_id)) == 2
    assert cli("environment remove", environmentId=environment_id)["environmentId"] == environment_id
    assert len(cli("project one", projectId=project_id)["environments"]) == 1


def test_the_command_line_asks_the_panel_about_itself(cli: Cli) -> None:
    assert cli("settings health") == {"status": "ok"}
    assert cli("settings get-dokploy-version").startswith("v")
    assert cli("settings get-open-api-document")["openapi"] == "3.1.0"
    assert cli("user get")["role"] == "owner"
    key = cli("ssh-key create", name="k", description="", privateKey="", publicKey="", organizationId="x")
    assert cli("ssh-key one", sshKeyId=key["sshKeyId"])["name"] == "k"
    assert cli("ssh-key remove", sshKeyId=key["sshKeyId"])["name"] == "k"
    assert cli("ssh-key generate", type="ed25519")["publicKey"].startswith("ssh-ed25519 ")


def test_the_command_line_hears_of_failures(cli: Cli) -> None:
    for command, options, status in (
        ("application one", {"applicationId": "nope"}, "404"),
        ("deployment all", {"applicationId": "nope"}, "404"),
        ("deployment all-by-server", {"serverId": "nope"}, "404"),
        ("deployment all-by-compose", {"composeId": "nope"}, "404"),
        ("deployment all-by-type", {"id": "nope", "type": "banana"}, "400"),
        ("deployment kill-process", {"deploymentId": "nope"}, "404"),
        ("docker get-config", {"containerId": "x"}, "404"),
    ):
        ended = cli.run(command, **options)
        assert (ended.returncode, f"status code {status}" in ended.stderr) == (1, True), (command, ended.stderr)


def test_the_mcp_server_drives_the_panel(clients: Path, running: Panel, tmp_path: Path) -> None:
    with mcp(clients, running, DOKPLOY_TOOL_PRESET="deploy") as call:
        project_id = call("project-create", name="by mcp")["project"]["projectId"]
        (within,) = call("project-one", projectId=project_id)["environments"]  # "environment" it takes for a secret
        made = call("application-create", name="mcp-app", environmentId=within["environmentId"], sourceType="git")
        url = git_repository(tmp_path / "repository", web("by mcp"))
        given = {"applicationId": made["applicationId"]}
        call("application-update", **given, sourceType="git", customGitUrl=url)
        call("application-deploy", **given, title="over MCP")
        (row,) = call("deployment-all", **given)
        assert row["title"] == "over MCP"
        running.done(row["deploymentId"])
        assert running.visit("mcp-app").text == "by mcp"
        assert call("deployment-allByType", id=made["applicationId"], type="application")[0]["status"] == "done"
        assert call("deployment-readLogs", deploymentId=row["deploymentId"], tail=5)
        assert call("application-one", **given)["applicationStatus"] == "done"
        assert call("application-stop", **given)["applicationId"] == made["applicationId"]
        call("application-delete", **given)


def _set_up(cli: Cli, application_id: str, url: str) -> None:
    common = {"applicationId": application_id}
    git = {"customGitUrl": url, "customGitBranch": "main", "customGitBuildPath": "/", "watchPaths": "[]"}
    assert cli("application save-git-provider", **common, **git) is True
    built = {"buildType": "nixpacks", "dockerfile": "x", "dockerContextPath": "x", "dockerBuildStage": "x"}
    versions = {"herokuVersion": "24", "railpackVersion": "0.15.4"}
    assert cli("application save-build-type", **common, **built, **versions) is True
    env = {"env": "A=1", "buildArgs": "x", "buildSecrets": "x", "createEnvFile": True}
    assert cli("application save-environment", **common, **env) is True
    assert cli("application update", **common, description="set up") is True


def _running(cli: Cli, running: Panel, application_id: str) -> str:
    """A new deployment of this application, once it runs."""
    cli("application deploy", applicationId=application_id)
    newest: str = cli("deployment all", applicationId=application_id)[0]["deploymentId"]
    running.running(newest, "begun")
    return newest
