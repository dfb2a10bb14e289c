"""Logs as one text, from the first line that is kept of each to its last: as it is handed out as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.kernel.ansi import without_escapes
from headway.kernel.errors import HeadwayError
from headway.kernel.lines import lines_of

_NO_PART_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_HELD = 1 << 20  # characters of a line whose end has not come


def file_name(called: str) -> str:
    """What a log of something that is called so may be called as a file, wherever that is kept."""
    return f"{_NO_PART_OF_A_NAME.sub('-', called)}.log"


async def whole_log(logs: Sequence[WrittenLog], *, is_plain: bool) -> AsyncGenerator[str, None]:
    """The text of these logs, one behind the other, each line of several led by the name of its log; without what is
    meant for terminals where ``is_plain``. Raises HeadwayError where the first of it cannot be read; what cannot be
    read later is told in the text.
    """
    pieces = _texts(logs, is_plain=is_plain)
    first = await anext(pieces, "")
    return _behind(first, pieces)


async def _behind(first: str, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    yield first
    async with aclosing(pieces):
        async for text in pieces:
            yield text


async def _texts(logs: Sequence[WrittenLog], *, is_plain: bool) -> AsyncGenerator[str, None]:
    is_begun = False
    for log in logs:
        lead = f"{log.name} | " if len(logs) > 1 else ""
        try:
            async for text in _lines(log):
                is_begun = True
                yield await asyncio.to_thread(_shown, text, lead, is_plain=is_plain)
        except HeadwayError as error:
            if not is_begun:
                raise
            yield f"{lead}[headway] What follows cannot be read now: {error.message}\n"


async def _lines(log: WrittenLog) -> AsyncIterator[str]:
    """The text of a log as whole lines; of a line that is very long, parts."""
    held = ""
    async for piece in log.pieces():
        if piece.lost:
            held = f"{held}\n" if held else ""
            held += "[headway] What was written next is not kept any more.\n"
        text = held + piece.text
        end = text.rfind("\n") + 1
        if len(text) - end > _LONGEST_HELD:
            end = len(text)
        held = text[end:]
        yield text[:end]
    if held:
        yield f"{held}\n"


def _shown(text: str, lead: str, *, is_plain: bool) -> str:
    text = without_escapes(text) if is_plain else text
    return "".join(f"{lead}{line}\n" for line in lines_of(text)) if lead else text
