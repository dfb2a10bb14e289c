"""The power is cut: everything of a panel ends at once, without a word."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
from pathlib import Path

import httpx

from tests.support.panel.panel import Panel


def answer_of(running: Panel, name: str) -> str:
    """What an application says; nothing while the edge is not up."""
    with contextlib.suppress(httpx.TransportError):
        return running.visit(name).text
    return ""


def pull_the_plug(running: Panel) -> None:
    """Ends the panel and everything that it keeps alive at once, as a power cut does."""
    assert running.process is not None
    pids = [running.process.pid, *_pids_of(running)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)  # so that nobody restarts anybody while the others end
    for pid in [*pids, *_pids_of(running)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait()


def _pids_of(running: Panel) -> list[int]:
    """Whatever has the panel's folders in its environment, arguments or working folder."""
    work = os.fsencode((running.data_dir / "work").resolve()), os.fsencode(running.data_dir)
    shelter = [os.fsencode(path) for path in Path("/var/lib/headway-work").glob("*") if _is_of(path, running)]
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            if entry.name.isdecimal() and any(each in text for each in [*work, *shelter]):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def _is_of(path: Path, running: Panel) -> bool:
    """Whether a folder beside the data directory is this panel's."""
    return path.name == hashlib.sha256(str(running.data_dir.resolve()).encode()).hexdigest()[:16]
