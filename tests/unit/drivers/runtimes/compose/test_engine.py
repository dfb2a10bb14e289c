"""How long an engine is asked to wait for a container that is to end, and how much of its log is kept in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.compose import engine as of_engine
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import container_of
from headway.infra.docker.api import DockerApi
from tests.support.docker.told_engine import told_engine

NOTHING: Any = None
STATE = {"Status": "running"}


class Noting(DockerApi):
    """Notes what it is asked to do, with how long it may take."""

    def __init__(self) -> None:
        super().__init__(NOTHING)
        self.asked: list[tuple[str, int, float]] = []

    async def post(
        self,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        seconds: float = 0,
        login: Any = None,  # noqa: ANN401 - JSON
        **query: Any,  # noqa: ANN401 - JSON
    ) -> None:
        del body, login
        self.asked.append((path, query["t"], seconds))


def found(**config: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"Id": "c1", "Name": "/web", "State": STATE, "Config": config, "HostConfig": {}}


@pytest.mark.parametrize(
    ("given", "grace"),
    [
        ({}, 10),
        ({"StopTimeout": None}, 10),
        ({"StopTimeout": 0}, 0),
        ({"StopTimeout": 120}, 120),
        ({"StopTimeout": 86_400}, 3_600),
        ({"StopTimeout": -1}, 3_600),
    ],
)
async def test_a_container_has_as_long_to_end_as_it_wishes_and_an_hour_at_most(
    given: dict[str, Any], grace: int
) -> None:
    api, container = Noting(), container_of(found(**given))
    engine = Engine(docker=NOTHING, api=api, machine=NOTHING)
    await engine.stop([container])
    await engine.restart(container)
    assert [(path, given_seconds) for path, given_seconds, _ in api.asked] == [
        ("/containers/c1/stop", grace),
        ("/containers/c1/restart", grace),
    ]
    assert all(seconds >= grace + 30 for _, _, seconds in api.asked), "it is waited for longer than it may take"


async def test_who_ends_all_gives_none_longer_than_that() -> None:
    api, container = Noting(), container_of(found(StopTimeout=3_000))
    engine = Engine(docker=NOTHING, api=api, machine=NOTHING)
    await engine.stop([container, replace(container, container_id="c2", grace_seconds=5)], most_seconds=60)
    assert sorted((path, grace) for path, grace, _ in api.asked) == [
        ("/containers/c1/stop", 60),
        ("/containers/c2/stop", 5),
    ]


@pytest.mark.parametrize("has_terminal", [True, False])
async def test_of_a_log_with_very_long_lines_the_last_are_told_from_the_beginning_of_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_terminal: bool,  # noqa: FBT001 - a table
) -> None:
    monkeypatch.setattr(of_engine, "_MOST_LOG_BYTES", 200_000)
    lines = [b"%d %b\n" % (number, b"x" * 10_000) for number in range(300)]
    heads = [b"" if has_terminal else bytes([1, 0, 0, 0]) + len(line).to_bytes(4) for line in lines]
    written = b"".join(head + line for head, line in zip(heads, lines, strict=True))
    async with told_engine(tmp_path, {"/containers/c1/logs": written}.get) as api:
        engine = Engine(docker=NOTHING, api=api, machine=NOTHING)
        told = await engine.logs(container_of(found(Tty=has_terminal)), tail=300)
    assert 150_000 < len(told) <= 400_000
    assert told == b"".join(lines)[-len(told) :]
    assert told.split(b" ")[0].isdigit()


async def test_a_log_that_is_not_long_is_told_whole(tmp_path: Path) -> None:
    written = bytes([1, 0, 0, 0, 0, 0, 0, 4]) + b"one\n" + bytes([2, 0, 0, 0, 0, 0, 0, 3]) + b"two"
    async with told_engine(tmp_path, {"/containers/c1/logs": written}.get) as api:
        told = await Engine(docker=NOTHING, api=api, machine=NOTHING).logs(container_of(found()), tail=10)
    assert told == b"one\ntwo"
