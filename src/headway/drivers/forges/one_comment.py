"""One comment on a pull request, found again by a mark that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headway.drivers.forges.base import PullComment, UnknownToForge
from headway.drivers.forges.client import ForgeClient, Json


async def keep_one(
    client: ForgeClient,
    comment: PullComment,
    given: Json,
    *,
    all_at: str,
    each_at: str,
    method: str = "PUT",
    within: str | None = None,
    page: Mapping[str, str | int],
    text: Callable[[Json], str | None] = lambda each: each.get("body"),
) -> str:
    """See ``ForgeApi.comment``. ``given`` is what is sent: it is made at ``all_at``, where all are listed, and changed
    below ``each_at``; ``text`` is what one that is there says.
    """
    if comment.known:
        try:
            await client.send(method, f"{each_at}/{comment.known}", given)
        except UnknownToForge:  # somebody has removed it, and whoever has seen its mark may have written it since
            return await _made(client, all_at, given)
        return comment.known
    async for each in client.every(all_at, within, **page):
        if comment.mark in str(text(each) or ""):
            comment_id = str(each["id"])
            await client.send(method, f"{each_at}/{comment_id}", given)
            return comment_id
    return await _made(client, all_at, given)


async def _made(client: ForgeClient, all_at: str, given: Json) -> str:
    return str((await client.send("POST", all_at, given))["id"])
