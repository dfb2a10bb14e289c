"""A run's folder on its host: what the anchor keeps there, and how it is read when the anchor is no more."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

from headway.infra.hosts.base import Exit
from headway.infra.hosts.wire import read_exit
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"([A-Za-z0-9_-]{1,64})\.(\d{1,18})")


def check_id(text: str) -> str:
    """The id itself. Raises InvalidInput when it could not be a part of a path."""
    if not _ID.fullmatch(text):
        msg = f"{text!r} is not an identifier: letters, digits, _ and -, at most 64."
        raise InvalidInput(msg)
    return text


def run_name(deployment_id: str, epoch: int) -> str:
    """The name of a run: of its folder and of its control group."""
    return f"{check_id(deployment_id)}.{epoch}"


def split_run_name(name: str) -> tuple[str, int] | None:
    """Deployment and epoch of a run by its name, None when it is no such name."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run; every method blocks."""

    path: Path

    @property
    def spool(self) -> Path:
        """The raw output."""
        return self.path / "spool"

    @property
    def never_started(self) -> bool:
        """Whether the anchor said that it ended without ever having had a go-ahead."""
        return (self.path / "never_started").exists()

    @property
    def has_started(self) -> bool:
        """Whether a first command was about to start, or nobody can know."""
        return (self.path / "started").exists() or not self.path.exists()

    def read(self, offset: int, limit: int) -> bytes:
        """Output from an offset, b"" where there is none."""
        with suppress(FileNotFoundError), self.spool.open("rb", buffering=0) as spool:
            return os.pread(spool.fileno(), limit, offset)
        return b""

    def size(self) -> int:
        """How many bytes of output there are."""
        with suppress(FileNotFoundError):
            return self.spool.stat().st_size
        return 0

    def exits(self) -> dict[str, Exit]:
        """The recorded ends by the names of their commands."""
        found = {}
        with suppress(FileNotFoundError):
            for file in (self.path / "exits").glob("*.exit"):
                # A power cut may leave a file without its content; it is no record.
                with suppress(ValueError):
                    found[os.fsdecode(unquote_to_bytes(file.name.removesuffix(".exit")))] = read_exit(file.read_bytes())
        return found

    def identity(self) -> tuple[int, int, str] | None:
        """Pid, start time and boot id of the anchor, None when it did not get as far as to note them."""
        with suppress(FileNotFoundError, ValueError):
            pid, start_time, boot_id = (self.path / "handle").read_text().split()
            return int(pid), int(start_time), boot_id
        return None

    def cgroups(self) -> list[Path]:
        """The control groups that the anchor made."""
        with suppress(FileNotFoundError):
            return [Path(line) for line in (self.path / "cgroups").read_text().splitlines() if line.startswith("/")]
        return []

    def complaints(self) -> str:
        """What the anchor itself had to complain about."""
        with suppress(FileNotFoundError):
            return (self.path / "anchor.err").read_text(errors="replace").strip()
        return ""

    def remove(self) -> None:
        """Removes the folder with all that is in it."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path)
