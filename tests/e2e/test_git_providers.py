"""A private repository behind a git provider, fetched with what holds for an hour and is then in no file and no log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sources.servers import HttpGit, serve_http
from tests.support.forges.forge_apis import APP_ID, INSTALLATION_ID, INSTALLATION_TOKEN, TOKEN, Api, app_key, forge_api
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, commit, git, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("providers") / "data") as started:
        yield started


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A repository below a folder of its owner's; the clone in which people work on it."""
    git_repository(tmp_path / "clone", web("one"))
    (tmp_path / "served/team").mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", "--bare", str(tmp_path / "clone"), str(tmp_path / "served/team/app.git"))
    return tmp_path


def connected(running: Panel, api: Api, host: HttpGit) -> tuple[str, str]:
    """An application by a GitHub app; the ids of both."""
    made = running.post(
        "github.create",
        name="app",
        githubUrl=host.url,
        apiUrl=api.url,
        githubAppId=APP_ID,
        githubInstallationId=INSTALLATION_ID,
        githubPrivateKey=app_key(api.facts),
    )
    environment_id = running.post("project.create", name="provided")["environment"]["environmentId"]
    application_id = running.post("application.create", name="provided", environmentId=environment_id)["applicationId"]
    place = {"owner": "team", "repository": "app", "branch": "main", "githubId": made["githubId"]}
    running.post("application.saveGithubProvider", applicationId=application_id, **place)
    return application_id, made["githubId"]


def holding(folder: Path, secret: str) -> list[Path]:
    """The files below a folder that hold a text."""
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_a_github_app_opens_a_private_repository_and_leaves_its_token_nowhere(running: Panel, private: Path) -> None:
    login = f"x-access-token:{INSTALLATION_TOKEN}_1"
    with forge_api("github") as api, serve_http(private / "served", login=login) as host:
        application_id, provider_id = connected(running, api, host)
        deployment_id = running.deploy(application_id)
        running.done(deployment_id)
        assert running.visit("provided").text == "one"
        assert len(host.asked) >= 2, "the repository asks for a login"
        assert INSTALLATION_TOKEN not in running.deployment_log(deployment_id) + running.log()
        assert holding(running.data_dir, INSTALLATION_TOKEN) + holding(running.work, INSTALLATION_TOKEN) == []

        # The forge no longer knows the app: nothing changes but the deployment, which says so.
        api.facts.failing = (401, {}, b'{"message":"A JSON web token could not be decoded"}')
        commit(private / "clone", web("two"), "two")
        running.post("github.update", githubId=provider_id, gitProviderId=provider_id, name="renamed")
        running.stop()
        running.start()
        row = running.ended(running.deploy(application_id))
        assert (row["status"], row["reason"]) == ("error", "failed")
        assert "GitHub does not accept the credentials of this provider" in row["errorMessage"]
        assert running.visit("provided").text == "one"


def test_the_command_line_connects_lists_and_forgets(running: Panel) -> None:
    def headway(*arguments: str, given: str = "") -> str:
        env = {"HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
        ended = run_headway(arguments, env, given=given)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    with forge_api("gitea") as api:
        said = headway("git-providers", "connect", "gitea", "ours", "--api-url", api.url, given=f"{TOKEN}\n")
        assert "ours is connected" in said
        assert headway("git-providers", "test", "ours").strip() == "Found 3 repositories"
        assert "team/app" in headway("git-providers", "repositories", "ours")
        assert "next" in headway("git-providers", "branches", "ours", "team/app")
        listed = json.loads(headway("git-providers", "list", "--json"))
        assert "ours" in [each["name"] for each in listed]
        assert "ours is forgotten" in headway("git-providers", "remove", "ours")
