"""A command in a console: what goes to and fro between it and whoever sits before it, masked, until either ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from os.path import commonprefix
from typing import Protocol

from headway.core.engine.background import beside
from headway.infra.hosts.base import HostUnreachable
from headway.infra.logs.mask import Masker
from headway.kernel.console_frames import HEAD, Kind, framed, head_of

_BEAT_SECONDS = 15.0
_QUIET_SECONDS = 0.1  # after which what could begin a secret is shown as it stands: somebody types
_PIECES = 4

Piece = tuple[Kind, bytes]


class Conversation(Protocol):
    """A program on the application's machine that carries the command out."""

    async def read(self, count: int) -> bytes: ...

    async def read_out(self) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def complaint(self, seconds: float = ...) -> str: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class _Output:
    """What a command writes, masked. What could begin a secret is shown as it stands once it is quiet, unless it is so
    long that it tells something; either way what comes then is masked as if nobody had waited.
    """

    def __init__(self, masker: Masker) -> None:
        self._masked = masker.stream()
        self._ahead = b""  # what is shown already of what is kept back

    @property
    def waits(self) -> bool:
        """Whether there is something to show once it is quiet."""
        return len(self._masked.held) > len(self._ahead) and self._masked.is_likely_open

    def feed(self, data: bytes) -> bytes:
        """The text to show now that this has come."""
        return self._more(self._masked.feed(data))

    def so_far(self) -> bytes:
        """The text to show now that it is quiet."""
        if not self.waits:
            return b""
        before, self._ahead = self._ahead, self._masked.held
        return self._ahead[len(before) :]

    def finish(self) -> bytes:
        """The text to show at its end."""
        return self._more(self._masked.finish())

    def _more(self, text: bytes) -> bytes:
        same = len(commonprefix([text, self._ahead]))  # noqa: RUF071 - no paths
        self._ahead = self._ahead[same:] if same == len(text) else b""
        return text[same:]


class Console:
    """A command that is being carried out."""

    def __init__(
        self, conversation: Conversation, masker: Masker, idle_seconds: float, stopping: asyncio.Event
    ) -> None:
        self._conversation = conversation
        self.idle_seconds = idle_seconds
        self._stopping = stopping
        self._outputs = {kind: _Output(masker) for kind in (Kind.OUTPUT, Kind.ERRORS)}
        self._moved = time.monotonic()

    async def write(self, kind: Kind, data: bytes) -> None:
        """Hands a piece on to the command. Raises HostUnreachable."""
        self._moved = time.monotonic()
        await self._conversation.write(framed(kind, data))

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """What it writes, masked, and at last how it has ended."""
        heard: asyncio.Queue[Piece | None] = asyncio.Queue(_PIECES)
        async with beside(self._hear(heard)), beside(self._beat()), beside(self._why_over()) as over:
            while True:
                piece = await self._next(heard, over)
                if isinstance(piece, str):
                    yield Kind.END, json.dumps({"error": piece}).encode()
                    return
                if piece is None:
                    for shown in self._shown(_Output.so_far):
                        yield shown
                    continue
                kind, data = piece
                self._moved = time.monotonic()
                if kind is Kind.TAKEN:
                    yield piece
                    continue
                if kind is Kind.END:
                    for shown in self._shown(_Output.finish):
                        yield shown
                    yield piece
                    return
                if text := self._outputs[kind].feed(data):
                    yield kind, text

    def _shown(self, of: Callable[[_Output], bytes]) -> Iterator[Piece]:
        for kind, output in self._outputs.items():
            if text := of(output):
                yield kind, text

    async def _next(self, heard: asyncio.Queue[Piece | None], over: asyncio.Task[str]) -> Piece | str | None:
        """The next piece, or why there are no more; None where it is quiet while something waits to be shown."""
        holds = any(output.waits for output in self._outputs.values())
        async with beside(heard.get()) as getting:
            await asyncio.wait(
                {getting, over}, timeout=_QUIET_SECONDS if holds else None, return_when=asyncio.FIRST_COMPLETED
            )
            if not getting.done():
                return over.result() if over.done() else None
            found = await getting
        return found if found is not None else await self._lost()

    async def _hear(self, heard: asyncio.Queue[Piece | None]) -> None:
        with suppress(HostUnreachable, ValueError):
            while True:
                piece = await _piece(self._conversation)
                await heard.put(piece)
                if piece[0] is Kind.END:
                    return
        await heard.put(None)

    async def _beat(self) -> None:
        """Says that we are there."""
        with suppress(HostUnreachable):
            while True:
                await asyncio.sleep(_BEAT_SECONDS)
                await self._conversation.write(framed(Kind.TAKEN, b""))

    async def _lost(self) -> str:
        try:
            said = await self._conversation.complaint()
        except (TimeoutError, HostUnreachable):
            said = ""
        return f"The command was lost{f' ({said})' if said else ''}."

    async def _why_over(self) -> str:
        while (left := self._moved + self.idle_seconds - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._stopping.wait()
                    return "The panel stops, and the command was ended."
        return f"Nothing was written to or fro for {self.idle_seconds:g} s, and the command was ended."


async def _piece(conversation: Conversation) -> Piece:
    kind, length = head_of(await conversation.read(HEAD.size))
    return kind, await conversation.read(length)
