"""Whatever is sent, no procedure breaks: it answers, or it says what is wrong. `script/prove any_input` sends more."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from headway.api.operation import Kind
from headway.operations import bare_registry
from tests.integration.http.world import World, open_world

ROUNDS = 3
# What would ask the engine, which is not there: 503 where all that is sent happens to be good.
ASK_THE_ENGINE = {"registry.testRegistry", "registry.testRegistryById"}
TEXTS = [
    "",
    " ",
    "x",
    "nope",
    "a\nb",
    "é✅",
    "\u202e",
    "'; DROP TABLE x; --",
    "../../etc/passwd",
    "%s{0}$(id)`id`",
    "9" * 30,
]
VALUES: list[Any] = [None, True, 0, -1, 1.5, 10**30, -(10**30), *TEXTS, "y" * 5_000, [], [1], {}, {"a": {"b": [None]}}]


@pytest.mark.slow
async def test_no_input_breaks_a_procedure(database_url: str, tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=database_url) as world:
        await send_anything(world, ROUNDS)


async def send_anything(world: World, rounds: int) -> None:
    """Calls every procedure so many times."""
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    application_id = await world.application()
    ids = [application_id, await world.ended(application_id), *TEXTS[3:]]
    for procedure in bare_registry():
        if procedure.name in {"deployment.follow", "deployment.followLines", "deployment.followSharedLines"}:
            continue  # an answer without an end, which tests of its own read
        for _ in range(rounds):
            sent = {
                name: dice.choice(ids) if name.lower().endswith("id") and dice.random() < 0.7 else dice.choice(VALUES)
                for name in procedure.expected
                if dice.random() < 0.7
            }
            if procedure.kind is Kind.QUERY:
                texts = {name: str(value)[:200] for name, value in sent.items()}
                answer = await world.owner.get(f"/{procedure.name}", params=texts)
            else:
                answer = await world.owner.post(f"/{procedure.name}", json=sent)
            answers = {200, 400, 404, 409} | ({503} if procedure.name in ASK_THE_ENGINE else set())
            assert answer.status_code in answers, (seed, procedure.name, sent, answer.text)
