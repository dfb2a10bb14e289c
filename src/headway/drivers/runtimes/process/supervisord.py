"""supervisord on this machine: kept up, told which releases to keep alive, and asked what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import site
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from headway.drivers.runtimes.process import rpc
from headway.drivers.runtimes.process.exits import ExitLog
from headway.drivers.runtimes.process.programs import (
    Layout,
    Program,
    blamed_file,
    group_of,
    is_our_form,
    render_supervisord,
)
from headway.infra.daemons.daemon import Daemon
from headway.infra.hosts.private_file import write_privately
from headway.kernel.errors import Unavailable

log = logging.getLogger(__name__)

# In the foreground it does not set the umask that its configuration names: the logs would be open to read.
_MAIN = "import os, supervisor.supervisord; os.umask(0o077); supervisor.supervisord.main()"
_SOCKET_PATH_BYTES = 100
_START_SECONDS = 20.0
_SILENCE_SECONDS = 15.0
_MAY_RUN_ON = frozenset({10, 20, 30})  # starting, running, backoff
_FATAL = 200
_TRY_AGAIN_SECONDS = 60
_BETWEEN_LOOKS = 0.01


class SupervisordBroken(Unavailable):
    """supervisord cannot be started."""


class Supervisord:
    """One supervisord of one panel. ``reap_orphans`` is called whenever there is none, before a new one is started: it
    ends the copies that a dead one left, so that no process of a release ever runs twice. ``unit`` is the one of
    systemd that keeps it up, if any does.
    """

    def __init__(
        self, layout: Layout, *, panel_id: str, reap_orphans: Callable[[], None], unit: str | None = None
    ) -> None:
        self._layout = layout
        self._panel_id = panel_id
        self._reap_orphans = reap_orphans
        self._lock = asyncio.Lock()
        self._silent_since: float | None = None
        self.exits = ExitLog(layout.supervisord / "supervisord.log")
        self._socket = _socket_path(layout.supervisord / "supervisord.sock")
        self.rpc = rpc.Rpc(self._socket)
        self._daemon = Daemon(
            argv=(sys.executable, "-I", "-c", _main(), "-n", "-c", str(layout.configuration)),
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
            state=layout.supervisord / "daemon.json",
            log=layout.supervisord / "start.log",
            unit=unit,
        )

    async def ensure(self) -> None:
        """Starts supervisord, with all releases that are up, unless it is there. Raises SupervisordBroken."""
        async with self._lock:
            await self._ensure()

    def become(self) -> NoReturn:
        """Turns this process, that of the unit, into supervisord once there is none; blocks until then."""
        self._daemon.wait_until_gone()
        self._make_ready()
        self._daemon.become()

    async def add(self, programs: Sequence[Program]) -> None:
        """Brings a release up whose program file is there, stopped or not; what is up already stays as it is, what was
        given up is started again.
        """
        release_id = programs[0].release_id
        async with self._lock:
            await self._ensure()
            up, down = self._files(release_id)
            if not up.exists():
                down.rename(up)
            await self._reload()
            try:
                await self.rpc.call("addProcessGroup", group_of(release_id))
            except rpc.Refused as refused:
                if refused.number != rpc.ALREADY_ADDED:
                    raise
                await self._start_given_up([info for info in await self.look(programs) if info is not None])

    async def take_down(self, programs: Sequence[Program], *, grace_seconds: float) -> None:
        """Asks the programs of one release to end, and waits for the grace at most; from now on they are not brought
        up again. No error when they, or supervisord itself, are not there.
        """
        async with self._lock:
            up, down = self._files(programs[0].release_id)
            with contextlib.suppress(FileNotFoundError):
                up.rename(down)
        deadline = time.monotonic() + grace_seconds
        with contextlib.suppress(rpc.SupervisordAway):
            while await self._ask_to_end(programs):
                if time.monotonic() > deadline:
                    return
                await asyncio.sleep(_BETWEEN_LOOKS)

    async def let_go(self, programs: Sequence[Program]) -> None:
        """Forgets a release that was taken down, once its processes have ended. No error when it, or supervisord, is
        not there.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not await self._has_let_go(programs):
            if time.monotonic() > deadline:
                raise rpc.SupervisordAway("The process supervisor does not see that a release has ended.")
            await asyncio.sleep(_BETWEEN_LOOKS)

    async def look(self, programs: Sequence[Program]) -> list[Mapping[str, Any] | None]:
        """What supervisord says of each program; None where it knows none such. Raises SupervisordAway."""
        return [await self.rpc.process(program.address) for program in programs]

    async def groups(self) -> set[str]:
        """The names of all groups that it keeps alive."""
        return {str(info["group"]) for info in await self.rpc.call("getAllProcessInfo")}

    async def try_again(self) -> None:
        """Starts what was given up a while ago once more, with short waits first."""
        found = await self.rpc.call("getAllProcessInfo")
        await self._start_given_up([info for info in found if is_long_ago(info["now"], info["stop"])])

    async def shut_down(self, *, grace_seconds: float) -> None:
        """Ends supervisord and all that it keeps alive; the releases come up again with the next ``ensure``."""
        async with self._lock:
            deadline = time.monotonic() + grace_seconds
            with contextlib.suppress(rpc.SupervisordAway, rpc.Refused):
                await self.rpc.call("shutdown")
                while self._daemon.pid() is not None and time.monotonic() < deadline:
                    # Left to itself it looks around once a second only; every call makes it look at once.
                    with contextlib.suppress(rpc.Refused):
                        await self.rpc.call("getState")
                    await asyncio.sleep(_BETWEEN_LOOKS)
            await self._daemon.end(grace_seconds=1.0)

    def pid(self) -> int | None:
        """The pid of the living supervisord."""
        return self._daemon.pid()

    async def _ensure(self) -> None:
        pid = self._daemon.pid()
        if pid is not None and await self._answers():
            return
        if pid is not None:
            log.error("supervisord does not answer and is replaced", extra={"pid": pid})
            await asyncio.to_thread(self._daemon.kill)
        if self._daemon.unit is None:  # else its process does that, and systemd may have started it again already
            await asyncio.to_thread(self._make_ready)
        for _ in range(100):  # each turn sets one more bad file aside
            await self._daemon.start()
            if await self._comes_up():
                return
            said = self._daemon.last_words()
            if not self._set_aside(said):
                break
        else:
            said = "too many program files cannot be read."
        raise SupervisordBroken(
            f"The process supervisor does not start: {said} (its own log: {self._layout.supervisord}/supervisord.log)"
        )

    def _make_ready(self) -> None:
        self._reap_orphans()
        self._write_configuration()
        self._set_aside_foreign()

    async def _answers(self) -> bool:
        """False only after a silence that is too long for a busy machine."""
        try:
            await self.rpc.call("getState")
        except rpc.SupervisordAway:
            now = time.monotonic()
            self._silent_since = self._silent_since or now
            if now - self._silent_since < _SILENCE_SECONDS:
                raise
            self._silent_since = None
            return False
        self._silent_since = None
        return True

    async def _comes_up(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while self._daemon.pid() is not None and time.monotonic() < deadline:
            try:
                await self.rpc.call("getState")
            except rpc.SupervisordAway:
                await asyncio.sleep(_BETWEEN_LOOKS)
            else:
                return True
        await asyncio.to_thread(self._daemon.kill)
        return False

    async def _reload(self) -> None:
        """Lets it read the program files; one that it cannot read is named, set aside, and stops nobody else."""
        self._set_aside_foreign()
        while True:
            try:
                await self.rpc.call("reloadConfig")
            except rpc.Refused as refused:
                if refused.number != rpc.CANNOT_READ or not self._set_aside(refused.message):
                    raise
            else:
                return

    async def _start_given_up(self, found: Sequence[Mapping[str, Any]]) -> None:
        for info in found:
            if info["state"] == _FATAL:
                with contextlib.suppress(rpc.Refused):
                    await self.rpc.call("startProcess", f"{info['group']}:{info['name']}", False)  # noqa: FBT003

    async def _ask_to_end(self, programs: Sequence[Program]) -> bool:
        """Whether any of them still lives. One that was being restarted is asked at the next turn."""
        alive = False
        for program in programs:
            info = await self.rpc.process(program.address)
            if info is not None and info["state"] in _MAY_RUN_ON:
                try:
                    # Without wait: a waiting call looks once a second only.
                    await self.rpc.call("stopProcess", program.address, False)  # noqa: FBT003
                except rpc.Refused as refused:
                    if refused.number not in {rpc.BAD_NAME, rpc.NOT_RUNNING}:
                        raise
            alive = alive or (info is not None and bool(info["pid"]))
        return alive

    async def _has_let_go(self, programs: Sequence[Program]) -> bool:
        """Whether it knows nothing of a release any more. One that says nothing for a moment knows it yet, and would
        start again what was killed.
        """
        try:
            if await self._removed(group_of(programs[0].release_id)):
                return True
            await self._ask_to_end(programs)
        except rpc.SupervisordAway:
            return self._daemon.pid() is None
        return False

    async def _removed(self, group: str) -> bool:
        try:
            await self.rpc.call("removeProcessGroup", group)
        except rpc.Refused as refused:
            if refused.number == rpc.STILL_RUNNING:
                return False
            if refused.number != rpc.BAD_NAME:
                raise
        return True

    def _files(self, release_id: str) -> tuple[Path, Path]:
        name = group_of(release_id)
        return self._layout.programs / f"{name}.conf", self._layout.programs / f"{name}.down"

    def _write_configuration(self) -> None:
        self._make_socket_folder()
        text = render_supervisord(self._layout, self._socket, identifier=f"headway-{self._panel_id}")
        write_privately(self._layout.configuration, text)

    def _make_socket_folder(self) -> None:
        folder = self._socket.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
            raise SupervisordBroken(f"{folder} belongs to somebody else; remove it, so that the panel can use it.")
        folder.chmod(0o700)

    def _set_aside_foreign(self) -> None:
        for path in self._layout.programs.glob("*.conf"):
            text = path.read_text(errors="replace")
            if not path.name.startswith("r") or not is_our_form(text, path.stem[1:]):
                self._move_aside(path)

    def _set_aside(self, message: str) -> bool:
        """Moves the file that a message blames out of the way; False where it blames none of ours."""
        path = blamed_file(message)
        if path is None or path.parent != self._layout.programs or not path.exists():
            return False
        self._move_aside(path)
        return True

    def _move_aside(self, path: Path) -> None:
        aside = path.with_suffix(".bad")
        log.error("a program file cannot be read and was set aside", extra={"file": str(aside)})
        path.replace(aside)


def is_long_ago(now: int, stop: int) -> bool:
    """Whether what was given up is to be tried again. It cannot have ended in the future: then the clock was ahead."""
    return not 0 <= now - stop < _TRY_AGAIN_SECONDS


def _main() -> str:
    """What the interpreter is to do; of a supervisor that lies beside our own code it has to be told."""
    spec = importlib.util.find_spec("supervisor")
    folder = "" if spec is None or spec.origin is None else str(Path(spec.origin).parent.parent)
    beside = folder and folder not in site.getsitepackages()
    return f"import sys; sys.path.insert(0, {folder!r}); {_MAIN}" if beside else _MAIN


def _socket_path(wanted: Path) -> Path:
    """The kernel takes no longer path than about 100 bytes: a deep folder gets a short one beside it."""
    if len(os.fsencode(wanted)) <= _SOCKET_PATH_BYTES:
        return wanted
    short = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    base = Path("/run/headway") if os.geteuid() == 0 else Path(tempfile.gettempdir()) / f"headway-{os.geteuid()}"
    return base / short / wanted.name
