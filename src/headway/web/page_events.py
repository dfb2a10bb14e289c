"""What open pages are told: which topics have changed, as events, for as long as their session lasts."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.api.problems import Problem
from headway.core.access.audience import Audience, Listener
from headway.core.access.model import Actor
from headway.core.access.topics import may_know
from headway.http.answers import SECURITY_HEADERS
from headway.http.outlets import AsgiStream, Gone
from headway.kernel.clock import Clock
from headway.kernel.errors import Code
from headway.kernel.events import Changed, ChangeSource
from headway.pages.page import MOST_TOPICS

LIVE_PATH = "/live"
TOLD_HEADER = b"x-headway-told"  # of a part that is asked for again: the revision of the change that called for it
BEAT_SECONDS = 15.0
JOIN_SECONDS = 0.1  # what changes within it is one event, of which there are so at most ten a second
# The later the panel comes to it, the busier it is: so many times longer it joins what changes, to be asked less often.
_TIMES_LATE = 40
# Until then at least, and until a moment that is the same for all pages: what they ask for then is made once.
_JOINT_SECONDS = (0.25, 0.5, 1.0, 2.0)
STUCK_SECONDS = 30.0
_SECONDS_TO_CLOSE = 1.0
_LONGEST_TOPIC = 100
_LONGEST_REVISION = 16
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # proxies that would wait for more
    (b"x-headway-page", b"1"),  # as on pages
    *SECURITY_HEADERS,
)


class Live:
    """Everybody who looks at a page now. Of each change those are told who asked for its topic and may know of it."""

    def __init__(
        self,
        source: ChangeSource,
        audience: Audience,
        clock: Clock,
        *,
        beat_seconds: float = BEAT_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
    ) -> None:
        self.beat_seconds = beat_seconds
        self.stuck_seconds = stuck_seconds
        self._audience = audience
        self._clock = clock
        self._streams: dict[str, set[LiveStream]] = defaultdict(set)
        self._closed = False
        self._latest = 0
        self._mark = secrets.token_hex(4)  # another panel, and this one once it has started anew, counts by itself
        source.listen(Changed, self._changed)

    def latest(self) -> int:
        """The revision of the last change."""
        return self._latest

    def told(self, revision: int) -> str:
        """A revision as pages are told it."""
        return f"{self._mark}-{revision}"

    def told_by(self, header: bytes) -> int | None:
        """The revision in a header; None where this panel has not told it."""
        mark, _, revision = header.decode("latin-1").partition("-")
        is_ours = mark == self._mark and revision.isascii() and revision.isdigit() and len(revision) < _LONGEST_REVISION
        return int(revision) if is_ours else None

    def open(self, actor: Actor, query: str) -> LiveStream:
        """A stream for who may have one more, of the topics in a query. Raises Problem, and TooManyStreams."""
        topics = _topics_in(query)
        self._audience.admit(actor)
        return LiveStream(self, self._audience, actor, topics, self._clock)

    def enter(self, stream: LiveStream) -> None:
        """From now on it is told."""
        for topic in stream.topics:
            self._streams[topic].add(stream)
        if self._closed:
            stream.close()

    def leave(self, stream: LiveStream) -> None:
        """It is told no more."""
        for topic in stream.topics:
            self._streams[topic].discard(stream)
            if not self._streams[topic]:
                del self._streams[topic]

    def count(self) -> int:
        """How many there are."""
        return len(set().union(*self._streams.values()))

    def close(self) -> None:
        """Sends all of them away: the panel stops, and they come back to its successor."""
        self._closed = True
        for stream in set[LiveStream]().union(*self._streams.values()):
            stream.close()

    def _changed(self, change: Changed) -> None:
        self._latest = change.revision
        for stream in self._streams.get(change.topic, ()):
            stream.tell(change)


class LiveStream(AsgiStream):
    """One page that is told."""

    def __init__(self, live: Live, audience: Audience, actor: Actor, topics: Sequence[str], clock: Clock) -> None:
        self.topics = topics
        self._live = live
        self._audience = audience
        self._actor = actor
        self._clock = clock
        self._changed: dict[str, int] = {}  # the revision of each topic that it was not told of yet
        self._news = asyncio.Event()
        self._closed = asyncio.Event()

    def tell(self, change: Changed) -> None:
        """It will be told, if it may know."""
        if may_know(self._actor, change):
            self._changed[change.topic] = change.revision
            self._news.set()

    def close(self) -> None:
        """Ends it."""
        self._closed.set()
        self._news.set()

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tells until the reader has gone, or has to ask again."""
        self._live.enter(self)
        try:
            with self._audience.listening(self._actor) as listener:
                await self._send(send, {"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
                async with asyncio.TaskGroup() as group:
                    group.create_task(_until_gone(receive))
                    group.create_task(_until_over(listener))
                    await self._tell_all(send)
        except* Gone:
            pass
        finally:
            self._live.leave(self)
        with suppress(TimeoutError):  # a reader that hangs does not take this either
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await send({"type": "http.response.body", "body": b""})

    async def _tell_all(self, send: Send) -> None:
        await self._beat(send)
        while True:
            try:
                async with asyncio.timeout(self._live.beat_seconds):
                    await self._news.wait()
            except TimeoutError:
                await self._beat(send)
                continue
            await self._join()
            if self._closed.is_set():
                raise Gone
            self._news.clear()
            told, self._changed = self._changed, {}
            await self._say(send, "changed", {"topics": list(told), "revision": self._live.told(max(told.values()))})

    async def _join(self) -> None:
        """Lets what else changes come, until it is closed."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not await self._closes_within(JOIN_SECONDS):
            await self._closes_within(_joins_for(loop.time(), loop.time() - began - JOIN_SECONDS))

    async def _closes_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        return self._closed.is_set()

    async def _beat(self, send: Send) -> None:
        await self._say(send, "beat", {"now": self._clock.now()})

    async def _say(self, send: Send, event: str, data: object) -> None:
        body = b"event: %s\ndata: %s\n\n" % (event.encode(), to_json(data))
        await self._send(send, {"type": "http.response.body", "body": body, "more_body": True})

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        """Sends; a reader that takes nothing for long holds memory here, and is sent away."""
        try:
            async with asyncio.timeout(self._live.stuck_seconds):
                await send(message)
        except TimeoutError:
            raise Gone from None


def _joins_for(now: float, late: float) -> float:
    """For how many more seconds what changes is joined, where the panel came to it so many seconds late."""
    wanted = late * _TIMES_LATE
    if wanted < _JOINT_SECONDS[0]:
        return wanted
    step = next((each for each in _JOINT_SECONDS if each >= wanted), _JOINT_SECONDS[-1])
    return math.ceil(now / step) * step - now


def _topics_in(query: str) -> Sequence[str]:
    """The topics that are asked for. Raises Problem."""
    topics = tuple(dict.fromkeys(value for name, value in parse_qsl(query) if name == "topic"))
    if not 0 < len(topics) <= MOST_TOPICS or max(map(len, topics)) > _LONGEST_TOPIC:  # empty ones are not read
        raise Problem(400, Code.BAD_REQUEST, f"Ask for 1 to {MOST_TOPICS} topics.")
    return topics


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise Gone


async def _until_over(listener: Listener) -> None:
    """Sends a reader away whose access has changed or whose session has ended: it comes back and is asked who it is."""
    await listener.over()
    raise Gone
