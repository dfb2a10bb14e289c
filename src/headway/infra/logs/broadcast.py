"""Hands growing logs to their followers: each piece is read, decoded and encoded once, however many follow."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import field
from pathlib import Path

from headway.infra.logs.line_pieces import LinePiece, LineState, piece_of
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.reader import Passage, read_bytes, read_passage, read_range, size_of
from headway.kernel.cadence import GATHERED_SECONDS, Cadence
from headway.kernel.dataclass import dataclass

_CATCH_UP_BYTES = 64 << 10
_SHORTEST_INTERVAL_SECONDS = 0.01  # between full chunks
_SECONDS_PER_FOLLOWER = 0.0001  # about what sending one chunk to one follower costs
_GATHERED_SECONDS_PER_FOLLOWER = 0.004  # a send and a turn of the event loop for each of them, whatever is in a piece
_LONGEST_GATHERED_SECONDS = 0.25
_SMALLEST_BUDGET_BYTES = 16 << 10
_LARGEST_BUDGET_BYTES = 256 << 10
_BUDGET_OF_ALL_BYTES = 8 << 20
_MOST_QUEUED_BYTES = 2 << 20
_MOST_QUEUED_CHUNKS = 1024
_REMEMBERED_ENDS = 4096
_MOST_KEPT_BYTES = 16 << 20  # of lines that were read of chunks, whoever still holds those
_BYTES_OF_A_LINE = 500  # about, as a record and as it is told


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class Chunk:
    """A piece of a log, whole characters, from byte ``offset`` to ``end_offset``; all followers share one object."""

    offset: int
    text: str
    end_offset: int
    _frames: list[bytes] = field(default_factory=list, repr=False, compare=False)
    _pieces: list[LinePiece] = field(default_factory=list, repr=False, compare=False)

    @property
    def sse(self) -> bytes:
        """The chunk as a server-sent event, whose id is where a follower that comes back goes on; made once."""
        if not self._frames:
            data = json.dumps(self.text, ensure_ascii=False)
            self._frames.append(f"id: {self.end_offset}\nevent: log\ndata: {data}\n\n".encode())
        return self._frames[0]

    def lines(self, state: LineState, log: Path) -> LinePiece:
        """Its lines, for who has read the log up to it; read once, until they are forgotten. Raises OSError."""
        if not self._pieces:
            begin = state.offset + state.length
            raw = self.text.encode()
            if len(raw) != self.end_offset - begin:  # it is no text, or not wholly
                raw = read_bytes(log, begin, self.end_offset - begin)
            self._pieces.append(piece_of(raw, state, log))
        return self._pieces[0]

    @property
    def kept_lines(self) -> LinePiece | None:
        """Its lines, where they were read and are kept."""
        return self._pieces[0] if self._pieces else None

    def forget_lines(self) -> None:
        """Its lines are kept no longer."""
        self._pieces.clear()

    def after(self, offset: int) -> Chunk:
        """What of this chunk stands behind ``offset``, which lies between two of its characters."""
        if offset <= self.offset:
            return self
        text = self.text.encode()[offset - self.offset :].decode("utf-8", "replace")
        return Chunk(offset=offset, text=text, end_offset=self.end_offset)

    def until(self, offset: int) -> Chunk:
        """What of this chunk stands before ``offset``, which lies within it, between two of its characters."""
        text = self.text.encode()[: offset - self.offset].decode("utf-8", "replace")
        return Chunk(offset=self.offset, text=text, end_offset=offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The follower was too slow, or the panel stops: follow again from ``offset``. It lies before what the follower has
    got only where the log is written anew: then all of that is void.
    """

    offset: int


class Broadcast:
    """All live logs and who follows them. The pump tells of growth; nothing is polled, nothing runs in between.

    Everything here happens on one event loop. Fresh bytes are read on the loop itself: they were written a moment ago,
    so they come from memory, in less time than a thread takes to start. What lies further back is read on a thread.
    """

    def __init__(self, paths: LogPaths) -> None:
        self._paths = paths
        self._live: dict[str, _Live] = {}
        self._ended: dict[str, None] = {}  # in the order of their ends, so that the oldest are forgotten first
        self._closed = False
        self._read: deque[tuple[weakref.ref[Chunk], int]] = deque()  # whose lines are kept, the oldest first
        self._kept_bytes = 0

    def grew(self, deployment_id: str, size: int) -> None:
        """A pump has written the log up to ``size`` bytes; the first call, with any size, makes the log live."""
        if deployment_id in self._ended:
            return
        live = self._live_log(deployment_id)
        live.size = max(live.size, size)
        live.started.set()  # whoever waited for it reads from the file what is there already
        self._schedule(live)

    def ended(self, deployment_id: str) -> None:
        """The log's last byte is written, or there will never be one: followers get the rest, then their end."""
        self._remember(deployment_id)
        live = self._live.pop(deployment_id, None)
        if live is None:
            return
        live.ended = True
        live.size = live.path.stat().st_size if live.path.exists() else 0
        live.started.set()
        self._schedule(live)

    def lines(self, deployment_id: str, chunk: Chunk, state: LineState) -> LinePiece:
        """The lines of a chunk that was followed, for who has read up to it. Raises OSError."""
        if (kept := chunk.kept_lines) is not None:
            return kept
        piece = chunk.lines(state, self._paths.log(deployment_id))
        self._keep_lines(chunk, len(chunk.text) + len(piece.lines) * _BYTES_OF_A_LINE)
        return piece

    def _keep_lines(self, chunk: Chunk, bytes_: int) -> None:
        """Lines take many times the room of their text, and a chunk is there until the slowest of its followers has
        taken it: who comes after its lines were forgotten reads them again.
        """
        self._read.append((weakref.ref(chunk), bytes_))
        self._kept_bytes += bytes_
        while self._kept_bytes > _MOST_KEPT_BYTES:
            oldest, freed = self._read.popleft()
            self._kept_bytes -= freed
            if (gone := oldest()) is not None:
                gone.forget_lines()

    async def follow(
        self, deployment_id: str, offset: int = 0, *, expected: bool = False
    ) -> AsyncGenerator[Chunk | Dropped, None]:
        """The log's text from byte ``offset`` on, gapless, as it comes; ends with the log, or after ``Dropped``.

        A log that no pump feeds is read from its file and ends there, unless it is ``expected``: then the start of its
        pump is awaited, or ``ended`` (a log that has ended lately is not waited for, so asking too late does no harm).
        Raises NoSuchLogName, OSError.
        """
        path = self._paths.log(deployment_id)
        live = self._live.get(deployment_id)
        if live is None and expected and deployment_id not in self._ended and not self._closed:
            live = self._live_log(deployment_id)
        if live is None:
            end = await size_of(path)
            while offset < end and (chunk := await _catch_up(path, offset, end)).text:
                yield chunk
                offset = chunk.end_offset
            return
        queue = _Queue()
        live.interested += 1
        try:
            await live.started.wait()
            while (item := await self._next(live, queue, offset)) is not None:
                yield item
                if isinstance(item, Dropped):
                    return
                offset = item.end_offset
        finally:
            live.queues.discard(queue)
            live.interested -= 1
            if not live.interested and not live.started.is_set():
                self._live.pop(deployment_id, None)  # it was only expected

    def restarted(self, deployment_id: str) -> None:
        """The log was removed and is written anew from its beginning: its followers are dropped to there."""
        live = self._live.pop(deployment_id, None)
        if live:
            live.restarted = True
            live.started.set()
            live.drop()

    def close(self) -> None:
        """Drops every follower: the panel stops, the runs go on."""
        self._closed = True
        for live in self._live.values():
            live.started.set()
            live.drop()
        self._live.clear()

    async def _next(self, live: _Live, queue: _Queue, offset: int) -> Chunk | Dropped | None:
        """What a follower at ``offset`` gets next; None at the end."""
        while True:
            if self._closed or live.restarted:
                return Dropped(offset=0 if live.restarted else offset)
            if queue not in live.queues and not queue:
                if queue.dropped:
                    return Dropped(offset=offset)
                if offset < live.position:
                    chunk = await _catch_up(live.path, offset, live.position)
                    return chunk if chunk.text else None  # the log was removed
                if live.ended and live.position >= live.size:
                    return None
                live.queues.add(queue)  # nothing was awaited since the look at the position
                self._schedule(live)
            item = await queue.get()
            if item and item.end_offset > offset:
                return item.after(offset)

    def _live_log(self, deployment_id: str) -> _Live:
        live = self._live.get(deployment_id)
        if live is None:
            live = self._live[deployment_id] = _Live(self._paths.log(deployment_id))
        return live

    def _remember(self, deployment_id: str) -> None:
        self._ended[deployment_id] = None
        if len(self._ended) > _REMEMBERED_ENDS:
            del self._ended[next(iter(self._ended))]

    def _schedule(self, live: _Live) -> None:
        """Sees to it that what is new goes out: gathered, but for a full chunk, and for the end."""
        if not live.queues:
            live.position = live.size
        if not live.queues or (live.position >= live.size and not live.ended):
            return
        due = asyncio.get_running_loop().time() + self._wait(live)
        if live.timer:
            if live.timer.when() <= due:
                return
            live.timer.cancel()
        live.timer = asyncio.get_running_loop().call_at(due, self._send, live)

    def _wait(self, live: _Live) -> float:
        """In how many seconds a log's next chunk goes: the later the more followers there are to serve."""
        if live.size - live.position >= self._budget():
            full = max(_SHORTEST_INTERVAL_SECONDS, self._followers() * _SECONDS_PER_FOLLOWER)
            return live.cadence.wait(min(GATHERED_SECONDS, full))
        many = min(_LONGEST_GATHERED_SECONDS, self._followers() * _GATHERED_SECONDS_PER_FOLLOWER)
        return 0.0 if live.ended else live.cadence.wait(max(GATHERED_SECONDS, many))

    def _send(self, live: _Live) -> None:
        live.timer = None
        live.cadence.sent()
        if live.queues and live.position < live.size:
            self._send_chunk(live)
        if live.ended and live.position >= live.size:
            live.finish()
        self._schedule(live)

    def _send_chunk(self, live: _Live) -> None:
        try:
            chunk = _chunk(read_passage(live.path, live.position, min(self._budget(), live.size - live.position)))
        except OSError:
            live.drop()  # whoever comes back reads by himself, and gets the error
            return
        if not chunk.text:
            live.finish()  # the log was removed
            return
        live.position = chunk.end_offset
        for queue in tuple(live.queues):
            if not queue.put(chunk):
                live.queues.discard(queue)

    def _budget(self) -> int:
        return min(_LARGEST_BUDGET_BYTES, max(_SMALLEST_BUDGET_BYTES, _BUDGET_OF_ALL_BYTES // self._followers()))

    def _followers(self) -> int:
        return max(1, sum(len(live.queues) for live in self._live.values()))


@dataclass(slots=True, eq=False)
class _Live:
    """A log that grows: ``position`` is how far it was handed to the queues, which are of those who have caught up."""

    path: Path
    size: int = 0
    position: int = 0
    ended: bool = False
    restarted: bool = False
    interested: int = 0
    cadence: Cadence = field(default_factory=Cadence)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None
    queues: set[_Queue] = field(default_factory=set)

    def finish(self) -> None:
        """Nothing more will come: the queues are given up, what is in them is still read."""
        self.position = self.size
        self._give_up(dropped=False)

    def drop(self) -> None:
        """Nothing more will be handed out, though there may be more."""
        self._give_up(dropped=True)

    def _give_up(self, *, dropped: bool) -> None:
        queues, self.queues = self.queues, set()
        for queue in queues:
            queue.dropped = dropped
            queue.wake()


class _Queue:
    """What a follower that has caught up has not taken yet; bounded."""

    __slots__ = ("_bytes", "_chunks", "_waiting", "dropped")

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._waiting: asyncio.Future[None] | None = None
        self.dropped = False

    def __len__(self) -> int:
        return len(self._chunks)

    def put(self, chunk: Chunk) -> bool:
        """Adds a chunk; False when the follower is too far behind, and then all that it has not taken is gone."""
        self._bytes += chunk.end_offset - chunk.offset
        if self._bytes > _MOST_QUEUED_BYTES or len(self._chunks) >= _MOST_QUEUED_CHUNKS:
            self._chunks.clear()
            self.dropped = True
        else:
            self._chunks.append(chunk)
        self.wake()
        return not self.dropped

    def wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> Chunk | None:
        """The next chunk; None when there is news of another kind."""
        if not self._chunks:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self._bytes -= chunk.end_offset - chunk.offset
        return chunk


async def _catch_up(path: Path, offset: int, end: int) -> Chunk:
    return _chunk(await read_range(path, offset, min(_CATCH_UP_BYTES, end - offset)))


def _chunk(passage: Passage) -> Chunk:
    return Chunk(offset=passage.offset, text=passage.text, end_offset=passage.end_offset)
