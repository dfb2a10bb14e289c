"""Following the lines of a deployment's log: numbered, read and encoded once however many follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

from headway.core.access.audience import Listener
from headway.http.channels import Channel, EventKind, View, event_of
from headway.http.outlets import Gone, Outlet
from headway.http.streams import Follower
from headway.infra.logs.broadcast import Broadcast, Chunk
from headway.infra.logs.line_pieces import LinePiece, LinesFollowed, LineState
from headway.infra.logs.lines import LinePlace
from headway.kernel.errors import NotFound, TooManyRequests, Unavailable

FindPlace = Callable[[int], Awaitable[LinePlace | None]]


class LineFollower(Follower):
    """One reader of a log's lines. ``place`` is where the first of them begins, None where there is no log yet;
    ``find`` looks for such a place. With ``is_bare`` it is one who has no account.
    """

    def __init__(
        self,
        listening: Callable[[], AbstractContextManager[Listener]],
        enter: Callable[[Follower], Channel],
        leave: Callable[[Channel, Follower], None],
        broadcast: Broadcast,
        *,
        sees: Callable[[View], bool],
        followed: LinesFollowed,
        place: LinePlace | None,
        find: FindPlace,
        is_bare: bool = False,
    ) -> None:
        if place is not None and followed.generation in {"", place.generation}:
            self._state = LineState(number=place.number, offset=place.offset, style=place.style)
        else:
            self._state = LineState()
        super().__init__(listening, enter, leave, broadcast, self._state.offset, sees=sees)
        self._followed = followed
        self._generation = place.generation if place else ""
        self._find = find
        self._is_bare = is_bare
        self._is_sure = False

    async def _tell_chunk(self, chunk: Chunk, view: View, outlet: Outlet) -> None:
        """The lines of a piece of the log, behind the steps that begin in it."""
        async with self._turn:
            if not self._is_sure:
                await self._make_sure(outlet)
            try:
                piece = self._broadcast.lines(self._deployment_id, chunk, self._state)
            except OSError:
                raise Gone from None
            await self._tell_steps(view, chunk.end_offset, outlet)
            self._offset, self._state = chunk.end_offset, piece.after
            if piece.lines:
                await self._sent(outlet.tell(self._frame(piece, view)))

    async def _tell_moves(self, channel: Channel, outlet: Outlet) -> None:
        if self._is_bare:
            await self._found()  # what let them in may have ended before they listened for its end
        await super()._tell_moves(channel, outlet)

    async def _make_sure(self, outlet: Outlet) -> None:
        """Sees to it, once there is text, that this is of the log whose lines are followed."""
        found = await self._found()
        if found is None or self._generation not in {"", found.generation}:
            raise Gone  # it was begun anew since: who comes back is told
        self._generation, self._is_sure = found.generation, True
        if self._followed.generation not in {"", found.generation}:
            await self._sent(outlet.tell(event_of(EventKind.ANEW, {"generation": found.generation})))

    async def _found(self) -> LinePlace | None:
        """Where the log begins, asked anew by the right of whoever reads it."""
        try:
            return await self._find(1)
        except (NotFound, TooManyRequests, Unavailable, OSError):  # who comes back is told which
            raise Gone from None

    def _status_of(self, view: View) -> bytes:
        return view.bare_status if self._is_bare else view.status

    def _frame(self, piece: LinePiece, view: View) -> bytes:
        """The lines as an event, made by whoever tells them first: a step is recorded before it says anything."""
        if not piece.frames:
            begun = sorted(((step.offset, name) for name, step in view.steps.items()), key=lambda each: each[0])
            rows = self._followed.rows(piece.lines, begun)
            told = {"generation": self._generation, "first": piece.lines[0].number, "rows": rows}
            piece.frames.append(event_of(EventKind.LINES, told))
        return piece.frames[0]
