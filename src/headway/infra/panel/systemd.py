"""systemd on this machine: whether it runs, what it is told, and the files that it reads."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from headway.kernel.errors import HeadwayError

FOLDER = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_SECONDS = 120.0
_ANEW_SECONDS = 30.0
_START_SECONDS = 3_900.0  # a panel asks for an hour (see notify), before which the one that was there has to end


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


def start(*arguments: str, still: Callable[[], None]) -> None:
    """What ``systemctl`` is told that starts something, for as long as it takes: a panel that upgrades its data has
    systemd wait, which ends what does not ask for that. ``still`` is called every half minute of it. Raises
    SystemdRefused.
    """
    command = ("systemctl", *arguments)
    try:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise SystemdRefused(f"'{' '.join(command)}' failed: {error}") from error
    with running:
        try:
            said = _said_until_ended(running, still)
        except BaseException:
            running.kill()  # what asks: systemd goes on with what it was told
            raise
    if said is None:
        raise SystemdRefused(
            f"'{' '.join(command)}' has not ended after {_START_SECONDS / 60:g} minutes. systemd goes on with it: "
            f"'systemctl status {arguments[1]}' tells how far it is."
        )
    if running.returncode:
        raise SystemdRefused(f"'{' '.join(command)}' failed: {said.strip() or f'status {running.returncode}'}")


def _said_until_ended(running: subprocess.Popen[str], still: Callable[[], None]) -> str | None:
    """What it wrote of an error; None where it did not end in time, and is ended."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            return running.communicate(timeout=_ANEW_SECONDS)[1]
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                running.kill()
                return None
            still()


def differing(files: Mapping[Path, str]) -> list[Path]:
    """The files that are not there as they are wanted."""
    return [path for path, text in files.items() if not path.exists() or path.read_text() != text]
