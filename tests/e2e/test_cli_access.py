"""Keys, members and the audit log on the command line, against a panel that runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY, environment, headway, succeed
from tests.support.panel.panel import Panel, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("panel")
    with panel(folder / "data") as started:
        started.application(git_repository(folder / "repository", web("w")), "shop")
        yield started


def join(of: Panel, config: Path, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADWAY, "login", f"http://127.0.0.1:{of.port}", "--invitation", *arguments],
        env=environment(of, HEADWAY_URL="", HEADWAY_API_KEY="", XDG_CONFIG_HOME=str(config)),
        input=f"{token}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_narrow_key_does_what_it_is_for_and_is_taken_away(running: Panel) -> None:
    project = running.get("project.all")[-1]["projectId"]  # the oldest, in which the application lies
    narrow = ("--scope", "deploy", "--scope", "read", "--project", project, "--expires", "1d")
    made = headway(running, "keys", "create", "ci", *narrow)
    key = made.stdout.strip()
    assert (len(key), "good for read, deploy in 1 project" in made.stderr) == (64, True)
    assert key not in succeed(running, "keys", "list")
    assert headway(running, "apps", "show", "shop", HEADWAY_API_KEY=key).returncode == 0
    refused = headway(running, "projects", "create", "x", HEADWAY_API_KEY=key)
    assert (refused.returncode, "needs a key with the scope admin" in refused.stderr) == (3, True)

    assert succeed(running, "keys", "remove", "ci", "--yes") == "The key ci works no more\n"
    assert headway(running, "apps", "list", HEADWAY_API_KEY=key).returncode == 3
    assert headway(running, "keys", "remove", "ci", "--yes").returncode == 5


def test_a_time_that_is_none_is_refused(running: Panel) -> None:
    refused = headway(running, "keys", "create", "n", "--expires", "soon")
    assert (refused.returncode, "it takes a time such as" in refused.stderr) == (2, True)


def test_a_member_is_invited_joins_is_given_an_application_and_goes(running: Panel, tmp_path: Path) -> None:
    invited = headway(running, "members", "invite", "mia@example.org")
    assert f"headway login http://127.0.0.1:{running.port} --invitation" in invited.stderr
    assert "(invited)" in succeed(running, "members", "list")
    done = join(running, tmp_path, invited.stdout.strip(), "--name", "Mia")
    assert (done.returncode, "as Mia (member)" in done.stdout) == (0, True), done.stderr

    def mia(*arguments: str) -> subprocess.CompletedProcess[str]:
        return headway(running, *arguments, HEADWAY_URL="", HEADWAY_API_KEY="", XDG_CONFIG_HOME=str(tmp_path))

    assert mia("apps", "show", "shop").returncode == 5
    assert succeed(running, "members", "access", "mia@example.org", "--app", "shop") == "Mia (member): shop\n"
    assert mia("apps", "show", "shop").returncode == 0
    assert succeed(running, "members", "access", "Mia", "--nothing") == "Mia (member): nothing\n"
    assert mia("apps", "show", "shop").returncode == 5
    assert succeed(running, "members", "role", "Mia", "admin") == "Mia is admin now\n"
    assert mia("apps", "show", "shop").returncode == 0
    assert succeed(running, "members", "remove", "Mia", "--yes") == "Mia is removed\n"
    assert mia("apps", "list").returncode == 3


def test_an_invitation_is_taken_back(running: Panel, tmp_path: Path) -> None:
    token = json.loads(succeed(running, "members", "invite", "ada@example.org", "--json"))["token"]
    assert succeed(running, "members", "remove", "ada@example.org", "--yes") == "ada@example.org is removed\n"
    assert join(running, tmp_path, token).returncode == 5


def test_the_audit_log_tells_who_has_changed_what(running: Panel) -> None:
    project_id = json.loads(succeed(running, "projects", "create", "audited", "--json"))["project"]["projectId"]
    shown = succeed(running, "audit", f"--subject={project_id}")
    assert ["project.create" in shown, "audited" in shown, "owner" in shown] == [True] * 3
    rows = json.loads(succeed(running, "audit", "--procedure", "project.create", "--limit", "1", "--json"))["logs"]
    assert [row["resourceId"] for row in rows] == [project_id]
    assert headway(running, "audit", "--action", "nonsense").returncode != 0
