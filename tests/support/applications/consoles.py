"""Somebody before a command inside an application, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

HIDING = "(setsid sleep {0} &)\nenv -i setsid sleep {0} </dev/null >/dev/null 2>&1 &\nsleep {0} &\necho up\nsleep {0}"


def way_to(port: int, key: str) -> Mapping[str, str]:
    """The variables by which the command line finds a panel."""
    return {"HEADWAY_URL": f"http://127.0.0.1:{port}", "HEADWAY_API_KEY": key, "PATH": os.environ["PATH"]}


@contextmanager
def sitting(
    way: Mapping[str, str], app: str, *command: str, stream: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which ends with the block; its streams are all this one, or pipes."""
    argv = (sys.executable, "-m", "headway.cli.main", "apps", "exec", app, "--", *command)
    with subprocess.Popen(argv, env=dict(way), stdin=stream, stdout=stream, stderr=stream) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """What it says first."""
    assert process.stdout is not None
    return process.stdout.readline()
