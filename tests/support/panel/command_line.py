"""The command line without the time in which an interpreter of its own would load it: each command is a process of its
own, forked from one that has loaded everything. What is about the program itself (how it starts, what a terminal or a
signal does) begins it as a person would.

As a program (``python -m tests.support.panel.command_line``) it is the process that is forked, and takes orders from
its input.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_MOST_BYTES = 1 << 20


def run_headway(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path | None = None, *, given: str = "", seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs a command, which is ``given`` this text as its input, and gives what it printed."""
    order = json.dumps([list(arguments), dict(env), str(cwd or Path.cwd())]).encode()
    assert len(order) < _MOST_BYTES
    told, tells = os.pipe()
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        os.fdopen(told, "rb", buffering=0) as ended,
    ):
        source.write(given.encode())
        source.seek(0)
        try:
            socket.send_fds(_loaded()[0], [order], [tells, *(file.fileno() for file in (source, output, errors))])
        finally:
            os.close(tells)
        pid = int(ended.read(16))
        if not select.select([ended], [], [], seconds)[0]:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        status = int(ended.read(16) or b"-9")
        printed = []
        for file in (output, errors):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), status, *printed)


@functools.cache
def _loaded() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process that has loaded everything, and the way to it; it ends when this one does."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
    argv, env = [sys.executable, "-m", "tests.support.panel.command_line"], {"PATH": os.environ["PATH"]}
    with its:
        return mine, subprocess.Popen(argv, cwd=ROOT, env=env, stdin=its.fileno())


def _serve() -> None:
    """Returns in a process of its own for each command, and in the end in this one."""
    import headway.cli as package

    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
    _load_what_is_loaded_late()
    gc.freeze()  # what is loaded is looked through by no command, and its memory stays shared
    orders = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, 4)
        if not order:
            os._exit(0)
        if os.fork() == 0:
            orders.close()
            _wait_beside(*files)
            return _become(*json.loads(order))
        for file in files:
            os.close(file)


def _load_what_is_loaded_late() -> None:
    """A command that finds no panel."""
    from headway.cli.main import main

    os.environ |= {"HEADWAY_URL": "http://127.0.0.1:1", "HEADWAY_API_KEY": "none", "HOME": "/nowhere"}
    sys.argv[1:] = ["apps", "list"]
    with suppress(SystemExit), redirect_stderr(io.StringIO()):
        main()


def _wait_beside(tells: int, *its: int) -> None:
    """Returns in a child that is the command; this process waits for its end and tells of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        os.write(tells, str(pid).encode())
        os.write(tells, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
        os._exit(0)
    os.close(tells)
    for place, file in enumerate(its):
        os.dup2(file, place)
        os.close(file)


def _become(arguments: list[str], env: dict[str, str], cwd: str) -> None:
    """Makes this process what the command finds itself in."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments


if __name__ == "__main__":
    _serve()
    from headway.cli.main import main

    sys.argv[0] = main.__code__.co_filename
    main()
