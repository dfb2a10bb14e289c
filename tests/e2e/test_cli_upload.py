"""A folder that no git repository holds, from the command line to an address, and what a deploy would make of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY, environment, headway, succeed
from tests.support.panel.panel import Panel, commit, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def test_a_folder_in_no_repository_is_uploaded_and_serves(running: Panel, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for name, text in {**web("one"), "node_modules/left.js": "x"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    done = headway(running, "deploy", cwd=folder)

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stderr.startswith(f"Uploading 2 files of {folder} (")
    assert "without node_modules" in done.stderr
    assert running.visit("plain").text == "one"

    (folder / "app.py").write_text(web("two")["app.py"])
    row = json.loads(succeed(running, "deploy", str(folder), "--title", "mine", "--json", "-e", "A=1"))
    assert (row["status"], row["title"]) == ("done", "mine")
    assert running.visit("plain").text == "two"

    shown = succeed(running, "apps", "detect", "plain")
    assert "Start: web" in shown
    tried = json.loads(succeed(running, "apps", "detect", "plain", "--start-command", "sleep 1", "--json"))
    assert tried["problem"] is None

    (folder / "Procfile").unlink()
    (folder / "app.py").rename(folder / "README")
    failed = headway(running, "deploy", str(folder))
    assert (failed.returncode, "No way to build this was found" in failed.stderr) == (1, True)
    looked = headway(running, "apps", "detect", "plain")
    assert (looked.returncode, "Problem" in looked.stdout) == (1, True), looked.stdout


@pytest.mark.root
def test_what_was_committed_is_sent_to_a_panel_that_does_not_see_the_same_files(running: Panel, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    git_repository(folder, {**web("committed"), "shop/index.html": "the shop"})
    (folder / "app.py").write_text(web("not committed")["app.py"])
    # As behind the end of a tunnel: the address is this machine's, and the files are not.
    apart = subprocess.run(
        ["unshare", "--mount", *HEADWAY, "deploy"],
        env=environment(running),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert apart.returncode == 0, (apart.stdout, apart.stderr)
    assert f"Uploading what was committed to {folder} as " in apart.stderr
    assert "not committed and will not be deployed" in apart.stderr
    assert running.visit("elsewhere").text == "committed"
    (row,) = json.loads(succeed(running, "deployments", "list", "--application", "elsewhere", "--json"))
    assert row["title"] == "first commit"
    assert running.get("application.one", applicationId=row["applicationId"])["sourceType"] == "drop"

    commit(folder, web("fetched"), "Second")
    assert "Uploading" not in headway(running, "deploy", cwd=folder).stderr, "it is here, and fetches"
    assert running.visit("elsewhere").text == "fetched"


def test_who_may_not_have_a_folder_of_the_machine_fetched_sends_what_was_committed(
    running: Panel, tmp_path: Path
) -> None:
    git_repository(tmp_path / "sent", web("sent"))
    running.post("project.create", name="of the admin")
    token = running.post("organization.inviteMember", email="adm@example.org", role="admin")["token"]
    key = running.post("organization.acceptInvitation", token=token)["key"]

    deployed = headway(running, "deploy", "--project", "of the admin", cwd=tmp_path / "sent", HEADWAY_API_KEY=key)

    assert deployed.returncode == 0, (deployed.stdout, deployed.stderr)
    assert "Uploading what was committed" in deployed.stderr
    assert running.visit("sent").text == "sent"


def test_what_the_panel_ignores_is_told_by_the_command(running: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    from headway.cli.client import Client
    from headway.cli.target import Target

    said: list[str] = []
    monkeypatch.setattr("headway.cli.output.warn", said.append)
    target = Target(url=f"http://127.0.0.1:{running.port}", key=running.env["HEADWAY_API_KEY"], key_origin="a test")
    with Client(target) as client:
        client.post("project.create", {"name": "told", "descriptoin": "x"})
    assert said == [
        (
            f"warning: the panel at {target.url} does not know what project.create was given as descriptoin, and "
            "ignored it: it may be older than this command."
        )
    ]
