"""Consoles: a command inside what runs now of a service, for as long as somebody sits before it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import field, replace
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.run import RunFailed
from headway.drivers.runtimes.contract.inner_places import InContainer, Inside
from headway.features.services.application import runs, store
from headway.features.services.application.console import Console, Conversation
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import Application
from headway.features.services.application.service import ApplicationService
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.application.variables import known_secrets
from headway.features.services.kinds import ServiceKind
from headway.features.services.model import DesiredState, Release
from headway.features.services.service import ServiceUseCases
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host, HostUnreachable
from headway.infra.hosts.local_program import converse_here
from headway.infra.hosts.ssh import SshHost
from headway.infra.logs.mask import masker_of
from headway.kernel.console_frames import Kind, framed
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, NotFound, TooManyRequests, Unavailable
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

_UNIX = "unix://"
_SECONDS_TO_BEGIN = 60.0
_SECONDS_TO_END = 20.0
_RETRY_AFTER_SECONDS = 10
_SILENCE_SECONDS = 60.0  # after which the other side takes us for gone

Json = Any


class TooManyConsoles(TooManyRequests):
    """There are as many as there may be, in all or of one person or organisation."""

    def __init__(self, most: int, of: str = "") -> None:
        super().__init__(f"{most} commands{of} are open already, and no more may be. End some.", _RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePart:
    """One of the services that a service is made of, by its ``name`` there."""

    services: ServiceUseCases[Any]
    kind: ServiceKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    """A command that somebody may have carried out once, until ``ends``: inside an application, or a ``part`` of the
    service. ``permission`` is what it took to ask for it, and takes to enter.
    """

    permission: Permission
    user_id: str
    organization_id: str
    service_id: str
    command: Sequence[str]
    process: str | None
    window: tuple[int, int] | None
    terminal: str
    ends: float
    part: ServicePart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Serving:
    """What serves, and where: a ``release`` of an application, or what the kind of a service finds its part by again.
    ``mask`` is what must not show of it.
    """

    host_id: str
    mask: set[str]
    application: Application | None = None
    release: Release | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)


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
        service_id: str,
        command: Sequence[str],
        *,
        process: str | None = None,
        window: tuple[int, int] | None,
        terminal: str,
        part: ServicePart | None = None,
    ) -> str:
        """The id of a console inside an application, or inside the ``part`` of another service, that the caller may
        enter within a minute. Raises InvalidInput, Conflict, TooManyConsoles, Missing, Forbidden.
        """
        runs.check(command, None)
        now = time.monotonic()
        for console_id in [each for each, wish in self.wishes.items() if wish.ends < now]:
            del self.wishes[console_id]
        self._require_seat(actor)
        await self._serving(actor, permission, service_id, part)
        self._require_seat(actor)  # others have asked meanwhile
        console_id = new_id()
        self.wishes[console_id] = ConsoleRequest(
            permission=permission,
            user_id=actor.user_id,
            organization_id=actor.organization_id,
            service_id=service_id,
            command=tuple(command),
            process=process,
            window=window,
            terminal=terminal,
            ends=now + _SECONDS_TO_BEGIN,
            part=part,
        )
        return console_id

    @asynccontextmanager
    async def entered(
        self, actor: Actor, console_id: str, require: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator[Console]:
        """The console that was wished for, by the one who did and still may, once. All that its command has started has
        ended when the block does. ``require`` is asked last before it begins, of its service, and raises where it may
        not. Raises Missing, Forbidden, Conflict, HostUnreachable.
        """
        wish = self.wishes.get(console_id)
        if wish is None or wish.user_id != actor.user_id or wish.ends < time.monotonic():
            raise NotFound("There is no such console any more; ask for another.")
        del self.wishes[console_id]
        seat = Seat(user_id=wish.user_id, organization_id=wish.organization_id, host_id="")
        self.open[console_id] = seat
        try:
            serving = await self._serving(actor, wish.permission, wish.service_id, wish.part)
            self._require_room(serving.host_id)
            self.open[console_id] = replace(seat, host_id=serving.host_id)
            terms = await self._terms(serving, wish, console_id)
            host = self.lifecycle.hosts[serving.host_id]
            conversation = await _begun(host, self.lifecycle.contexts.at(serving.host_id).folders.native)
            try:
                if serving.application is not None:
                    serving.mask.update(await self.lifecycle.driver.secrets(serving.application))
                masker = await masker_of(serving.mask)
                require(wish.service_id)
                await conversation.write(framed(Kind.TERMS, json.dumps(terms).encode()))
                yield Console(conversation, masker, self.idle_seconds, self.stopping)
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

    async def _serving(
        self, actor: Actor, permission: Permission, service_id: str, part: ServicePart | None
    ) -> _Serving:
        """Raises Conflict where nothing serves, Missing, Forbidden."""
        if part is None:
            application = await self.applications.one(actor, permission, service_id)
            return await self.db.read(lambda tx: self._of_application(tx, application))
        service = await part.services.one(actor, permission, service_id)
        try:
            place = await self.db.read(lambda tx: part.kind.scripts.place(tx, service_id, part.name))
        except RunFailed as failed:
            raise Conflict(failed.message) from failed
        return _Serving(host_id=service.host_id, mask={*place.mask}, plan=place.plan)

    def _of_application(self, tx: Tx, application: Application) -> _Serving:
        release = store.serving(tx, application.service_id)
        if release is None:
            raise Conflict(f"The application {application.name} was never deployed; deploy it first.")
        if application.wanted is not DesiredState.UP:
            raise Conflict(f"The application {application.name} is stopped; start it first.")
        snapshot = open_snapshot(store.spec_of(tx, release.release_id), self.vault)
        mask = known_secrets(tx, application, self.vault) | {*(snapshot.mask if snapshot is not None else ())}
        return _Serving(host_id=release.host_id, mask=mask, application=application, release=release)

    async def _terms(self, serving: _Serving, wish: ConsoleRequest, console_id: str) -> Json:
        inside = await self._inside(serving, wish)
        told: dict[str, Json] = {"id": console_id, "argv": [*wish.command], "silence": _SILENCE_SECONDS}
        told |= {"window": wish.window, "term": wish.terminal}
        if isinstance(inside, InContainer):
            if wish.process not in {None, "web"}:
                raise Conflict(f"It runs as a container, which has no process {wish.process}; leave it out.")
            engine = self.lifecycle.contexts.at(serving.host_id).imaging.host.removeprefix(_UNIX)
            return told | {
                "container_id": inside.container_id,
                "pid": inside.pid,
                "engine": engine,
                "use_group": self.use_groups,
            }
        assert serving.release is not None  # noqa: S101 - what else serves runs in containers
        return told | await self._process(serving.release, wish.process)

    async def _inside(self, serving: _Serving, wish: ConsoleRequest) -> Inside:
        if wish.part is None:
            assert serving.release is not None  # noqa: S101 - an application's
            return await self.lifecycle.driver.runtime(serving.release).inside(serving.release.release_id)
        try:
            return await wish.part.kind.scripts.enter(serving.host_id, serving.plan)
        except RunFailed as failed:
            raise Conflict(failed.message) from failed

    async def _process(self, release: Release, wanted: str | None) -> dict[str, Json]:
        status = await self.lifecycle.driver.runtime(release).status(release.release_id)
        processes = {each.name: each for each in status.processes}
        name = wanted or next(iter(processes), "")
        if wanted is not None and name not in processes:
            there = ", ".join(processes) or "none"
            raise Conflict(f"It has no process {name}; it has: {there}.")
        if name not in processes or not processes[name].up:
            raise Conflict(f"The process {name or 'web'} does not run now; its logs say why.")
        return {"release_id": release.release_id, "process": name, "pid": processes[name].pid}


async def _begun(host: Host, root: str) -> Conversation:
    argv = (f"{root}/python", "-I", "-S", f"{root}/console.py", root)
    if not isinstance(host, SshHost):
        return await converse_here(*argv)
    try:
        async with asyncio.timeout(_SECONDS_TO_BEGIN):
            return await host.converse(*argv)
    except TimeoutError:
        raise Unavailable(f"{host.target.place} has no session left for it; try again.") from None


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
