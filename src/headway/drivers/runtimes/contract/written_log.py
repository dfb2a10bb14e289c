"""What processes write, as logs: each with places to read on from, whatever keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.kernel.dataclass import dataclass

BEGINNING = ""  # the place before all that is kept
MOST_CHARACTERS = 64 << 20  # of one log that is read whole: twice of what is kept of any, for one that grows meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLog:
    """What one process writes, or one container, which people call by its ``name``. ``key`` tells it from every other
    log; ``piece`` gives what stands behind a place of it, masked, and None where nothing is kept of it any more.
    ``is_over``: nothing writes it now.
    """

    name: str
    key: str
    piece: Callable[[Behind], Awaitable[Piece | None]]
    is_over: bool = False

    async def behind(self, place: str, *, timed: bool = False) -> Piece:
        """What stands behind a place. Raises HeadwayError where it cannot be read now."""
        found = await self.piece(Behind(places={self.name: place}, tail=1, process=self.name, timed=timed))
        return found or Piece(process=self.name, text="", place=place)

    async def pieces(self) -> AsyncIterator[Piece]:
        """All that is kept of it, in pieces. Raises HeadwayError."""
        place, length = BEGINNING, 0
        while length < MOST_CHARACTERS:
            piece = await self.behind(place)
            yield piece
            place, length = piece.place, length + len(piece.text)
            if not piece.more:
                return
