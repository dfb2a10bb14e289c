"""A process that goes on though its first thread has left: the kernel shows it in the state of one that has ended, and
tells of its files, mounts and variables by its other threads only.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.panel.panel import until

_EXIT = {"x86_64": 60, "aarch64": 93}[platform.machine()]
# One that only waits, in words for a shell.
LED_NO_MORE = f"perl -Mthreads -e 'threads->create(sub {{ sleep 1000 }}); syscall {_EXIT}, 0'"
_LEAVES = f"""
threading.Thread(target=time.sleep, args=(1000,)).start()
print(said, flush=True)
ctypes.CDLL(None).syscall({_EXIT}, 0)
"""


@contextmanager
def led_no_more(
    does: str, env: Mapping[str, str] | None = None, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One that ``does`` this first, in Python; and what it has then ``said``, in a line."""
    program = f"import ctypes, json, os, subprocess, threading, time\nsaid = 'up'\n{does}\n{_LEAVES}"
    argv = (sys.executable, "-c", program, *arguments)
    with subprocess.Popen(argv, env=dict(env or os.environ), stdout=subprocess.PIPE, text=True) as left:
        try:
            assert left.stdout is not None
            said = left.stdout.readline().strip()
            stat = Path(f"/proc/{left.pid}/stat")
            until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z", 5)
            yield left, said
        finally:
            left.kill()
