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

from headway.infra import http_client
from headway.infra.http_client import Answer, CutOff, NotHttp, Streams
from headway.kernel.errors import HeadwayError, Unavailable

Dial = Callable[[], Awaitable[Streams]]
Json = Any

_HERE = "this machine"
_SECONDS = 60.0
_PING_SECONDS = 5.0
_FILE_SECONDS = 300.0
_HOST: Mapping[str, str] = {"Host": "docker"}
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

    async def dial() -> Streams:
        return await asyncio.open_unix_connection(path)

    return dial


class DockerApi:
    """An engine at a ``place``. Every call raises EngineAway when it does not answer, EngineRefused when it says no."""

    def __init__(self, dial: Dial, place: str = _HERE) -> None:
        self._dial = dial
        self.place = place
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
        with self._away(_SECONDS):
            async with asyncio.timeout(_SECONDS):
                streams = await self._dial()
            try:
                try:
                    answer = await http_client.ask(streams, "GET", _target(path, query), _HOST)
                except CutOff:  # it has ended before it began
                    return
                await _require_done(answer)
                with contextlib.suppress(CutOff):
                    while piece := await answer.read():
                        yield piece
            finally:
                streams[1].close()

    async def converse(self, path: str, body: Json) -> Streams:
        """The two ends of what goes on in place of an answer, to be closed by whoever asks."""
        headers = {**_HOST, "Connection": "Upgrade", "Upgrade": "tcp", "Content-Type": "application/json"}
        with self._away(_SECONDS), contextlib.ExitStack() as closing:
            async with asyncio.timeout(_SECONDS):
                streams = await self._dial()
                closing.callback(streams[1].close)
                answer = await http_client.ask(streams, "POST", path, headers, json.dumps(body).encode())
                if answer.status != http_client.SWITCHING:
                    raise EngineRefused(_complaint(answer.status, await answer.body()), answer.status)
            closing.pop_all()
            return streams

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
        raise EngineTooOld(self.place)

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
        with self._away(seconds):
            async with asyncio.timeout(seconds):
                streams = await self._dial()
                try:
                    answer = await http_client.ask(streams, method, _target(path, query), {**_HOST, **headers}, content)
                    await _require_done(answer)
                    return await answer.body()
                finally:
                    await http_client.close(streams[1])

    @contextlib.contextmanager
    def _away(self, seconds: float) -> Iterator[None]:
        """Says of what keeps it from answering that the engine is away."""
        try:
            yield
        except TimeoutError as error:
            raise EngineAway(f"no answer within {seconds:g} s", self.place) from error
        except OSError as error:
            raise EngineAway(error.strerror or str(error), self.place) from error
        except NotHttp as error:
            raise EngineAway("what answers there is no Docker engine", self.place) from error


def keeps_policies(version: Json) -> bool:
    """Whether an engine of this version holds builds to a policy of sources; an older one ignores it without a word."""
    spoken = tuple(int(part) for part in version["ApiVersion"].split(".") if part.isdecimal())
    return spoken >= _POLICIES


async def _require_done(answer: Answer) -> None:
    """Raises EngineRefused where the engine says no."""
    if answer.status >= 400:
        raise EngineRefused(_complaint(answer.status, await answer.body()), answer.status)


def _target(path: str, query: Mapping[str, Json]) -> str:
    return f"{path}?{urlencode({name: _written(value) for name, value in query.items()})}" if query else path


def _written(value: Json) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value)


def _value(body: bytes) -> Json:
    return json.loads(body) if body.strip() else None


def _complaint(status: int, body: bytes) -> str:
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace").strip() or f"status {status}"
    return f"Docker refuses: {said}"
