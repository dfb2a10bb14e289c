"""Keeps one program up where nothing else does: starts it again whenever it ends, until it is itself asked to end.

It runs as a script and imports nothing but the standard library: ``python -I -S minder.py JOURNAL PROGRAM COMMAND …``,
where the command becomes the program, or is it.
Each end is a line of the journal. When it dies, however that is, the program dies too: nobody else would know of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_ASKED = frozenset({signal.SIGTERM, signal.SIGINT})
_AWAITED = _ASKED | {signal.SIGCHLD}
_COMES_UP_SECONDS = 3.0  # what exits sooner at first will not come up, and whoever started it waits to hear that
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """The exit status: 0 when it was asked to end, 1 when the program does not come up, or was taken away."""
    journal, program, *argv = arguments
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    pause, starts = _FIRST_PAUSE, 0
    while True:
        began = time.monotonic()
        code = await_end(start(argv))
        lived = time.monotonic() - began
        starts += 1
        if code is None:
            return 0
        if (starts == 1 and code >= 0 and lived < _COMES_UP_SECONDS) or not os.access(program, os.X_OK):
            return 1
        note(journal, f"status {code}" if code >= 0 else signal.Signals(-code).name)
        pause = _FIRST_PAUSE if lived > _STEADY_SECONDS else min(pause * 2, _LONGEST_PAUSE)
        if signal.sigtimedwait(_ASKED, pause) is not None:
            return 0


def start(argv: list[str]) -> int:
    """The program's pid."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent()
        if os.getppid() == parent:  # else it has died before it could be said what becomes of us then
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            os.execv(argv[0], argv)  # noqa: S606 - an argument list of our own
    finally:
        os._exit(127)


def die_with_parent() -> None:
    """As far as this Python can: that of a small system may lack the module."""
    with contextlib.suppress(ImportError, OSError):
        import ctypes  # noqa: PLC0415 - as said above

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def await_end(pid: int) -> int | None:
    """The program's exit code, the negative of its signal's number; None where it was asked to end, and has."""
    while True:
        number = signal.sigwait(_AWAITED)
        if number in _ASKED:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
            return None
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)


def note(journal: str, how: str) -> None:
    """A line for whoever looks next."""
    line = f"{int(time.time())} {how}\n".encode()
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
