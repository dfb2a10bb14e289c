"""The janitor looks where something has ended, and everywhere now and then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from headway.core.engine.janitor import Janitor
from headway.core.engine.parts import Parts
from headway.core.engine.troubles import Troubles
from headway.infra.hosts.base import Handle
from headway.kernel.events import DeploymentEnded


@dataclass
class Server:
    """A host behind a link on which nothing is left."""

    link: int = 1
    looks: int = 0

    async def remaining(self) -> list[Handle]:
        self.looks += 1
        return []


@dataclass
class Nothing:
    """A database in which nothing is left to take back."""

    async def read(self, _work: object) -> list[str]:
        return []


@dataclass
class Round:
    """A janitor of fifty servers."""

    hosts: dict[str, Server] = field(default_factory=lambda: {f"server{number}": Server() for number in range(50)})

    def __post_init__(self) -> None:
        registered = SimpleNamespace(hosts=self.hosts)
        self.troubles = Troubles()
        parts = SimpleNamespace(registered=registered, db=Nothing(), untracked_runs=(), troubles=self.troubles)
        self.janitor = Janitor(cast("Parts", parts))

    async def sweep(self) -> tuple[float, dict[str, int]]:
        rest = await self.janitor.sweep()
        for _ in range(10):
            await asyncio.sleep(0)
        looks = {host_id: server.looks for host_id, server in self.hosts.items() if server.looks}
        for server in self.hosts.values():
            server.looks = 0
        return rest, looks


def ended(host_id: str, release_host_id: str | None = None) -> DeploymentEnded:
    return DeploymentEnded(
        deployment_id="d",
        kind="deploy",
        host_id=host_id,
        release_host_id=release_host_id,
        status="done",
        reason=None,
        ran_seconds=1,
    )


async def test_an_end_has_its_own_hosts_looked_at_and_no_others() -> None:
    round_ = Round()
    rest, looks = await round_.sweep()
    assert looks == dict.fromkeys(round_.hosts, 1)
    round_.janitor.ended(ended("server7"))
    round_.janitor.ended(ended("server8", "server9"))
    rest, looks = await round_.sweep()
    assert looks == {"server7": 1, "server8": 1, "server9": 1}
    assert 59 < rest <= 60
    assert (await round_.sweep())[1] == {}
