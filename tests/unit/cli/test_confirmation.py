"""Commands that ask before they do it: with --json, standard output is JSON and nothing else."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headway.cli
from headway import first_key
from headway.cli.main import build
from headway.cli.options import DATABASES
from headway.cli.tree import TREE, Command
from tests.support.panel.answering import STARTED, Answer, Events, answering

KEPT = [{"path": "a/b.gz", "createdAt": "2026-01-01T00:00:00Z", "destinationId": None, "bytes": 1}]
RELEASE = {"version": 1, "serves": False, "usable": True, "whyNot": None, "rollbackId": "r1"}
ITEM = {"kind": "image", "serverId": None, "name": "old", "why": "no release has it", "bytes": 5}
INSIDE = {
    "applications": [{"applicationId": "a1", "name": "shop"}],
    "compose": [{"composeId": "c1", "name": "stack"}],
    **{kind: [] for kind in DATABASES},
    "postgres": [{"databaseId": "d1", "postgresId": "d1", "name": "store"}],
}
ANSWERS: dict[str, Answer] = {
    "project.all": [{"projectId": "p1", "name": "p", "environments": [{"name": "production", **INSIDE}]}],
    "backup.all": [
        {"name": "nightly", "backupId": "b1", "backupType": "compose", "databaseType": "x", "database": "x"}
        | {"serviceName": "db"}
    ],
    "backup.overview": [],
    "backup.files": KEPT,
    "volumeBackups.list": lambda asked: (
        [{"name": "nightly", "volumeBackupId": "v1", "volumeName": "vol", "appName": "shop"}]
        if asked["id"] == "a1"
        else []
    ),
    "volumeBackups.files": KEPT,
    "schedule.list": lambda asked: [{"name": "nightly", "scheduleId": "s1"}] if asked.get("id") == "a1" else [],
    "destination.all": [{"name": "store", "destinationId": "t1"}],
    "server.all": [{"name": "far", "serverId": "m1", "hostKeyFingerprint": "SHA256:x"}],
    "server.one": {"hostKeyFingerprint": "SHA256:y"},
    "server.validate": {"problems": [], "facts": {"system": "Linux"}},
    "user.apiKeys": [{"name": "ci", "id": "k1", "start": "abc"}],
    "user.all": [{"userId": "u1", "id": "n1", "user": {"name": "ann", "email": "a@b.example"}}],
    "organization.allInvitations": [],
    "deployment.all": [{"rollback": RELEASE, "rollbackId": "r1"}],
    "deployment.one": {"deploymentId": STARTED, "rollbackId": "r1", "status": "done"},
    "rollback.preview": {
        "now": None,
        "to": {"version": 1, "image": "i"},
        "usable": True,
        "stays": ["Its volumes stay."],
    }
    | {"changes": [{"what": "variable", "name": "A", "secret": False, "before": "1", "after": "2"}]},
    "disk.clean": {"items": [ITEM], "bytes": 5, "servers": []},
    "deployment.follow": Events((("log", "built\n"), ("end", {}))),
    **dict.fromkeys(
        (
            *("application.delete", "compose.delete", "postgres.remove", "project.remove", "schedule.delete"),
            *("backup.remove", "volumeBackups.delete", "destination.remove", "server.update", "server.remove"),
            *("user.deleteApiKey", "user.remove", "rollback.rollback", "rollback.delete"),
            *("backup.restoreBackupWithLogs", "volumeBackups.restoreVolumeBackupWithLogs"),
        ),
        True,
    ),
}
LINES = {
    "apps delete": "shop",
    "composes delete": "stack",
    "databases delete": "store",
    "projects remove": "p",
    "schedules delete": "nightly",
    "backups restore": "nightly --overwrite",
    "backups delete": "nightly",
    "volume-backups restore": "nightly",
    "volume-backups delete": "nightly",
    "destinations remove": "store",
    "servers trust": "far",
    "servers remove": "far",
    "keys remove": "ci",
    "keys reset": "",
    "members remove": "ann",
    "rollback back": "shop",
    "rollback to": STARTED,
    "rollback delete": STARTED,
    "disk clean": "",
}
"""What each of them is given."""


def asking() -> Iterator[str]:
    """Every command that has to be told that nobody is to be asked, and that can answer in JSON."""
    for name, found in TREE.items():
        inside = {"": found} if isinstance(found, Command) else found.commands
        for each, command in inside.items():
            if {"yes", "as_json"} <= inspect.signature(command.load()).parameters.keys():
                yield f"{name} {each}".strip()


def test_each_of_them_is_tried() -> None:
    assert set(asking()) == LINES.keys()


@pytest.mark.parametrize("command", LINES)
def test_what_it_asks_is_no_part_of_its_result(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def replaced(_settings: object) -> tuple[str, list[str]]:
        return "new", []

    monkeypatch.setattr(first_key, "replace", replaced)
    words = [*command.split(), *LINES[command].split(), "--json"]
    with answering(ANSWERS) as panel:
        env = {**panel.env, "HEADWAY_DATA_DIR": str(tmp_path)}
        done = CliRunner().invoke(build(words[0]), words, env=env, input="y\n")
    assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
    json.loads(done.stdout)
    assert "[y/N]:" in done.stderr


def test_nothing_else_asks() -> None:
    folder = Path(headway.cli.__file__).parent
    asks = {path.name for path in folder.rglob("*.py") if "typer.confirm(" in path.read_text()}
    assert asks == {"confirmation.py"}


def test_what_one_is_asked_about_is_seen_before_the_answer() -> None:
    for words in (["disk", "clean", "--json"], ["rollback", "back", "shop", "--json"]):
        with answering(ANSWERS) as panel:
            done = CliRunner().invoke(build(words[0]), words, env=panel.env, input="n\n")
        assert (done.exit_code, done.stdout) == (2, "")
        assert ("old" if words[0] == "disk" else "Its volumes stay.") in done.stderr
        assert not {"rollback.rollback"} & {procedure for procedure, _ in panel.asked}


def test_a_project_whose_services_have_backups_is_left_as_it_is_before_anything_is_asked() -> None:
    rows = [{"name": "nightly", "serviceId": "c1"}, {"name": "ours", "serviceId": None}]
    with answering(ANSWERS | {"backup.overview": rows}) as panel:
        words = ["projects", "remove", "p", "--yes"]
        done = CliRunner().invoke(build(words[0]), words, env=panel.env)
    assert done.exit_code == 1
    assert "nightly of the compose service stack. Nothing was deleted." in done.stderr
    assert {procedure for procedure, _ in panel.asked} == {"project.all", "backup.overview"}
