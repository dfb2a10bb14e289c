"""Consoles: a command inside what runs now of an application, for as long as somebody sits before it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from os.path import commonprefix
from typing import Any, Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.engine.background import beside
from headway.drivers.runtimes.contract.inside import InContainer
from headway.features.services.application import runs, store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import Application
from headway.features.services.application.service import ApplicationService
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.application.variables import known_secrets
from headway.features.services.model import DesiredState, Release
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host, HostUnreachable
from headway.infra.hosts.local_program import converse_here
from headway.infra.hosts.ssh import SshHost
from headway.infra.logs.mask import Masker
from headway.kernel.console_frames import HEAD, Kind, framed, head_of
from headway.kernel.errors import Conflict, NotFound, TooManyRequests, Unavailable
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

_UNIX = "unix://"
_SECONDS_TO_BEGIN = 60.0
_SECONDS_TO_END = 20.0
_RETRY_AFTER_SECONDS = 10
_BEAT_SECONDS = 15.0
_SILENCE_SECONDS = 60.0  # after which the other side takes us for gone
_QUIET_SECONDS = 0.1  # after which what could begin a secret is shown as it stands: somebody types
_PIECES = 4

Json = Any
Piece = tuple[Kind, bytes]


class TooManyConsoles(TooManyRequests):
    """There are as many as there may be, in all or of one person or organisation."""

    def __init__(self, most: int, of: str = "") -> None:
        super().__init__(f"{most} commands{of} are open already, and no more may be. End some.", _RETRY_AFTER_SECONDS)


class Conversation(Protocol):
    """A program on the application's machine that carries the command out."""

    async def read(self, count: int) -> bytes: ...

    async def read_out(self) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def complaint(self, seconds: float = ...) -> str: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    """A command that somebody may have carried out once, until ``ends``."""

    user_id: str
    organization_id: str
    application_id: str
    command: Sequence[str]
    process: str | None
    window: tuple[int, int] | None
    terminal: str
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Whose a console is that is open, and on which host; it begins while that is empty."""

    user_id: str
    organization_id: str
    host_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleService:
    """What callers may have carried out. ``most`` may be at a time, ``most_of_one`` of a person, ``most_there`` on one
    server, which allows few sessions, and of an organisation none more than it leaves to others. One in which nothing
    is written to and fro for ``idle_seconds`` is ended. ``open`` are those that were entered.
    """

    db: Database
    vault: Vault
    applications: ApplicationService
    lifecycle: ApplicationLifecycle
    idle_seconds: float
    use_groups: bool
    most: int = 32
    most_of_one: int = 8
    most_there: int = 3
    wishes: dict[str, ConsoleRequest] = field(default_factory=dict)
    open: dict[str, Seat] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def wish(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        command: Sequence[str],
        *,
        process: str | None,
        window: tuple[int, int] | None,
        terminal: str,
    ) -> str:
        """The id of a console that the caller may enter within a minute. Raises InvalidInput, Conflict,
        TooManyConsoles, Missing, Forbidden.
        """
        runs.check(command, None)
        now = time.monotonic()
        for console_id in [each for each, wish in self.wishes.items() if wish.ends < now]:
            del self.wishes[console_id]
        self._require_seat(actor)
        application = await self.applications.one(actor, permission, application_id)
        await self.db.run(lambda tx: self._serving(tx, application))
        self._require_seat(actor)  # others have asked meanwhile
        console_id = new_id()
        self.wishes[console_id] = ConsoleRequest(
            user_id=actor.user_id,
            organization_id=actor.organization_id,
            application_id=application_id,
            command=tuple(command),
            process=process,
            window=window,
            terminal=terminal,
            ends=now + _SECONDS_TO_BEGIN,
        )
        return console_id

    @asynccontextmanager
    async def entered(
        self, actor: Actor, permission: Permission, console_id: str, require: Callable[[], None] = lambda: None
    ) -> AsyncIterator[Console]:
        """The console that was wished for, by the one who did, once. All that its command has started has ended when
        the block does. ``require`` is asked last before it begins, and raises where it may not. Raises Missing,
        Forbidden, Conflict, HostUnreachable.
        """
        wish = self.wishes.get(console_id)
        if wish is None or wish.user_id != actor.user_id or wish.ends < time.monotonic():
            raise NotFound("There is no such console any more; ask for another.")
        del self.wishes[console_id]
        seat = Seat(user_id=wish.user_id, organization_id=wish.organization_id, host_id="")
        self.open[console_id] = seat
        try:
            application = await self.applications.one(actor, permission, wish.application_id)
            _, release, mask = await self.db.read(lambda tx: self._serving(tx, application))
            self._require_room(release.host_id)
            self.open[console_id] = replace(seat, host_id=release.host_id)
            terms = await self._terms(release, wish, console_id)
            host = self.lifecycle.hosts[release.host_id]
            conversation = await _begun(host, self.lifecycle.contexts.at(release.host_id).folders.native)
            try:
                mask |= await self.lifecycle.driver.secrets(application)
                require()
                await conversation.write(framed(Kind.TERMS, json.dumps(terms).encode()))
                yield Console(conversation, Masker(mask), self.idle_seconds, self.stopping)
            finally:
                await _end(conversation)
        finally:
            del self.open[console_id]

    def close(self) -> None:
        """Ends all of them: the panel stops."""
        self.stopping.set()

    def _require_seat(self, actor: Actor) -> None:
        taken: list[ConsoleRequest | Seat] = [*self.wishes.values(), *self.open.values()]
        if sum(each.user_id == actor.user_id for each in taken) >= self.most_of_one:
            raise TooManyConsoles(self.most_of_one)
        if len(taken) >= self.most:
            raise TooManyConsoles(self.most)
        theirs = sum(each.organization_id == actor.organization_id for each in taken)
        if theirs >= self.most - len(taken):  # however many organisations take all that they get, one more gets some
            raise TooManyConsoles(theirs, " of your organisation")

    def _require_room(self, host_id: str) -> None:
        there = sum(each.host_id == host_id for each in self.open.values())
        if host_id != self.lifecycle.tools.host_id and there >= self.most_there:
            raise TooManyConsoles(self.most_there)

    def _serving(self, tx: Tx, application: Application) -> tuple[Application, Release, set[str]]:
        release = store.serving(tx, application.service_id)
        if release is None:
            raise Conflict(f"The application {application.name} was never deployed; deploy it first.")
        if application.wanted is not DesiredState.UP:
            raise Conflict(f"The application {application.name} is stopped; start it first.")
        snapshot = open_snapshot(store.spec_of(tx, release.release_id), self.vault)
        mask = known_secrets(tx, application, self.vault) | {*(snapshot.mask if snapshot is not None else ())}
        return application, release, mask

    async def _terms(self, release: Release, wish: ConsoleRequest, console_id: str) -> Json:
        runtime = self.lifecycle.driver.runtime(release)
        inside = await runtime.inside(release.release_id)
        told: dict[str, Json] = {"id": console_id, "argv": [*wish.command], "silence": _SILENCE_SECONDS}
        told |= {"window": wish.window, "term": wish.terminal}
        if isinstance(inside, InContainer):
            if wish.process not in {None, "web"}:
                raise Conflict(f"It runs as a container, which has no process {wish.process}; leave it out.")
            engine = self.lifecycle.contexts.at(release.host_id).imaging.host.removeprefix(_UNIX)
            return told | {
                "container_id": inside.container_id,
                "pid": inside.pid,
                "engine": engine,
                "use_group": self.use_groups,
            }
        processes = {each.name: each for each in (await runtime.status(release.release_id)).processes}
        name = wish.process or next(iter(processes), "")
        if wish.process is not None and name not in processes:
            there = ", ".join(processes) or "none"
            raise Conflict(f"It has no process {name}; it has: {there}.")
        if name not in processes or not processes[name].up:
            raise Conflict(f"The process {name or 'web'} does not run now; its logs say why.")
        return told | {"release_id": release.release_id, "process": name, "pid": processes[name].pid}


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


async def _begun(host: Host, root: str) -> Conversation:
    argv = (f"{root}/python", "-I", "-S", f"{root}/console.py", root)
    if not isinstance(host, SshHost):
        return await converse_here(*argv)
    try:
        async with asyncio.timeout(_SECONDS_TO_BEGIN):
            return await host.converse(*argv)
    except TimeoutError:
        raise Unavailable(f"{host.target.place} has no session left for it; try again.") from None


async def _piece(conversation: Conversation) -> Piece:
    kind, length = head_of(await conversation.read(HEAD.size))
    return kind, await conversation.read(length)


async def _end(conversation: Conversation) -> None:
    """Lets go of it, and returns once it has ended all that it has begun. Raises Unavailable where it does not."""
    try:
        conversation.finish()
        async with asyncio.timeout(_SECONDS_TO_END):
            with suppress(HostUnreachable):
                await conversation.read_out()  # whoever read before may have left amid a piece
    except TimeoutError:
        raise Unavailable("The command does not end; stop its application to end it.") from None
    finally:
        conversation.close()
