"""The command line without the time in which an interpreter of its own would load it: each command, a panel too, is a
process of its own, forked from one that has loaded everything. What is about the program itself (how it starts, what a
terminal or a signal does) begins it as a person would.

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
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HEADWAY = "headway.cli.main"
_MOST_BYTES = 1 << 20
_TOLD_BYTES = 12
_ONE_BY_ONE = threading.Lock()  # threads that begin their first command at once are to load once
_RUN_BY_PATH = "headway.infra.db.migrations."
# What a panel loads with its first call, server or following.
_OF_OTHERS = ("asyncssh", "uvicorn.protocols.websockets.websockets_sansio_impl")


class Command:
    """A command that was begun, of which the process beside it tells; it is asked as a ``subprocess.Popen`` is."""

    def __init__(self, arguments: Sequence[str], told: int) -> None:
        self.args = list(arguments)
        self._told = told
        weakref.finalize(self, os.close, told)
        self.pid = _number(told)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its status, None while it runs."""
        return self._looked(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its status, once it has ended. Raises TimeoutExpired."""
        if self._looked(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._looked(0) or 0

    def send_signal(self, number: int) -> None:
        """Sends it a signal; none where it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _looked(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            self.returncode = _number(self._told)
        return self.returncode


def begin(
    module: str, arguments: Sequence[str], env: Mapping[str, str], files: Sequence[int], cwd: Path, *, apart: bool
) -> Command:
    """Begins a module as a program, with these files as its input, output and errors; ``apart`` has it lead a session
    of its own.
    """
    order = json.dumps([module, list(arguments), dict(env), str(cwd), apart]).encode()
    assert len(order) < _MOST_BYTES
    with _ONE_BY_ONE:
        way, _ = _loaded(str(Path("/proc/thread-self/ns/net").readlink()))
    told, tells = os.pipe()
    try:
        socket.send_fds(way, [order], [tells, *files])
    finally:
        os.close(tells)
    return Command(arguments, told)


def run_headway(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path | None = None, *, given: str = "", seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs a command, which is ``given`` this text as its input, and gives what it printed."""
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        source.write(given.encode())
        source.seek(0)
        files = [file.fileno() for file in (source, output, errors)]
        begun = begin(HEADWAY, arguments, env, files, cwd or Path.cwd(), apart=False)
        try:
            status = begun.wait(seconds)
        except subprocess.TimeoutExpired:
            begun.send_signal(signal.SIGKILL)
            raise
        printed = []
        for file in (output, errors):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), status, *printed)


@functools.cache
def _loaded(_network: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process that has loaded everything, in the network of who asks, and the way to it; it ends when this one
    does.
    """
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
    argv, env = [sys.executable, "-m", "tests.support.panel.command_line"], {"PATH": os.environ["PATH"]}
    with its:
        # A signal from the terminal is for the tests alone, which end what they have begun.
        return mine, subprocess.Popen(argv, cwd=ROOT, env=env, stdin=its.fileno(), start_new_session=True)


def _number(told: int) -> int:
    """What was told; of who was killed with everything else, -9."""
    return int(os.read(told, _TOLD_BYTES) or b"-9")


def _tell(tells: int, number: int) -> None:
    os.write(tells, str(number).rjust(_TOLD_BYTES).encode())


def _serve() -> str:
    """Returns in a process of its own for each command, with the module that it is."""
    import headway as package

    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(_RUN_BY_PATH):
            importlib.import_module(found.name)
    for name in _OF_OTHERS:
        importlib.import_module(name)
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
        _tell(tells, pid)
        _tell(tells, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    os.close(tells)
    for place, file in enumerate(its):
        os.dup2(file, place)
        os.close(file)


def _become(module: str, arguments: list[str], env: dict[str, str], cwd: str, apart: bool) -> str:  # noqa: FBT001
    """Makes this process what the command finds itself in; its module."""
    if apart:
        os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments
    return module


if __name__ == "__main__":
    if (begun := _serve()) != HEADWAY:
        runpy.run_module(begun, run_name="__main__", alter_sys=True)
        sys.exit()
    from headway.cli.main import main

    sys.argv[0] = main.__code__.co_filename
    main()
