"""A server takes work once what was left there is cleared, and after a time also beside what nobody can end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from headway.core.engine import engine
from headway.core.engine.engine import HostLinks
from headway.core.engine.parts import Parts


@dataclass
class Server:
    """A host behind a link."""

    link: int = 1

    async def boot_id(self) -> str:
        return "boot"


@dataclass
class Links:
    """The links to two servers; ``left`` are those on which something is left that nobody can end."""

    left: set[str]
    hosts: dict[str, Server] = field(default_factory=lambda: {"one": Server(), "two": Server()})
    back: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = SimpleNamespace(registered=SimpleNamespace(hosts=self.hosts))
        self.links = HostLinks(cast("Parts", parts), self._clear, lambda: self.back.append(None))

    async def _clear(self, host_id: str) -> bool:
        return host_id not in self.left

    async def open_ones(self) -> set[str]:
        """Which are open after a look at all."""
        await self.links.look_round()
        for _ in range(10):
            await asyncio.sleep(0)
        return {host_id for host_id in self.hosts if self.links.is_open(host_id)}


async def test_a_leftover_that_nobody_can_end_closes_its_server_for_a_time_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    made = Links(left={"one"})
    assert await made.open_ones() == {"two"}
    now += engine._CLEARING_SECONDS - 1
    assert await made.open_ones() == {"two"}
    now += 1
    assert await made.open_ones() == {"one", "two"}
    made.hosts["one"].link = 2  # what is left may be more, after the link was gone
    assert await made.open_ones() == {"two"}
    assert len(made.back) == 2


async def test_what_is_cleared_opens_at_once() -> None:
    made = Links(left=set())
    assert await made.open_ones() == {"one", "two"}
