"""A command inside a container that goes on, by its engine: as the image says, in a group of its own within that of the
container, and all of it ended when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from headway.drivers.runtimes.container.exec_session import MARK, ExecSession
from headway.drivers.runtimes.container.script import GO, let_in
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused, unix_socket
from headway.kernel.console_frames import Kind
from headway.kernel.errors import Conflict

_HEAD_BYTES = 8  # before each piece of what it wrote, where it has no terminal
_ERRORS = 2
_PIECE = 64 << 10
_ECHO = GO.replace(b"\n", b"\r\n")  # a terminal shows what is typed
_END_OF_INPUT = b"\x04"
_GRACE_SECONDS = 1.0
_RESIZE_SECONDS = 5.0
_BY_SIGNAL = 128
_QUIET_SECONDS = 3.0
_LOOK_AGAIN_SECONDS = 0.05
_LOOKS = 40  # an engine tells an end before it has taken note of it
_AWAY = frozenset({404, 409})

Json = Any


class Visitor:
    """See ``Guest``."""

    def __init__(self, terms: Mapping[str, Any]) -> None:
        self._terms = terms
        self._api = DockerApi(unix_socket(terms["engine"]))
        self._within: ExecSession | None = None
        self._exec_id = ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._letting_in: asyncio.Task[None] | None = None
        self._is_in = asyncio.Event()
        self._echo = _ECHO if terms["window"] is not None else b""

    async def begin(self) -> None:
        terms, window = self._terms, self._terms["window"]
        container_id, name = terms["container_id"], terms["id"]
        self._within = await asyncio.to_thread(
            ExecSession.of, container_id, terms["pid"], name, "", use_group=terms["use_group"]
        )
        body = {
            **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), True),
            "Tty": window is not None,
            "Env": [f"{MARK}={name}", *([] if window is None else [f"TERM={terms['term']}"])],
            "Cmd": [*let_in(tuple(terms["argv"]), reads=True)],
        }
        try:
            self._exec_id = (await self._api.post(f"/containers/{container_id}/exec", body))["Id"]
            start = {"Detach": False, "Tty": window is not None}
            self._reader, self._writer = await self._api.converse(f"/exec/{self._exec_id}/start", start)
            if window is not None:
                await self.resize(*window)
        except EngineRefused as refused:
            if refused.status in _AWAY:
                raise Conflict("Its container has just ended or was started anew; try again.") from refused
            raise
        self._letting_in = asyncio.get_running_loop().create_task(self._within.let_in(self._open))

    async def read(self) -> tuple[Kind, bytes] | None:
        """See ``Guest``. What has got away and holds an output open holds up nobody."""
        reading = asyncio.get_running_loop().create_task(self._piece())
        while not (await asyncio.wait({reading}, timeout=_QUIET_SECONDS))[0]:
            found = await self._api.find(f"/exec/{self._exec_id}/json")
            if found is None or not found["Running"]:
                reading.cancel()
                return None
        return await reading

    async def _piece(self) -> tuple[Kind, bytes] | None:
        assert self._reader is not None  # noqa: S101 - begun
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self._terms["window"] is not None:
                data = await self._first() or await self._reader.read(_PIECE)
                return (Kind.OUTPUT, data) if data else None
            while True:
                head = await self._reader.readexactly(_HEAD_BYTES)
                length = int.from_bytes(head[4:])
                if data := await self._reader.readexactly(length):
                    return Kind.ERRORS if head[0] == _ERRORS else Kind.OUTPUT, data
        return None

    async def write(self, data: bytes) -> None:
        """See ``Guest``: to a terminal, the end of all input is the character for it."""
        await self._is_in.wait()
        assert self._writer is not None  # noqa: S101 - begun
        with contextlib.suppress(OSError, RuntimeError):  # it reads no more, or was told that there is no more
            if not data and self._terms["window"] is None:
                self._writer.write_eof()
                return
            self._writer.write(data or _END_OF_INPUT)
            await self._writer.drain()

    async def resize(self, rows: int, columns: int) -> None:
        if self._terms["window"] is not None:
            with contextlib.suppress(EngineRefused, EngineAway):  # it has just ended, or the engine has no time for it
                size = {"h": str(rows), "w": str(columns)}
                await self._api.post(f"/exec/{self._exec_id}/resize", seconds=_RESIZE_SECONDS, **size)

    async def ended(self) -> Json:
        found = await self._api.find(f"/exec/{self._exec_id}/json")
        for _ in range(_LOOKS):
            if found is None or not found["Running"]:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            found = await self._api.find(f"/exec/{self._exec_id}/json")
        if found is None or found["ExitCode"] is None:
            return {"error": "Its container has ended, and with it what ran inside."}
        code = int(found["ExitCode"])
        return {"status": _BY_SIGNAL - code if code > _BY_SIGNAL else code}

    async def end(self) -> None:
        """See ``Guest``: they have a moment after SIGTERM."""
        if self._letting_in is not None:
            self._letting_in.cancel()
            await asyncio.gather(self._letting_in, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        if self._within is not None:
            await self._within.end(self._api, grace_seconds=_GRACE_SECONDS)

    async def _open(self) -> None:
        assert self._writer is not None  # noqa: S101 - begun
        self._writer.write(GO)
        await self._writer.drain()
        self._is_in.set()

    async def _first(self) -> bytes:
        """Passes over what shows of the word that let it in; gives what stands there where it was not let in."""
        assert self._reader is not None  # noqa: S101 - begun
        echo, self._echo = self._echo, b""
        seen = await self._reader.readexactly(len(echo))
        return b"" if seen == echo else seen
