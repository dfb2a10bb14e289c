"""Where the log of a deployment and the files beside it lie."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from pathlib import Path

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NoSuchLogName(InvalidInput):
    """What was given as a deployment's id cannot be one."""


@dataclass(frozen=True, slots=True)
class LogPaths:
    """The folder of all logs. Paths are made from ids only, and from nothing that is not an id."""

    root: Path

    def log(self, deployment_id: str) -> Path:
        """The plain text file that ``logPath`` names. Raises NoSuchLogName."""
        if not _ID.fullmatch(deployment_id):
            raise NoSuchLogName("A deployment's id has 1 to 64 letters, digits, hyphens and underscores.")
        return self.root / f"{deployment_id}.log"

    def checkpoint(self, deployment_id: str) -> Path:
        """The file that says how far spool and log correspond. Raises NoSuchLogName."""
        return checkpoint_beside(self.log(deployment_id))

    def steps(self, deployment_id: str) -> Path:
        """The file of steps with their places in the log. Raises NoSuchLogName."""
        return steps_beside(self.log(deployment_id))

    def lines(self, deployment_id: str) -> Path:
        """The index of the log's lines. Raises NoSuchLogName."""
        return lines_beside(self.log(deployment_id))

    def prepare(self) -> None:
        """Makes the folder, which only its owner may enter; no error if it exists."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def note_unstarted(self, deployment_id: str, message: str) -> None:
        """Makes the log of a deployment that has ended without ever running, and says there why. What keeps it from
        that, a full disk for instance, keeps nothing from its end. Raises NoSuchLogName.
        """
        with suppress(OSError):
            made = os.open(self.log(deployment_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(made, "w", encoding="utf-8") as file:
                file.write(f"{message}\n")

    async def remove(self, deployment_id: str) -> None:
        """Removes the log and all beside it; no error when it is gone. Raises NoSuchLogName."""
        await asyncio.to_thread(_remove_all, self.log(deployment_id))


def checkpoint_beside(log: Path) -> Path:
    """The checkpoint of a log."""
    return log.with_name(f"{log.name}.checkpoint")


def steps_beside(log: Path) -> Path:
    """The sidecar of a log that holds its steps."""
    return log.with_name(f"{log.name}.steps")


def lines_beside(log: Path) -> Path:
    """The index of a log's lines."""
    return log.with_name(f"{log.name}.lines")


def draft_beside(file: Path) -> Path:
    """Where the next content of a file is written before it is renamed into place."""
    return file.with_name(f"{file.name}.new")


def _remove_all(log: Path) -> None:
    checkpoint, lines = checkpoint_beside(log), lines_beside(log)
    # The index goes first: left alone, it would be taken for that of a log that comes. And last: whoever has just made
    # one for a log that was there makes none after that.
    for file in (lines, log, steps_beside(log), checkpoint, draft_beside(checkpoint), draft_beside(lines), lines):
        file.unlink(missing_ok=True)
