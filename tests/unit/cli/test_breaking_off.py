"""What one is told who breaks off following, or loses the panel: that it goes on, and how to follow and to end it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from headway.cli import client as client_module
from headway.cli import follower
from headway.cli.main import build
from tests.support.panel.answering import STARTED, Answer, Break, answering

KEPT = [{"path": "a/b.gz", "createdAt": "2026-01-01T00:00:00Z", "destinationId": None, "bytes": 1}]
ANSWERS: dict[str, Answer] = {
    "backup.all": [
        {"name": "nightly", "backupId": "b1", "backupType": "database", "databaseType": "web-server", "database": "x"}
    ],
    "backup.files": KEPT,
    "volumeBackups.list": [{"name": "nightly", "volumeBackupId": "v1", "volumeName": "vol", "appName": "shop"}],
    "volumeBackups.files": KEPT,
    "schedule.list": lambda asked: [{"name": "nightly", "scheduleId": "s1"}] if "id" not in asked else [],
    "server.all": [{"name": "nightly", "serverId": "m1"}],
    "project.all": [
        {
            "name": "p",
            "environments": [
                {"applications": [{"applicationId": "a1", "name": "shop"}], "compose": []}
                | {kind: [] for kind in ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")}
            ],
        }
    ],
    **dict.fromkeys(("backup.manualBackupWebServer", "backup.restoreBackupWithLogs", "backup.drill"), None),
    **dict.fromkeys(("volumeBackups.runManually", "volumeBackups.restoreVolumeBackupWithLogs"), None),
    **dict.fromkeys(("schedule.runManually", "server.setup"), None),
    "deployment.follow": Break(),
}
FOLLOWING = [
    ("backups run nightly", "backup"),
    ("backups restore nightly", "restore"),
    ("backups drill nightly", "trial"),
    ("volume-backups run nightly", "backup"),
    ("volume-backups restore nightly --yes", "restore"),
    ("schedules run nightly", "run"),
    ("servers setup nightly", "preparation"),
]


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("command", "noun"), FOLLOWING)
@pytest.mark.parametrize("interrupted", [True, False])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_who_breaks_off_hears_that_it_goes_on_and_how_to_end_it(
    command: str,
    noun: str,
    more: list[str],
    interrupted: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_PATIENCE_SECONDS", 0.05)
    if interrupted:
        monkeypatch.setattr(follower, "watch", interrupt)
    with answering(ANSWERS) as panel:
        done = CliRunner().invoke(build(command.split(maxsplit=1)[0]), [*command.split(), *more], env=panel.env)
    assert done.exit_code == (130 if interrupted else 4), done.output
    assert f"The {noun} goes on." in done.stderr
    assert f"headway deployments logs -f {STARTED}" in done.stderr
    assert f"headway deployments cancel {STARTED}" in done.stderr
    assert done.stdout == ""
