"""Following a deployment: its log, steps and status as server-sent events, encoded once however many follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, aclosing, suppress

from starlette.types import Receive, Scope, Send

from headway.core.access.audience import Listener
from headway.http.channels import Channel, View
from headway.http.outlets import AsgiStream, EventOutlet, Gone, Outlet
from headway.infra.logs.broadcast import Broadcast, Chunk, Dropped
from headway.kernel.errors import Unavailable

HEARTBEAT_SECONDS = 15.0
STUCK_SECONDS = 30.0
_RETRY_SECONDS = 1.0  # while the database is away, and while a running deployment has no live log
_SECONDS_TO_CLOSE = 1.0


class Follower(AsgiStream):
    """One reader of a deployment's events."""

    def __init__(
        self,
        listening: Callable[[], AbstractContextManager[Listener]],
        enter: Callable[[Follower], Channel],
        leave: Callable[[Channel, Follower], None],
        broadcast: Broadcast,
        offset: int,
        *,
        sees: Callable[[View], bool],
    ) -> None:
        """``sees`` says of a view whether the reader may see it; it is sent away once it may not."""
        self._listening = listening
        self._enter = enter
        self._leave = leave
        self._broadcast = broadcast
        self._offset = offset
        self._sees = sees
        self._deployment_id = ""  # which its channel tells
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
        self._deployment_id = channel.deployment_id
        try:
            with self._listening() as listener:
                await outlet.begin()
                await _require_still(listener)
                await self._tell_all(channel, receive, outlet, listener)
        except* Gone:
            pass
        finally:
            self._leave(channel, self)
        with suppress(TimeoutError):  # a reader that hangs does not take this either
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await outlet.close()

    async def _tell_all(self, channel: Channel, receive: Receive, outlet: Outlet, listener: Listener) -> None:
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

    async def _tell_log(self, channel: Channel, outlet: Outlet) -> None:
        """The log to its end. What is read after the end is known is all there will ever be."""
        while True:
            read, ended = channel.read, channel.view.ended
            following = self._broadcast.follow(channel.deployment_id, self._offset, expected=not ended)
            async with aclosing(following) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Dropped):
                        raise Gone
                    with suppress(Unavailable):  # the log does not wait for the database
                        self._require(await channel.current())  # a step is recorded before it says anything
                    await self._tell_chunk(chunk, channel.view, outlet)
            if ended:
                return
            await _within(_RETRY_SECONDS, read)

    def _require(self, view: View) -> None:
        if not self._sees(view):  # its service lies in another project now: who comes back is told
            raise Gone

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

    async def _tell_moves(self, channel: Channel, outlet: Outlet) -> None:
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
                self._require(view)
                if view.ended:  # which is told once the log is
                    return
                await self._tell_view(view, self._offset, outlet)
            if not await _within(pause, moved):
                await self._sent(outlet.beat())

    async def _tell_view(self, view: View, until: int | None, outlet: Outlet) -> None:
        """What is new of a view, but for steps that begin behind ``until``, which the log has not reached yet."""
        async with self._turn:
            await self._tell_steps(view, until, outlet)
            status = self._status_of(view)
            if status and status != self._status:
                self._status = status
                await self._sent(outlet.tell(status))

    def _status_of(self, view: View) -> bytes:
        return view.status

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


async def _require_still(listener: Listener) -> None:
    """Sends a reader away whose access ended between the question whether it may and the moment it began to listen."""
    with suppress(Unavailable):
        if await listener.is_still():
            return
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
