"""An application that serves ``kept`` and goes on doing so while its next deploys go wrong."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.panel.panel import Panel, git_repository, until, web

# What a test may have changed: all of it goes back to its default.
_DEFAULTS: dict[str, Any] = dict.fromkeys(
    (
        *("customGitBranch", "customGitBuildPath", "customGitSSHKeyId", "buildCommand", "startCommand"),
        *("publishDirectory", "healthCheckPath", "stepSeconds", "inactivitySeconds", "totalSeconds"),
        "memoryLimit",
    )
)
HEALTH_SECONDS = 4


class Kept:
    """The application, its panel, and a folder for repositories."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel = panel
        self.folder = folder
        self.url = git_repository(folder / "kept", web("kept"))
        self.application_id = panel.application(self.url, name="kept")
        self.release_id: str = panel.done(panel.deploy(self.application_id), 60)["deploymentId"]
        self._repositories = 0

    def repository(self, files: dict[str, str], links: dict[str, str] | None = None) -> str:
        """A new repository; its URL."""
        self._repositories += 1
        folder = self.folder / f"repository{self._repositories}"
        folder.mkdir()
        for name, target in (links or {}).items():
            (folder / name).symlink_to(target)
        return git_repository(folder, files)

    def deploy(self, *, env: str = "", **changed: Any) -> str:  # noqa: ANN401 - fields of the wire
        """Queues a deploy with these settings and otherwise the defaults; its id."""
        fields = {**_DEFAULTS, "customGitUrl": self.url, "healthDeadlineSeconds": HEALTH_SECONDS, "env": env, **changed}
        self.panel.post("application.update", applicationId=self.application_id, **fields)
        return self.panel.deploy(self.application_id)

    def fails(self, *words: str, reason: str = "failed", seconds: float = 60, **changed: Any) -> Any:  # noqa: ANN401
        """Deploys, and sees to it that it ends as ``error`` for ``reason``, that the message (and the log's end) has
        all the ``words`` (patterns), that the old release serves and nothing is left; its row.
        """
        deployment_id = self.deploy(**changed)
        row = self.panel.ended(deployment_id, seconds)
        log = self.panel.deployment_log(deployment_id)
        assert (row["status"], row["reason"]) == ("error", reason), (row["errorMessage"], log)
        for word in words:
            assert re.search(word, row["errorMessage"]), row["errorMessage"]
        assert log.rstrip().endswith(f"Deployment {reason}: {row['errorMessage']}")
        self.check_unharmed(deployment_id)
        return row

    def check_unharmed(self, deployment_id: str) -> None:
        """The old release serves, and nothing is left of the deployment but its row and its log."""
        assert self.panel.visit("kept").text == "kept"
        serving = self.rows("SELECT release_id FROM releases WHERE state = 'serving' AND service_id = ?")
        assert serving == [(self.release_id,)]
        left: list[object] = []

        def is_clear() -> bool:
            with contextlib.suppress(FileNotFoundError):  # a folder that goes while it is looked through
                left[:] = self.remains(deployment_id)
                return not left
            return False

        try:
            until(is_clear, 10)
        except AssertionError as error:
            raise AssertionError(f"of the deployment is left: {left}") from error

    def remains(self, deployment_id: str) -> list[object]:
        """Whatever there is of a deployment beside its row and log."""
        data, work = self.panel.data_dir, self.panel.work
        markers = [f"HEADWAY_{kind}_ID={deployment_id}\0".encode() for kind in ("DEPLOYMENT", "RELEASE")]
        places = [
            *(data / "run" / "runs").glob(f"{deployment_id}.*"),
            *(work / "releases").glob(f"*/{deployment_id}"),
            *(work / "native").glob(f"**/*{deployment_id}*"),
            *(name for group in self.panel.groups for name in _folders_below(group) if name.startswith(deployment_id)),
        ]
        found: list[object] = [*places, *(f"process {pid}" for pid in carrying(markers))]
        for table, column in (("releases", "release_id"), ("ports", "release_id")):
            found += self.rows(f"SELECT '{table}', * FROM {table} WHERE {column} = ?", deployment_id)  # noqa: S608
        for table in ("undos", "leases"):
            found += self.rows(f"SELECT '{table}', * FROM {table} WHERE deployment_id = ?", deployment_id)  # noqa: S608
        return found

    def rows(self, statement: str, value: str | None = None) -> list[Any]:
        """What the database says for the application, or for another value."""
        with contextlib.closing(sqlite3.connect(self.panel.data_dir / "headway.db", timeout=10)) as connection:
            return connection.execute(statement, (value or self.application_id,)).fetchall()


def _folders_below(group: Path) -> Iterator[str]:
    """The names of a control group's children, some of which may go meanwhile."""
    return (name for _, names, _ in os.walk(group) for name in names)


def carrying(markers: list[bytes]) -> list[int]:
    """The processes with one of the markers in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            environment = b"\0" + (folder / "environ").read_bytes() if folder.name.isdecimal() else b""
            if any(b"\0" + marker in environment for marker in markers):
                found.append(int(folder.name))
    return found


@contextlib.contextmanager
def kept(folder: Path, **env: str) -> Iterator[Kept]:
    """A panel in a folder, with the application."""
    panel = Panel(folder / "data", **env)
    try:
        yield Kept(panel.start(), folder)
    finally:
        panel.clean_up()


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account may pass through, as pytest's own ones are not."""
    with tempfile.TemporaryDirectory(prefix="headway-open-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
