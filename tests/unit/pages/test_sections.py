"""Sections of a page that are asked for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from headway.kernel.errors import NotFound
from headway.pages.sections import shown_together


async def test_sections_wait_beside_each_other_and_a_later_one_says_the_last_word() -> None:
    waiting = asyncio.Barrier(3)

    async def section(**values: object) -> Mapping[str, object]:
        await waiting.wait()
        return values

    async with asyncio.timeout(5):
        shown = await shown_together(section(a=1, b=1), section(b=2), section(c=3))
    assert shown == {"a": 1, "b": 2, "c": 3}


async def test_what_one_raises_is_raised_as_it_is_and_the_others_are_given_up() -> None:
    given_up = asyncio.Event()

    async def waits() -> Mapping[str, object]:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return {}

    async def fails() -> Mapping[str, object]:
        await asyncio.sleep(0)
        raise NotFound("There is no such thing.")

    with pytest.raises(NotFound, match="There is no such thing"):
        await shown_together(waits(), fails())
    assert given_up.is_set()
