"""A process that serves the panel and outlives it: started in a session of its own, found again, ended on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from headway.infra.daemons.confinement import Confinement
from headway.infra.hosts import processes, procfs
from headway.infra.hosts.private_file import write_privately
from headway.kernel.errors import Unavailable

MARKER = "HEADWAY_DAEMON"
_LOG_BYTES = 10 << 20
_UNIT_SECONDS = 60.0
_SECONDS_TO_BECOME = 20.0
_BETWEEN_LOOKS = 0.01
_BETWEEN_LOOKS_OF_A_UNIT = 0.2
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class UnitBroken(Unavailable):
    """systemd does not start a unit."""


class Daemon:
    """One such process. ``state`` is the file that says which pid it has and when that was started; ``log`` gets what
    it writes; ``env`` is its whole environment, to which a marker is added that no other process on the machine has.
    With a ``unit``, systemd starts it: in a process of that unit, which becomes it. ``confined`` says under which
    terms, else it is as we are.
    """

    def __init__(
        self,
        *,
        argv: tuple[str, ...],
        env: Mapping[str, str],
        state: Path,
        log: Path,
        unit: str | None = None,
        confined: Confinement | None = None,
    ) -> None:
        self.unit = unit
        self._confined = confined
        self._argv = argv
        self._env = {**env, MARKER: str(state)}
        self._state = state
        self._log = log
        self._child: int | None = None

    def pid(self) -> int | None:
        """The pid of the living process; None when there is none."""
        self._bury_child()
        return self._recorded() or self._marked()

    def is_as_wanted(self) -> bool:
        """Whether what lives, if anything does, was started with the arguments that it would be started with now. The
        program itself may lie elsewhere: an upgrade must not end what serves.
        """
        pid = self.pid()
        return pid is None or procfs.argv(pid)[1:] == self._argv[1:]

    async def start(self) -> None:
        """Starts it, or has systemd start it, and returns when its pid is known; only to be called when there is none.
        Raises UnitBroken.
        """
        if self.unit is None:
            self.spawn()
            return
        await _start_unit(self.unit)
        await self._is(there=True, within_seconds=_SECONDS_TO_BECOME)

    def become(self) -> NoReturn:
        """Turns this process, which is that of the unit, into it; only to be called when there is none."""
        self._keep_log_short()
        for number in _DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target in (1, 2):
            os.dup2(log, target)
        self._record(os.getpid())
        if self._confined is not None:
            self._confined.become(self._argv, self._env)
        os.execve(self._argv[0], self._argv, self._env)  # noqa: S606 - an argument list of our own

    def wait_until_gone(self) -> None:
        """Blocks for as long as there is one."""
        while self.pid() is not None:
            time.sleep(_BETWEEN_LOOKS_OF_A_UNIT)

    def spawn(self) -> int:
        """Starts it and gives its pid; only to be called when there is none."""
        self._keep_log_short()
        opened = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        argv = self._argv if self._confined is None else self._confined.command_line(self._argv)
        pid = os.posix_spawn(
            argv[0],
            argv,
            self._env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._log), opened, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
        self._child = pid
        self._record(pid)
        return pid

    async def end(self, *, grace_seconds: float) -> None:
        """Sends SIGTERM, after the grace SIGKILL, and returns when the process is gone; no error if it is already."""
        if (pid := self.pid()) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            if not await self.gone(within_seconds=grace_seconds):
                await asyncio.to_thread(processes.kill_until_gone, self._living)
        self._state.unlink(missing_ok=True)

    def dismiss(self) -> Callable[[], set[int]]:
        """Sends it SIGTERM and knows nothing of it any more, so that another can be started at once. Gives what tells
        whether it still lives, as ``processes.kill_until_gone`` asks it.
        """
        pid = self.pid()
        self._state.unlink(missing_ok=True)
        if pid is None:
            return set
        started = procfs.start_time(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        child, self._child = self._child, None

        def living() -> set[int]:
            if child == pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            return {pid} if started is not None and procfs.start_time(pid) == started else set()

        return living

    async def gone(self, *, within_seconds: float) -> bool:
        """Waits until the process has ended; False when it still lives after that time."""
        return await self._is(there=False, within_seconds=within_seconds)

    def kill(self) -> None:
        """Ends it at once; returns when it is gone. For one that does not answer any more."""
        processes.kill_until_gone(self._living)

    def last_words(self) -> str:
        """The line among its last that says most, for a sentence; empty when it has written none."""
        try:
            text = self._log.read_bytes()[-4096:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip()[:600] for line in text.split("\n") if line.strip()]
        telling = (line for line in reversed(lines[-20:]) if "error" in line.lower())
        return next(telling, lines[-1] if lines else "")

    async def _is(self, *, there: bool, within_seconds: float) -> bool:
        deadline = time.monotonic() + within_seconds
        while (self.pid() is not None) is not there:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_BETWEEN_LOOKS)
        return True

    def _bury_child(self) -> None:
        """Where the process is our own child, its end has to be collected, or it stays as a zombie."""
        if self._child is not None:
            try:
                ended = os.waitpid(self._child, os.WNOHANG)[0] != 0
            except ChildProcessError:
                ended = True
            if ended:
                self._child = None

    def _living(self) -> set[int]:
        pid = self.pid()
        return set() if pid is None else {pid}

    def _record(self, pid: int) -> None:
        record = {"pid": pid, "start_time": procfs.start_time(pid), "boot_id": procfs.boot_id()}
        write_privately(self._state, json.dumps(record))

    def _recorded(self) -> int | None:
        try:
            record = json.loads(self._state.read_text())
            pid, started, boot = int(record["pid"]), record["start_time"], record["boot_id"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if boot == procfs.boot_id() and started == procfs.start_time(pid) else None

    def _marked(self) -> int | None:
        """The process that a panel started and died before it could write down which."""
        marks = processes.marked_with(MARKER)
        marked = {pid for pid, value in marks.items() if value == str(self._state)}
        # Environment and arguments are anybody's to choose, and in a container the account: no application must pass
        # for it.
        marked = {pid for pid in marked if self._is_ours(pid)}
        if not marked:
            return None
        pid = min(marked)
        with contextlib.suppress(FileNotFoundError):  # another process finds and records it at this very moment
            self._record(pid)
        return pid

    def _is_ours(self, pid: int) -> bool:
        owner = os.geteuid() if self._confined is None else self._confined.uid
        is_alike = procfs.argv(pid)[1:] == self._argv[1:] and procfs.owner(pid) == owner
        return is_alike and procfs.counts_with_us(pid)

    def _keep_log_short(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".old"))


async def _start_unit(unit: str) -> None:
    """Returns when the unit runs; no error when it does already. Raises UnitBroken."""
    try:
        asked = await asyncio.create_subprocess_exec(
            "systemctl",
            "start",
            unit,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise UnitBroken(_not_started(unit, error.strerror or str(error))) from error
    try:
        async with asyncio.timeout(_UNIT_SECONDS):
            _, said = await asked.communicate()
    except TimeoutError as error:
        asked.kill()
        await asked.wait()
        raise UnitBroken(_not_started(unit, f"no answer within {_UNIT_SECONDS:.0f} s")) from error
    if asked.returncode:
        raise UnitBroken(_not_started(unit, " ".join(said.decode(errors="replace").split())))


def _not_started(unit: str, said: str) -> str:
    return f"systemd does not start {unit}: {said}. See: systemctl status {unit}; or unset HEADWAY_UNITS."
