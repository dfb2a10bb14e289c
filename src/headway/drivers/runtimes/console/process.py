"""A command beside a process of a release that runs: in its layer, its groups and its namespaces, with its account, its
variables and its bounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import os
import select
import signal
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Never

from headway.drivers.runtimes.console.streams import Streams, reader, set_window, writer
from headway.drivers.runtimes.launch import launcher, layer
from headway.infra.hosts import processes, procfs
from headway.kernel.console_frames import Kind
from headway.kernel.errors import Conflict

MARK = "HEADWAY_CONSOLE"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_NAMESPACES = ("user", "mnt", "cgroup")  # in the order in which one may enter them
_PIECE = 64 << 10
_LOOK_AGAIN_SECONDS = 0.02
_GRACE_SECONDS = 1.0
_QUIET_SECONDS = 3.0
_LOOKS = 50
_CANNOT_START = 126
_END_OF_INPUT = b"\x04"

Json = Any


class NotThere(Conflict):
    """The process that the command was to run beside does not run any more."""

    def __init__(self, process: str) -> None:
        super().__init__(f"The process {process} has just ended or was started anew; try again.")


class Apart(Conflict):
    """The process has left our user namespace, which only it can have done."""

    def __init__(self, process: str) -> None:
        super().__init__(
            f"The process {process} has made a user namespace of its own, which Headway does not enter; 'headway apps "
            "run' carries a command out beside it."
        )


class StartedBefore(Conflict):
    """The process runs over its release itself, as those of earlier versions do."""

    def __init__(self, process: str) -> None:
        super().__init__(
            f"The process {process} was started by an earlier version of Headway; deploy or restart its application "
            "once."
        )


class Companion:
    """See ``Guest``. Everything that it starts stays below this process, whatever that does to get away, since who
    loses its parent is given to us.
    """

    def __init__(self, root: str, configuration: Mapping[str, Any], terms: Mapping[str, Any]) -> None:
        self._configuration = configuration
        self._argv: list[str] = terms["argv"]
        self._window: tuple[int, int] | None = None if terms["window"] is None else tuple(terms["window"])
        self._extra = {MARK: terms["id"]} | ({} if self._window is None else {"TERM": terms["term"]})
        self._beside = _Beside(root, terms["release_id"], terms["process"], terms["pid"])
        self._pid: int | None = None
        self._status: int | None = None
        self._input: asyncio.StreamWriter | None = None
        self._terminal: int | None = None
        self._pieces: asyncio.Queue[tuple[Kind, bytes] | None] = asyncio.Queue(1)
        self._pumps: list[asyncio.Task[None]] = []
        self._settling: asyncio.Task[None] | None = None
        self._open = 0
        self._is_alone = False
        self._over = asyncio.Event()

    async def begin(self) -> None:
        self._beside.find()
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        record = self._beside.record
        variables = launcher.sealed(record, dict(self._configuration))
        environment = launcher.build_environment(record, *self._beside.copy, variables) | self._extra
        streams = Streams.of(self._window)
        with self._beside.namespaces() as entered:
            self._pid = os.fork()
            if self._pid == 0:
                rules = bytes.fromhex(self._configuration.get("filter", ""))
                _become(streams, self._beside, entered, rules, (self._argv, environment))
        for descriptor in {*streams.inner}:
            os.close(descriptor)
        self._terminal = streams.terminal
        self._input = await writer(streams.input)
        self._open = len(streams.outputs)
        for kind, descriptor in streams.outputs.items():
            self._pumps.append(loop.create_task(self._pump(kind, await reader(descriptor))))
        loop.add_reader(self._beside.pidfd, self._left_alone)
        self._settling = loop.create_task(self._settle())
        self._reap()  # it may have ended before anybody listened

    async def read(self) -> tuple[Kind, bytes] | None:
        """See ``Guest``. Whoever holds an output open beside what it has started holds up nobody."""
        assert self._settling is not None  # noqa: S101 - begun
        while self._open:
            getting = asyncio.get_running_loop().create_task(self._pieces.get())
            try:
                await asyncio.wait({getting, self._settling}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({getting}, timeout=_QUIET_SECONDS)
                if not getting.done():
                    break
            finally:
                if not getting.done():
                    getting.cancel()
            if (piece := getting.result()) is not None:
                return piece
            self._open -= 1
        for pump in self._pumps:
            pump.cancel()
        await self._settling
        return None

    async def write(self, data: bytes) -> None:
        """See ``Guest``: to a terminal, the end of all input is the character for it."""
        if self._input is None:
            return
        with contextlib.suppress(OSError):
            if data:
                self._input.write(data)
                await self._input.drain()
            elif self._terminal is not None:
                self._input.write(_END_OF_INPUT)
            else:
                self._input.close()

    async def resize(self, rows: int, columns: int) -> None:
        if self._terminal is not None:
            with contextlib.suppress(OSError):
                set_window(self._terminal, rows, columns)

    async def ended(self) -> Json:
        killed = self._status == -signal.SIGKILL and not self._beside.lives()
        if self._is_alone or self._status is None or killed:
            return {"error": f"The process {self._beside.label} has ended, and with it what ran beside it."}
        return {"status": self._status}

    async def end(self) -> None:
        """See ``Guest``: they have a moment after SIGHUP and SIGTERM."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
            for pid in _family():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        for _ in range(_LOOKS):
            if not _family():
                return
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        processes.kill_until_gone(_family)

    async def _pump(self, kind: Kind, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_PIECE):
            await self._pieces.put((kind, data))
        await self._pieces.put(None)

    async def _settle(self) -> None:
        """Once the command has ended, or what it runs beside has, ends what it has left: that may hold its outputs."""
        await self._over.wait()
        await self.end()

    def _left_alone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._beside.pidfd)
        self._is_alone = self._status is None
        self._over.set()

    def _reap(self) -> None:
        """Takes note of those that have ended; those that nobody else waits for are ours."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._pid:
                    self._status = os.waitstatus_to_exitcode(ended[1])
                    self._over.set()


class _Beside:
    """The process that the command runs beside: the copy of a process of a release that is called ``label``."""

    def __init__(self, root: str, release_id: str, label: str, pid: int) -> None:
        self.label = label
        self.pidfd = -1
        self.record: dict[str, Any] = {}
        self.folder = ""
        self._root = root
        self._release_id = release_id
        self._pid = pid

    @property
    def copy(self) -> tuple[str, str]:
        """The process, and the number of its copy."""
        process, _, number = self.label.partition(".")
        return process, number or "1"

    def find(self) -> None:
        """Makes sure that it is what it is called, from then on whoever else gets its number. Raises NotThere."""
        place = f"{self._root}/releases/{self._release_id}"
        try:
            self.pidfd = os.pidfd_open(self._pid)
            self.record = launcher.load(f"{place}/{launcher.RECORD}")
            self.folder = self.record["folder"]
            if self.copy[0] in self.record["static"]:
                self._require_supervised()
            else:
                self._look_at_layer()
        except (FileNotFoundError, ProcessLookupError):
            raise NotThere(self.label) from None
        self._require_begun()
        self.record["full"] = os.path.exists(f"{place}/{launcher.FULL}")  # noqa: PTH110 - as launchers look

    def _look_at_layer(self) -> None:
        # Nobody but its launcher makes a folder of this name.
        own = layer.folder_of(self._root, self._release_id, self.label, self._pid)
        try:
            if launcher.load(f"{own}/{layer.TOLD}")["form"] == layer.COPY:
                self.folder = f"{own}/upper"
        except FileNotFoundError:
            self._require_begun()
            raise StartedBefore(self.label) from None

    def _require_begun(self) -> None:
        """Raises NotThere while it is still what becomes of it."""
        owner = self.record["uid"]
        is_other = owner is not None and procfs.owner(self._pid) != owner
        if is_other or self._release_id in procfs.argv(self._pid) or not self.lives():
            raise NotThere(self.label)

    def lives(self) -> bool:
        """Whether it has not ended."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return not poll.poll(0)

    @contextlib.contextmanager
    def namespaces(self) -> Iterator[list[int]]:
        """Its root, and those of its namespaces that are not ours, open. Raises NotThere, Apart.

        Root enters none of another user namespace, which only the application can have made: there it would stand as
        somebody unknown, and yet be root.
        """
        opened, seen = list[int](), procfs.folder_of(self._pid)
        try:
            opened.append(os.open(f"{seen}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            for kind in (each for each in _NAMESPACES if not _shares(seen, each)):
                opened += [os.open(f"{seen}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)]
            # Looked at once they are open: whoever has left our user namespace does not come back.
            is_apart = os.geteuid() == 0 and not _shares(seen, "user")
            if not self.lives():
                raise NotThere(self.label)
            if is_apart:
                raise Apart(self.label)
            yield opened
        except FileNotFoundError:
            raise NotThere(self.label) from None
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def join(self) -> set[str]:
        """Takes this process into its groups; gives the files of the bounds that hold there. Raises OSError."""
        groups, wanted = self.record["groups"], self._groups(procfs.folder_of(self._pid))
        for group in groups:
            with contextlib.suppress(OSError):
                Path(group["tree"], group["folder"], "cgroup.procs").write_text("0")
        with contextlib.suppress(OSError):
            Path(procfs.SELF, "oom_score_adj").write_text(launcher.OOM_SCORE_ADJ)  # where /proc is ours
        if not wanted <= self._groups(procfs.SELF) or not self.lives():
            raise OSError(
                errno.ESRCH, "it would run outside of the bounds of its application, which may just have ended"
            )
        return {file for group in groups for file in group["bounds"]} if wanted else set()

    def _groups(self, seen: str) -> set[tuple[str, str]]:
        folders = tuple(group["folder"] for group in self.record["groups"])
        return {each for each in procfs.groups(seen).items() if folders and each[1].endswith(folders)}

    def _require_supervised(self) -> None:
        seen = procfs.look(self._pid)
        if seen is None or f"{self._root}/{launcher.SUPERVISOR}" not in procfs.argv(seen.parent):
            raise NotThere(self.label)


def _shares(seen: str, kind: str) -> bool:
    """Whether a process' namespace of the kind is ours."""
    return procfs.namespace(seen, kind) == procfs.namespace(procfs.SELF, kind)


def _become(
    streams: Streams,
    beside: _Beside,
    namespaces: Sequence[int],
    call_filter: bytes,
    program: tuple[list[str], dict[str, str]],
) -> Never:
    """What the new process does until it is the command."""
    try:
        parent = os.getppid()
        signal.set_wakeup_fd(-1)
        os.setsid()
        for number, descriptor in enumerate(streams.inner):
            os.dup2(descriptor, number)
        if streams.terminal is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        bounded = beside.join()
        _enter(*namespaces)
        os.chdir(beside.folder)
        launcher.drop_rights(beside.record, bounded, call_filter)
        _require_account(beside.record)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in (signal.SIGPIPE, *(() if beside.record["full"] else (signal.SIGXFSZ,))):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == parent:  # else it has died before it could be said what becomes of us then
            launcher.become_program(*program)
    except BaseException as error:  # noqa: BLE001 - whoever sits before it is to read it
        reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        os.write(2, f"headway: {program[0][0]} could not be started: {reason}\n".encode())
    os._exit(_CANNOT_START)


def _require_account(record: Mapping[str, Any]) -> None:
    """Makes sure that this process has become the release's account for good. Raises OSError."""
    if record["uid"] is not None and (
        os.getresuid() != (record["uid"],) * 3 or os.getresgid() != (record["gid"],) * 3 or os.getgroups()
    ):
        raise OSError(errno.EPERM, "it would not run under the account of its application")


def _enter(root: int, *namespaces: int) -> None:
    """Who enters other mounts is at their root, which is not that of a process whose machine is a folder of another."""
    library = ctypes.CDLL(None, use_errno=True)
    for namespace in namespaces:
        if library.setns(namespace, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    if namespaces:
        os.fchdir(root)
        os.chroot(".")


def _family() -> set[int]:
    return processes.with_descendants({os.getpid()}) - {os.getpid()}
