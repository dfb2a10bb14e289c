"""Whether what listens on a port answers HTTP, as the edge will ask it, or is a server of something else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field

from headway.infra import http_request
from headway.kernel.artifacts import HealthCheck, HealthKind
from headway.kernel.dataclass import dataclass

TRY_SECONDS = 5.0

# For so long it has to say nothing, or nothing that is HTTP, before it is taken for a server of something else.
_SILENT_SECONDS = 10.0
_FOREIGN_SECONDS = 2.0
_OTHER_TRY_SECONDS = 2.0

_DEBUGGER = 9229  # of Node, where no other is given
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD_BYTES, _MOST_BYTES, _MOST_FRAMES = 9, 64 << 10, 16
_HEADERS, _RESET, _SETTINGS = 1, 3, 4
_END = 5  # of the headers, and of the request


def headers_for(port: int) -> dict[str, str]:
    """What a health check says of itself."""
    return {"Host": f"127.0.0.1:{port}", "User-Agent": "Headway-Health", "Accept": "*/*"}


def refusal(path: str, port: int, status: int) -> str | None:
    """What is lacking where a health check's path is answered so; None when nothing is."""
    if 200 <= status < 400:
        return None
    return (
        f"GET {path} on port {port} answers {status}, which is not 2xx or 3xx. Mend what it reports, or set the health "
        "check's path to one that answers (headway apps set APP --health-path /PATH)."
    )


def mend(others: Sequence[str], port: int) -> str:
    """How a program is led to ``port`` that listens on these instead (address:port), as a sentence."""
    found = {int(other.rpartition(":")[2]) for other in others} - {_DEBUGGER}
    if port in found:
        return "Let it bind to all addresses: headway env set APP HOST=0.0.0.0, or its own option for that."
    if len(found) == 1:
        return f"Let it read PORT, or tell Headway where it listens: headway env set APP PORT={found.pop()}."
    if found:
        return "Let it read PORT, or tell Headway which of them answers: headway env set APP PORT=N."
    if others:
        return "That is a debugger's port: start it without one (headway apps set APP --start LINE)."
    return "If it takes no requests, start it as a worker: a Procfile with the line 'worker: COMMAND'."


@dataclass(slots=True, kw_only=True)
class AskedPort:
    """One port of a release, asked again and again until it answers. ``number`` is what its user knows it by;
    ``expected`` that the release before answered HTTP there, and so has this one to. ``living`` gives the release's
    processes (``pid`` is the first of them, where that is known), ``untaken`` how many connections wait there for one
    of them to take them (None: nobody can see).
    """

    host: str
    port: int
    number: int
    expected: bool
    living: Callable[[], AbstractSet[int]]
    untaken: Callable[[], int | None]
    pid: int | None = None
    answers: bool = False
    takes_connections: bool = False
    other: str = ""
    _since: float | None = field(default=None)

    async def lacking(self) -> str | None:
        """What is lacking, None when nothing is: it ``answers``, or is a server of something ``other``."""
        begun = time.monotonic()
        before = set[int]() if self._since is None else await asyncio.to_thread(self.living)
        try:
            headers = headers_for(self.number)
            await http_request.get(self.host, self.port, "/", headers=headers, timeout_seconds=TRY_SECONDS)
        except http_request.NoAnswer as silence:
            self.answers = self.takes_connections = False
            return await self._unanswered(silence, begun, before)
        self.answers = self.takes_connections = True
        self.other, self._since = "", None
        return None

    async def lacking_by(self, check: HealthCheck) -> str | None:
        """The same, for a check that names a path by the answer there, which is to be 2xx or 3xx."""
        if check.kind is not HealthKind.HTTP:
            return await self.lacking()
        path, headers = check.path, headers_for(self.number)
        try:
            answer = await http_request.get(self.host, self.port, path, headers=headers, timeout_seconds=TRY_SECONDS)
        except http_request.NoAnswer as silence:
            return f"GET {path} on port {self.number} got no answer: {silence}."
        self.takes_connections = True
        lacking = refusal(path, self.number, answer.status)
        self.answers = self.answers or lacking is None
        return lacking

    def forget(self) -> None:
        """Nobody listens there: what was seen before was of a process that is gone."""
        self._since = None

    async def _unanswered(self, silence: http_request.NoAnswer, begun: float, before: AbstractSet[int]) -> str | None:
        asked = f"GET / on port {self.number} got no answer: {silence}."
        if not isinstance(silence, http_request.Silent | http_request.Closed | http_request.Foreign):
            self._since = None
            return asked
        self.takes_connections = True
        untaken = await asyncio.to_thread(self.untaken) if isinstance(silence, http_request.Silent) else None
        if untaken:
            self._since = None
            return (
                f"none of its processes takes the connections to port {self.number}: what listens there has nobody "
                "yet who does its work."
            )
        if before - await asyncio.to_thread(self.living):
            self._since = begun
            return f"{asked} A process of it ended as it was asked."
        if self._since is None:
            self._since = begun
        other = "" if isinstance(silence, http_request.Silent) else await _other_dress(self.host, self.port)
        if self.expected:
            return f"{asked} It has to answer HTTP there, as the release before does."
        bound = _SILENT_SECONDS if isinstance(silence, http_request.Silent) else _FOREIGN_SECONDS
        if not other and time.monotonic() - self._since < bound:
            return asked
        self.other = other or f"it takes connections and answers no HTTP ({silence})"
        return None


async def _other_dress(host: str, port: int) -> str:
    """What it speaks where that is HTTP in a way that the edge does not ask for, "" where it is not."""
    try:
        await http_request.get(
            host, port, "/", headers=headers_for(port), timeout_seconds=_OTHER_TRY_SECONDS, tls_name="localhost"
        )
    except http_request.NoAnswer:
        return "it speaks HTTP/2 only" if await _speaks_http2(host, port) else ""
    return "it speaks HTTPS only"


async def _speaks_http2(host: str, port: int) -> bool:
    """Whether a request in HTTP/2, for which nobody was asked before, is answered."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_OTHER_TRY_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, limit=_MOST_BYTES)
            # GET, http and / are in every table of HTTP/2's headers; the name is written out.
            authority = f"127.0.0.1:{port}".encode()
            block = b"\x82\x86\x84\x41" + bytes([len(authority)]) + authority
            writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _END, 1, block))
            return await _answered(reader)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _answered(reader: asyncio.StreamReader) -> bool:
    for _ in range(_MOST_FRAMES):
        head = await reader.readexactly(_HEAD_BYTES)
        length, kind, stream = int.from_bytes(head[:3]), head[3], int.from_bytes(head[5:9])
        if length > _MOST_BYTES:
            return False
        if stream == 1:
            return kind in {_HEADERS, _RESET}
        await reader.readexactly(length)
    return False


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload
