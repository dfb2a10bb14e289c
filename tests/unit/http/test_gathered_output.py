"""Output is told on in few pieces, of which none is lost, doubled or late at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from headway.http.gathered_output import GatheredOutput
from headway.kernel import cadence

LONG = 60.0  # seconds in which no test ends


async def written(texts: Sequence[str], pauses: Sequence[float] = ()) -> AsyncIterator[str]:
    for number, text in enumerate(texts):
        if number < len(pauses):
            await asyncio.sleep(pauses[number])
        yield text


async def gathered(output: AsyncIterator[str]) -> list[str]:
    held, found = GatheredOutput(), list[str]()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(held.fill(output))
        while text := await held.next():
            found.append(text)
    return found


async def test_the_first_goes_at_once_and_the_end_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "GATHERED_SECONDS", LONG)
    found = await gathered(written(["one\n", "two\n", "", "three\n"], [0.0, 0.02, 0.02, 0.02]))
    assert found == ["one\n", "two\nthree\n"]


async def test_what_follows_is_gathered_for_a_moment() -> None:
    texts = [f"{number}\n" for number in range(60)]
    found = await gathered(written(texts, [0.005] * len(texts)))
    assert "".join(found) == "".join(texts)
    assert found[0] == "0\n"
    assert len(found) < len(texts) / 2


async def test_what_is_much_is_not_waited_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "GATHERED_SECONDS", LONG)
    much = "x" * (70 << 10)
    found = await gathered(written(["first", *[much] * 5]))
    assert "".join(found) == "first" + much * 5
    assert max(len(each) for each in found) <= len(much) + len("first")


async def test_the_output_is_read_no_faster_than_it_is_told_on() -> None:
    taken = 0

    async def endless() -> AsyncIterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "x" * 1024
            await asyncio.sleep(0)

    held = GatheredOutput()
    filling = asyncio.create_task(held.fill(endless()))
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert taken == 64
    filling.cancel()
    await asyncio.wait([filling])


async def test_an_error_comes_behind_what_was_written_before_it() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise OSError("gone")

    held = GatheredOutput()
    filling = asyncio.create_task(held.fill(broken()))
    assert [await held.next(), await held.next()] == ["one", ""]
    with pytest.raises(OSError, match="gone"):
        await filling


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_lost_doubled_or_reordered_over_random_pauses(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cadence, "GATHERED_SECONDS", 0.01)
    chance = random.Random(seed)
    texts = ["".join(chance.choices("aä€🎉\r\n", k=chance.choice([0, 1, 10, 40_000]))) for _ in range(60)]
    pauses = [chance.choice([0.0, 0.0, 0.001, 0.015]) for _ in texts]
    assert "".join(await gathered(written(texts, pauses))) == "".join(texts)
