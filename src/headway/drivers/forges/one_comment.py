"""One comment on a pull request, found again by a mark that it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from headway.drivers.forges.base import NotThere
from headway.drivers.forges.client import Json


async def keep_one(
    *,
    known: str,
    mark: str,
    comments: Callable[[], AsyncIterator[Json]],
    text: Callable[[Json], str | None],
    change: Callable[[str], Awaitable[Json]],
    make: Callable[[], Awaitable[Json]],
) -> str:
    """See ``ForgeApi.comment``. ``comments`` gives those that are there, and ``text`` what one says; ``change`` raises
    NotThere for one that somebody has removed.
    """
    if known:
        try:
            await change(known)
        except NotThere:
            pass
        else:
            return known
    async for comment in comments():
        if mark in str(text(comment) or ""):
            comment_id = str(comment["id"])
            await change(comment_id)
            return comment_id
    return str((await make())["id"])
