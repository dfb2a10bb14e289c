"""One comment on a pull request, found again by a mark that it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from headway.drivers.forges.base import NotThere
from headway.drivers.forges.client import ForgeClient, Json


async def keep_one(
    *,
    known: str,
    mark: str,
    comments: Callable[[], AsyncIterator[tuple[str, str]]],
    change: Callable[[str], Awaitable[Json]],
    make: Callable[[], Awaitable[Json]],
) -> str:
    """See ``Forge.comment``. ``comments`` gives those that are there, as id and text; ``change`` raises NotThere for
    one that somebody has removed.
    """
    if known:
        try:
            await change(known)
        except NotThere:
            pass
        else:
            return known
    async for comment_id, text in comments():
        if mark in text:
            await change(comment_id)
            return comment_id
    return str((await make())["id"])


async def keep_issue_comment(
    asking: ForgeClient, repository: str, number: int, *, mark: str, known: str, body: str
) -> str:
    """The same where pull requests are issues too, as GitHub and Gitea have it; ``repository`` is its path below the
    API.
    """
    place, given = f"{repository}/issues/{number}/comments", {"body": body}

    async def comments() -> AsyncIterator[tuple[str, str]]:
        async for page in asking.pages(place, per_page=100, limit=50):
            for each in page:
                yield str(each["id"]), str(each.get("body") or "")

    return await keep_one(
        known=known,
        mark=mark,
        comments=comments,
        change=lambda comment_id: asking.patch(f"{repository}/issues/comments/{comment_id}", given),
        make=lambda: asking.post(place, given),
    )
