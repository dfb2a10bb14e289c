"""What an engine says of the memory of what has ended, at once, a moment later, or not at all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from headway.infra.docker.memory import ran_out_of_memory
from tests.support.docker.told_engine import told_engine


@pytest.mark.parametrize(
    ("late", "exit_code", "looks"),
    [(0, 1, 1), (0, 137, 1), (3, 137, 4), (3, 1, 1), (3, None, 1)],
)
async def test_what_was_killed_is_asked_again_for_the_word_that_comes_late(
    tmp_path: Path, late: int, exit_code: int | None, looks: int
) -> None:
    asked: list[str] = []

    def tell(path: str) -> Any:  # noqa: ANN401 - JSON
        asked.append(path)
        return {"State": {"OOMKilled": len(asked) > late}}

    async with told_engine(tmp_path, tell) as api:
        assert await ran_out_of_memory(api, "c1", exit_code) == (looks > late)
    assert asked == ["/containers/c1/json"] * looks


async def test_whoever_was_killed_otherwise_is_asked_for_a_second_and_no_longer(tmp_path: Path) -> None:
    async with told_engine(tmp_path, lambda _: {"State": {"OOMKilled": False}}) as api:
        begun = time.monotonic()
        assert not await ran_out_of_memory(api, "c1", 137)
        assert time.monotonic() - begun >= 1.0


async def test_of_what_is_gone_nothing_is_known(tmp_path: Path) -> None:
    async with told_engine(tmp_path, lambda _: None) as api:
        assert not await ran_out_of_memory(api, "c1", 137)
