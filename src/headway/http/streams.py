"""Following a deployment: its log, steps and status as server-sent events, encoded once however many follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.api.rows import moment
from headway.core.access.audience import Audience, Listener
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.model import Deployment, StepRecord
from headway.core.deployments.service import DeploymentService
from headway.http.outlets import AsgiStream, EventOutlet, Gone, Outlet
from headway.infra.logs.broadcast import Broadcast, Chunk, Dropped
from headway.kernel.errors import NotFound, Unavailable
from headway.kernel.events import DeploymentMoved, Events

HEARTBEAT_SECONDS = 15.0
STUCK_SECONDS = 30.0
_RETRY_SECONDS = 1.0  # while the database is away, and while a running deployment has no live log
_SECONDS_TO_CLOSE = 1.0


class Follows:
    """Everything that is followed now. One reading of the database serves all who follow the same deployment."""

    def __init__(
        self, deployments: DeploymentService, broadcast: Broadcast, events: Events, audience: Audience
    ) -> None:
        self._deployments = deployments
        self._broadcast = broadcast
        self._channels: dict[str, _Channel] = {}
        self._closed = False
        self._audience = audience
        events.listen(DeploymentMoved, self._moved)

    async def open(self, actor: Actor, permission: Permission, deployment_id: str, offset: int) -> Follower:
        """A follower of a deployment's log from byte ``offset`` on. Raises NotFound where the caller may see none."""
        self._audience.admit(actor)
        await self._deployments.one(actor, permission, deployment_id)

        def enter(follower: Follower) -> _Channel:
            return self._enter(actor, permission, deployment_id, follower)

        listening = partial(self._audience.listening, actor)
        return Follower(listening, enter, self._leave, self._broadcast, offset)

    async def listen(self, actor: Actor, permission: Permission, log_path: str, server_id: str | None) -> Follower:
        """A follower of the log that a row names as its ``logPath``, from its beginning. Raises NotFound."""
        deployment = await self._deployments.of_log(actor, permission, log_path, server_id)
        return await self.open(actor, permission, deployment.deployment_id, 0)

    def count(self) -> int:
        """How many follow."""
        return sum(len(channel.followers) for channel in self._channels.values())

    def close(self) -> None:
        """Sends every follower away: the panel stops; they come back to its successor and go on where they were."""
        self._closed = True
        for channel in self._channels.values():
            channel.close()

    def _enter(self, actor: Actor, permission: Permission, deployment_id: str, follower: Follower) -> _Channel:
        channel = self._channels.get(deployment_id)
        if channel is None:
            channel = _Channel(deployment_id, lambda: self._look(actor, permission, deployment_id))
            self._channels[deployment_id] = channel
        if self._closed:
            channel.close()
        channel.followers.add(follower)
        return channel

    def _leave(self, channel: _Channel, follower: Follower) -> None:
        channel.followers.discard(follower)
        if not channel.followers:
            del self._channels[channel.deployment_id]

    def _moved(self, event: DeploymentMoved) -> None:
        channel = self._channels.get(event.deployment_id)
        if channel is not None:
            channel.stale()

    async def _look(self, actor: Actor, permission: Permission, deployment_id: str) -> View:
        try:
            deployment = await self._deployments.one(actor, permission, deployment_id)
            view = view_of(deployment, await self._deployments.steps(actor, permission, deployment_id))
        except NotFound:
            view = View(ended=True)
        if view.ended:
            self._broadcast.ended(deployment_id)  # one that never ran has no log that could say so
        return view


@dataclass(frozen=True, slots=True)
class StepNews:
    """A step as a ready event, and where it began in the log."""

    offset: int
    event: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What followers are told of a deployment beside its log: ready events, the steps' by their names, in the order in
    which they began.
    """

    status: bytes = b""
    steps: Mapping[str, StepNews] = field(default_factory=dict)
    ended: bool = False


def view_of(deployment: Deployment, steps: list[StepRecord]) -> View:
    """The events that tell a deployment's present state."""
    status = {
        "status": deployment.status,
        "reason": deployment.reason,
        "errorMessage": deployment.error_message,
        "startedAt": moment(deployment.started_at),
        "finishedAt": moment(deployment.finished_at),
        "killRequestedAt": moment(deployment.kill_requested_at),
    }
    return View(
        status=_event("status", status),
        steps={step.name: StepNews(step.log_offset, _event("step", _step(step))) for step in steps},
        ended=deployment.status.ended,
    )


def _step(step: StepRecord) -> dict[str, Any]:
    return {
        "name": step.name,
        "startedAt": moment(step.started_at),
        "finishedAt": moment(step.finished_at),
        "logOffset": step.log_offset,
    }


def _event(kind: str, data: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), to_json(data))


class _Channel:
    """One followed deployment: its view, read again after it moved, by whichever follower comes first."""

    def __init__(self, deployment_id: str, look: Callable[[], Any]) -> None:
        self.deployment_id = deployment_id
        self.followers: set[Follower] = set()
        self.view = View()
        self.closed = False
        self.moved = asyncio.Event()
        self.read = asyncio.Event()
        self._look = look
        self._reading = asyncio.Lock()
        self._version = 1
        self._read_version = 0

    def stale(self) -> None:
        """The deployment moved: the view is to be read again. Wakes all who wait for ``moved``."""
        self._version += 1
        self.moved, moved = asyncio.Event(), self.moved
        moved.set()

    def close(self) -> None:
        self.closed = True
        self.stale()

    async def current(self) -> View:
        """The newest view. Raises Unavailable when the database is away."""
        async with self._reading:
            if self._read_version != self._version:
                version = self._version
                self.view = await self._look()
                self._read_version = version
                self.read, read = asyncio.Event(), self.read
                read.set()
        return self.view


class Follower(AsgiStream):
    """One reader of a deployment's events."""

    def __init__(
        self,
        listening: Callable[[], AbstractContextManager[Listener]],
        enter: Callable[[Follower], _Channel],
        leave: Callable[[_Channel, Follower], None],
        broadcast: Broadcast,
        offset: int,
    ) -> None:
        self._listening = listening
        self._enter = enter
        self._leave = leave
        self._broadcast = broadcast
        self._offset = offset
        self._steps: dict[str, bytes] = {}
        self._status = b""
        self._turn = asyncio.Lock()  # of the two that tell: what each says in one go is not taken apart
        self._sending = 0
        self._sending_since = 0.0

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends events until the deployment's end, or until the reader has gone."""
        await self.follow(EventOutlet(send), receive)

    async def follow(self, outlet: Outlet, receive: Receive) -> None:
        """Tells the outlet until the deployment's end, or until the reader has gone."""
        channel = self._enter(self)
        try:
            with self._listening() as listener:
                await outlet.begin()
                await self._tell_all(channel, receive, outlet, listener)
        except* Gone:
            pass
        finally:
            self._leave(channel, self)
        with suppress(TimeoutError):  # a reader that hangs does not take this either
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await outlet.close()

    async def _tell_all(self, channel: _Channel, receive: Receive, outlet: Outlet, listener: Listener) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(receive))
            allowed = group.create_task(_until_over(listener))
            moving = group.create_task(self._tell_moves(channel, outlet))
            await self._tell_log(channel, outlet)
            await moving
            await self._tell_view(channel.view, None, outlet)
            await self._sent(outlet.end())
            watching.cancel()
            allowed.cancel()

    async def _tell_log(self, channel: _Channel, outlet: Outlet) -> None:
        """The log to its end. What is read after the end is known is all there will ever be."""
        while True:
            read, ended = channel.read, channel.view.ended
            following = self._broadcast.follow(channel.deployment_id, self._offset, expected=not ended)
            async with aclosing(following) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Dropped):
                        raise Gone
                    with suppress(Unavailable):  # the log does not wait for the database
                        await channel.current()  # a step is recorded before it says anything
                    await self._tell_chunk(chunk, channel.view, outlet)
            if ended:
                return
            await _within(_RETRY_SECONDS, read)

    async def _tell_chunk(self, chunk: Chunk, view: View, outlet: Outlet) -> None:
        """A piece of the log, parted where steps began: each is told before what it says, and after what was before."""
        async with self._turn:
            for name, step in view.steps.items():
                if name in self._steps or not chunk.offset < step.offset < chunk.end_offset:
                    continue
                await self._tell_steps(view, chunk.offset, outlet)
                await self._sent(outlet.log(chunk.until(step.offset)))
                chunk = chunk.after(step.offset)
            await self._tell_steps(view, chunk.offset, outlet)
            await self._sent(outlet.log(chunk))
            self._offset = chunk.end_offset
            await self._tell_steps(view, self._offset, outlet)

    async def _tell_moves(self, channel: _Channel, outlet: Outlet) -> None:
        """Steps and status as they come, and a heartbeat when nothing does."""
        while True:
            moved = channel.moved
            if channel.closed:
                raise Gone
            pause = HEARTBEAT_SECONDS
            try:
                view = await channel.current()
            except Unavailable:
                pause = _RETRY_SECONDS
            else:
                if view.ended:  # which is told once the log is
                    return
                await self._tell_view(view, self._offset, outlet)
            if not await _within(pause, moved):
                await self._sent(outlet.beat())

    async def _tell_view(self, view: View, until: int | None, outlet: Outlet) -> None:
        """What is new of a view, but for steps that begin behind ``until``, which the log has not reached yet."""
        async with self._turn:
            await self._tell_steps(view, until, outlet)
            if view.status and view.status != self._status:
                self._status = view.status
                await self._sent(outlet.tell(view.status))

    async def _tell_steps(self, view: View, until: int | None, outlet: Outlet) -> None:
        for name, step in view.steps.items():
            known = self._steps.get(name)
            if known != step.event and (known is not None or until is None or step.offset <= until):
                self._steps[name] = step.event
                await self._sent(outlet.tell(step.event))

    async def _sent(self, sending: Coroutine[None, None, None]) -> None:
        if not self._sending:
            self._sending_since = time.monotonic()
        self._sending += 1
        await sending
        self._sending -= 1

    async def _watch(self, receive: Receive) -> None:
        """Notices a reader that leaves, and one that takes nothing for long, which holds memory here."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    message = await receive()
            except TimeoutError:
                if self._sending and time.monotonic() - self._sending_since > STUCK_SECONDS:
                    raise Gone from None
            else:
                if message["type"] in {"http.disconnect", "websocket.disconnect"}:
                    raise Gone


async def _until_over(listener: Listener) -> None:
    """Sends a reader away whose access has changed or whose key has ended: it comes back and is asked who it is."""
    await listener.over()
    raise Gone


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
