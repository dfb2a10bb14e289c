"""systemd on this machine: whether it runs, what it is told, and the files that it reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from headway.kernel.errors import HeadwayError

FOLDER = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_SECONDS = 120.0


class SystemdRefused(HeadwayError):
    """systemd did not do what it was told."""


def runs_here() -> bool:
    """Whether this machine is run by systemd; having its programs is not enough."""
    return _BOOTED.is_dir() and shutil.which("systemctl") is not None


def version() -> int | None:
    """The version of the programs that are there, None where there are none."""
    if shutil.which("systemctl") is None:
        return None
    found = re.match(r"systemd (\d+)", control("--version"))
    return int(found[1]) if found else None


def control(*arguments: str) -> str:
    """What ``systemctl`` says. Raises SystemdRefused."""
    command = ("systemctl", *arguments)
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdRefused(f"'{' '.join(command)}' failed: {error}") from error
    if ended.returncode:
        raise SystemdRefused(f"'{' '.join(command)}' failed: {ended.stderr.strip() or f'status {ended.returncode}'}")
    return ended.stdout


def differing(files: Mapping[Path, str]) -> list[Path]:
    """The files that are not there as they are wanted."""
    return [path for path, text in files.items() if not path.exists() or path.read_text() != text]
