"""The engine's API, as far as deployments need it: one request on each connection, over whatever ``Dial`` opens."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import httptools

from headway.kernel.errors import HeadwayError, Unavailable

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
Json = Any

_HERE = "this machine"
_SECONDS = 60.0
_PING_SECONDS = 5.0
_FILE_SECONDS = 300.0
_CHUNK = 64 << 10
_FILE_CHUNK = 1 << 20
_MOST_BYTES = 64 << 20
_POLICIES = (1, 43)  # what Docker 24 speaks


class EngineAway(Unavailable):
    """The Docker engine does not answer."""

    def __init__(self, why: str, place: str = _HERE) -> None:
        self.why = why
        super().__init__(
            f"The Docker engine of {place} does not answer ({why}). Install it (apt-get install docker.io "
            "docker-cli docker-buildx) or start it (systemctl start docker), then deploy again."
        )


class EngineTooOld(Unavailable):
    """The engine cannot keep a build within bounds."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"The Docker engine of {place} is older than 24, and cannot keep a build from what is not its own. "
            "Renew it (on Debian 13: apt-get install docker.io docker-buildx), then deploy again."
        )


class EngineRefused(HeadwayError):
    """The engine does not do what it was asked for; ``status`` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def unix_socket(path: str) -> Dial:
    """Dials the engine of this machine."""

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(path)

    return dial


class DockerApi:
    """An engine at a ``place``. Every call raises EngineAway when it does not answer, EngineRefused when it says no."""

    def __init__(self, dial: Dial, place: str = _HERE) -> None:
        self._dial = dial
        self._place = place
        self._about: Json = None

    async def get(self, path: str, *, seconds: float = _SECONDS, **query: Json) -> Json:
        """What it knows. A query's lists and objects are sent as the JSON that it wants."""
        return _value(await self._ask("GET", path, query, seconds=seconds))

    async def find(self, path: str, **query: Json) -> Json | None:
        """As ``get``, None where there is no such thing."""
        try:
            return await self.get(path, **query)
        except EngineRefused as refused:
            if refused.status == 404:
                return None
            raise

    async def post(
        self, path: str, body: Json = None, *, seconds: float = _SECONDS, login: Json = None, **query: Json
    ) -> Json:
        """Lets it do something, and gives what it says of it. ``login`` opens a registry for it."""
        headers = {"Content-Type": "application/json"}
        if login is not None:
            headers["X-Registry-Auth"] = base64.urlsafe_b64encode(json.dumps(login).encode()).decode()
        data = b"" if body is None else json.dumps(body).encode()
        return _value(await self._ask("POST", path, query, content=data, seconds=seconds, headers=headers))

    async def send(self, path: str, file: Path, *, seconds: float = _FILE_SECONDS, **query: Json) -> bytes:
        """Lets it take a file."""
        headers = {"Content-Type": "application/x-tar"}
        return await self._ask("POST", path, query, content=file, seconds=seconds, headers=headers)

    async def delete(self, path: str, **query: Json) -> None:
        """Removes something; no error when it is gone, or being removed already."""
        try:
            await self._ask("DELETE", path, query)
        except EngineRefused as refused:
            if refused.status != 404 and "already in progress" not in refused.message:
                raise

    async def read(self, path: str, *, seconds: float = _SECONDS, **query: Json) -> bytes:
        """The bytes of an answer that is no JSON."""
        return await self._ask("GET", path, query, seconds=seconds)

    async def stream(self, path: str, **query: Json) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer that has no end of its own, as they come; it ends with whoever asks."""
        answer = _Answer()
        with self._away(_SECONDS):
            async with asyncio.timeout(_SECONDS):
                reader, writer = await self._dial()
            try:
                asked = (f"GET {_target(path, query)} HTTP/1.1", "Host: docker", "Connection: close", "", "")
                writer.write("\r\n".join(asked).encode())
                while not answer.complete and (chunk := await reader.read(_CHUNK)):
                    answer.feed(chunk)
                    if answer.status < 400 and answer.body:
                        yield answer.taken()
            finally:
                writer.close()
        if answer.status >= 400:
            raise EngineRefused(_complaint(answer), answer.status)

    async def converse(self, path: str, body: Json) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The two ends of what goes on in place of an answer, to be closed by whoever asks."""
        data = json.dumps(body).encode()
        asked = (f"POST {path} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: tcp")
        told = ("Content-Type: application/json", f"Content-Length: {len(data)}", "", "")
        with self._away(_SECONDS):
            async with asyncio.timeout(_SECONDS):
                reader, writer = await self._dial()
                writer.write("\r\n".join((*asked, *told)).encode() + data)
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                    writer.close()
                    raise ConnectionResetError(0, "the connection was closed in the middle of an answer") from error
                if head.split()[1] == b"101":
                    return reader, writer
                answer = _Answer()
                answer.feed(head)
                while not answer.complete and (chunk := await reader.read(_CHUNK)):
                    answer.feed(chunk)
                writer.close()
        raise EngineRefused(_complaint(answer), answer.status)

    async def require(self) -> None:
        """Returns where there is an engine; else raises EngineAway."""
        await self._ask("GET", "/_ping", {}, seconds=_PING_SECONDS)

    async def architecture(self) -> str:
        """What its machine is; asked once, since the engine starts programs of its own to answer that."""
        return str((await self._known())["Arch"])

    async def require_policies(self) -> None:
        """Returns where there is an engine that holds builds to a policy of sources; else raises EngineAway, or
        EngineTooOld.
        """
        await self.require()
        if keeps_policies(await self._known()):
            return
        self._about = None  # it may be renewed
        raise EngineTooOld(self._place)

    async def engine_id(self) -> str:
        """What tells it from every other engine: hosts may share one."""
        return str((await self.get("/info"))["ID"])

    async def answers(self) -> bool:
        """Whether there is an engine."""
        try:
            await self.require()
        except (EngineAway, EngineRefused):
            return False
        return True

    async def _known(self) -> Json:
        if self._about is None:
            self._about = await self.get("/version")
        return self._about

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Json],
        *,
        content: bytes | Path = b"",
        seconds: float = _SECONDS,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        target = _target(path, query)
        with self._away(seconds):
            async with asyncio.timeout(seconds):
                answer = await self._exchange(method, target, content, headers)
        if answer.status >= 400:
            raise EngineRefused(_complaint(answer), answer.status)
        return bytes(answer.body)

    @contextlib.contextmanager
    def _away(self, seconds: float) -> Iterator[None]:
        """Says of what keeps it from answering that the engine is away."""
        try:
            yield
        except TimeoutError as error:
            raise EngineAway(f"no answer within {seconds:g} s", self._place) from error
        except OSError as error:
            raise EngineAway(error.strerror or str(error), self._place) from error
        except httptools.HttpParserError as error:
            raise EngineAway("what answers there is no Docker engine", self._place) from error

    async def _exchange(self, method: str, target: str, content: bytes | Path, headers: Mapping[str, str]) -> _Answer:
        reader, writer = await self._dial()
        try:
            length = len(content) if isinstance(content, bytes) else (await asyncio.to_thread(content.stat)).st_size
            every = {"Host": "docker", "Connection": "close", "Content-Length": str(length), **headers}
            lines = (f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items()))
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            await _write(writer, content)
            answer = _Answer()
            while not answer.complete:
                chunk = await reader.read(_CHUNK)
                if not chunk:
                    raise ConnectionResetError(0, "the connection was closed in the middle of an answer")
                answer.feed(chunk)
            return answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def keeps_policies(version: Json) -> bool:
    """Whether an engine of this version holds builds to a policy of sources; an older one ignores it without a word."""
    spoken = tuple(int(part) for part in version["ApiVersion"].split(".") if part.isdecimal())
    return spoken >= _POLICIES


async def _write(writer: asyncio.StreamWriter, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        writer.write(content)
        await writer.drain()
        return
    with content.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _FILE_CHUNK):
            writer.write(chunk)
            await writer.drain()


class _Answer:
    """An HTTP answer as it comes in."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, chunk: bytes) -> None:
        self._parser.feed_data(chunk)
        if len(self.body) > _MOST_BYTES:
            raise OSError(0, "its answer is too long")

    def taken(self) -> bytes:
        """What has come of its body since this was asked last."""
        body = bytes(self.body)
        self.body.clear()
        return body

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def _target(path: str, query: Mapping[str, Json]) -> str:
    return f"{path}?{urlencode({name: _written(value) for name, value in query.items()})}" if query else path


def _written(value: Json) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value)


def _value(body: bytes) -> Json:
    return json.loads(body) if body.strip() else None


def _complaint(answer: _Answer) -> str:
    try:
        said = json.loads(answer.body)["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.body.decode(errors="replace").strip() or f"status {answer.status}"
    return f"Docker refuses: {said}"
