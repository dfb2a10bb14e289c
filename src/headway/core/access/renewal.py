"""What a caller is now: what was let in before a revocation does nothing after it, however long its request came."""

from __future__ import annotations

from dataclasses import replace

from headway.core.access.model import Actor
from headway.kernel.errors import Code, HeadwayError


class AccessEnded(HeadwayError):
    """The key or session by which somebody was let in is none any more."""

    code = Code.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("Your key or session has ended meanwhile.")


async def as_it_is(actor: Actor) -> Actor:
    """The actor with the role, terms and grants that it has now; it costs a look into what is remembered, unless access
    has changed. Raises AccessEnded where nobody holds its key or session any more, and DatabaseAway.
    """
    if actor.found_again is None:
        return actor
    found = await actor.found_again()
    if found is None:
        raise AccessEnded
    return replace(found, by_hand=True) if actor.by_hand else found
