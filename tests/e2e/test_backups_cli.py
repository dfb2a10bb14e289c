"""Destinations, backups and volume backups through the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_compose_cli import typed
from tests.support.panel.panel import Panel, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


def test_headways_own_data_is_kept_where_it_is_told_to(running: Panel) -> None:
    assert typed(running, "destinations", "create", "here")[1].startswith("here is made (")
    assert typed(running, "destinations", "test", "here")[:2] == (0, "here works\n")
    bad = ("destinations", "create", "there", "--provider", "AWS", "--bucket", "b", "--endpoint", "http://127.0.0.1:1")
    assert "does not answer" in typed(running, *bad)[2]
    made = ("backups", "create", "own", "--kind", "web-server", "--to", "here", "--cron", "0 3 * * *", "--keep", "2")
    assert typed(running, *made)[1].startswith("own is made (")
    assert "Nothing has been kept yet" in typed(running, "backups", "restore", "own")[2]
    status, out, err = typed(running, "backups", "run", "own")
    assert (status, "read back and found whole" in out) == (0, True), out + err
    (file,) = json.loads(typed(running, "backups", "files", "own", "--json")[1])
    assert file["path"] in typed(running, "backups", "files", "own")[1]
    listed = typed(running, "backups", "list")[1]
    assert "Headway itself" in listed
    assert "0 3 * * *" in listed
    status, _, err = typed(running, "backups", "restore", "own", "--yes")
    assert (status != 0, "headway restore FILE" in err) == (True, True), err
    assert typed(running, "backups", "delete", "own", "--yes")[0] == 0
    assert typed(running, "destinations", "remove", "here", "--yes")[0] == 0
    assert "There is no backup own" in typed(running, "backups", "run", "own")[2]
    nowhere = ("backups", "create", "x", "--kind", "postgres", "--database", "d")
    assert "Say where the server is" in typed(running, *nowhere)[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root")
def test_a_data_folder_is_restored_once_it_was_said_what_that_replaces(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repository", web("one")), "kept")
    running.done(running.deploy(application_id))
    data = running.work / "data" / application_id
    data.mkdir(exist_ok=True)
    (data / "word").write_text("as kept")
    made = ("volume-backups", "create", "words", "--app", "kept", "--volume", "data", "--stop")
    assert typed(running, *made)[1].startswith("words is made (")
    assert typed(running, "volume-backups", "run", "words")[0] == 0
    (data / "word").write_text("changed")
    status, _, err = typed(running, "volume-backups", "restore", "words")
    assert (status != 0, "All that is in the volume data of kept is replaced" in err) == (True, True), err
    assert (data / "word").read_text() == "changed"
    status, out, err = typed(running, "volume-backups", "restore", "words", "--yes")
    assert (status, "which is in use" in out) == (0, True), out + err
    assert (data / "word").read_text() == "as kept"
    until(lambda: running.visit("kept").status_code == 200)
    assert "words" in typed(running, "volume-backups", "list")[1]
    assert typed(running, "volume-backups", "files", "words")[0] == 0
    assert typed(running, "volume-backups", "delete", "words", "--yes")[0] == 0
