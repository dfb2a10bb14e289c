"""The sockets on which the edge is reached, held while one Traefik takes the place of another: who comes meanwhile
waits for a moment, and nobody is turned away.

A Traefik answers 404 from its first moment on, until it has read its routes. So the doors are shut meanwhile: the
kernel drops what knocks, and whoever did knocks again by itself after a second, as TCP has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from pathlib import Path

from headway.infra.daemons.confiner import taken
from headway.infra.hosts import processes, procfs, sockets
from headway.infra.hosts.private_file import write_privately
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_OURS = 512  # ports, a power of two: each try to reach the edge, for 20 s, comes from another one
_FIRST, _LAST = 10_240, 30_720  # below those that the kernel takes for anybody
_LOAD_SOURCE_PORT, _AND, _EQUALS, _RETURN = 0x28, 0x54, 0x15, 0x06  # of the kernel's language of filters
_LEAVING_SECONDS, _FREEING_SECONDS, _BETWEEN_LOOKS = 5.0, 1.0, 0.005
_INSTRUCTION = struct.Struct("HBBI")


@dataclass(slots=True, kw_only=True)
class Held:
    """Those that are held: each by its name, and the number of the open file that is ours."""

    sockets: dict[str, int]
    _own_ports: Iterator[int] = field(default_factory=lambda: iter(()))

    def shut(self) -> None:
        """From now on nobody is let in but who comes from one of our ports."""
        first = random.randrange(_FIRST, _LAST, _OURS)  # noqa: S311 - no secret: only that others use it rarely
        self._own_ports = iter(range(first, first + _OURS))
        for descriptor in self.sockets.values():
            _filter(descriptor, first)

    @property
    def own_port(self) -> int | None:
        """One of our ports, not the one before."""
        return next(self._own_ports, None)

    async def left_by(self, living: Callable[[], set[int]]) -> None:
        """Returns once processes that were told to end, and those below them, listen there no more, or after seconds in
        which they do: until then one may read what is written for its successor, and answer in its place.
        """
        deadline = time.monotonic() + _LEAVING_SECONDS
        while await asyncio.to_thread(self._is_open_in, living()):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(_BETWEEN_LOOKS)

    def _is_open_in(self, pids: Iterable[int]) -> bool:
        ours = {os.fstat(descriptor).st_ino for descriptor in self.sockets.values()}
        return not ours.isdisjoint(sockets.sockets_of(processes.with_descendants(pids)))

    def open(self) -> None:
        """Everybody is let in again."""
        for descriptor in self.sockets.values():
            _unfilter(descriptor)


class EdgeBroken(Unavailable):
    """Traefik cannot be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrances:
    """``wanted`` names them, each with its address and port; ``file`` says who holds which, as long as anybody does."""

    wanted: tuple[tuple[str, str, int], ...]
    file: Path

    @contextlib.contextmanager
    def held_of(self, pid: int | None) -> Iterator[Held]:
        """For as long as the block lasts those of a process, or of its children, are ours too, as far as the kernel
        gives them. They stay what they are: another can take them over, and listens on as if nothing had been.
        """
        held = Held(sockets={} if pid is None else self._taken(pid))
        try:
            if held.sockets:
                own = os.getpid()
                told = {"pid": own, "start_time": procfs.start_time(own), "sockets": held.sockets}
                write_privately(self.file, json.dumps(told))
            yield held
        finally:
            held.open()
            for descriptor in held.sockets.values():
                os.close(descriptor)
            self.file.unlink(missing_ok=True)

    def handed(self) -> frozenset[str]:
        """Which of them somebody holds for whoever starts now."""
        try:
            held = json.loads(self.file.read_text())
            return frozenset(held["sockets"]) if procfs.start_time(held["pid"]) == held["start_time"] else frozenset()
        except (OSError, ValueError, KeyError):
            return frozenset()

    def mend(self, pid: int | None) -> None:
        """Opens those of a process that somebody has shut who died before opening them again."""
        if self.file.exists():
            with self.held_of(pid):
                pass

    async def are_free(self) -> None:
        """Returns once all that none was handed can be taken: a Traefik that was killed holds its ports for some
        milliseconds more; anybody else keeps them. Raises EdgeBroken.
        """
        deadline = time.monotonic() + _FREEING_SECONDS
        handed = self.handed()
        for host, port in ((host, port) for name, host, port in self.wanted if name not in handed):
            while not sockets.is_free(host, port):
                if time.monotonic() < deadline:
                    await asyncio.sleep(_BETWEEN_LOOKS)
                    continue
                held = [each.inode for each in sockets.listeners() if each.port == port]
                holder = sockets.holder_of(held[0]) if held else None
                who = "another process" if holder is None else f"{procfs.name(holder)} (pid {holder})"
                raise EdgeBroken(
                    f"Applications cannot be reached: port {port} of {host} is held by {who}. End it, or choose "
                    "another port (HEADWAY_EDGE_PORT)."
                )

    def _taken(self, pid: int) -> dict[str, int]:
        listening = {each.inode: each.port for each in sockets.listeners()}
        names = {port: name for name, _, port in self.wanted}
        found: dict[str, int] = {}
        for each in processes.with_descendants([pid]):
            for descriptor, inode in sockets.open_sockets(each):
                name = names.get(listening.get(inode, 0))
                if name is not None and name not in found:
                    with contextlib.suppress(OSError):
                        found[name] = taken(each, descriptor)
        return found


def _filter(descriptor: int, first_port: int) -> None:
    """Lets through what comes from one of our ports and drops the rest, before a connection is made of it."""
    code = b"".join(
        _INSTRUCTION.pack(*each)
        for each in (
            (_LOAD_SOURCE_PORT, 0, 0, 0),
            (_AND, 0, 0, 0xFFFF & ~(_OURS - 1)),
            (_EQUALS, 0, 1, first_port),
            (_RETURN, 0, 0, 0xFFFFFFFF),
            (_RETURN, 0, 0, 0),
        )
    )
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HL", len(code) // _INSTRUCTION.size, ctypes.addressof(held))
    with _as_socket(descriptor) as listening, contextlib.suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _unfilter(descriptor: int) -> None:
    with _as_socket(descriptor) as listening, contextlib.suppress(OSError):  # there was none
        listening.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


@contextlib.contextmanager
def _as_socket(descriptor: int) -> Iterator[socket.socket]:
    listening = socket.socket(fileno=descriptor)
    try:
        yield listening
    finally:
        listening.detach()
