"""The janitor looks where something has ended, and everywhere now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from headway.core.deployments import pending_undos
from headway.core.deployments.model import Deployment
from headway.core.engine import janitor
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


async def nothing(_change: object) -> None:
    """A write that need not be made."""


@dataclass
class Owing:
    """One that is asked whatever the question asks of it."""

    async def read(self, work: Callable[[object], object]) -> object:
        return work(None)


@dataclass
class Round:
    """A janitor of fifty servers."""

    db: Nothing | Owing = field(default_factory=Nothing)
    hosts: dict[str, Server] = field(default_factory=lambda: {f"server{number}": Server() for number in range(50)})

    def __post_init__(self) -> None:
        registered = SimpleNamespace(hosts=self.hosts)
        self.troubles = Troubles()
        parts = SimpleNamespace(
            registered=registered, db=self.db, write=nothing, untracked_runs=(), troubles=self.troubles
        )
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


async def test_what_is_taken_back_slowly_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    owed = {"of one 1": "one", "of one 2": "one", "of another": "another"}
    asked, done = [], []

    async def take_back(_parts: Parts, deployment: Deployment, _lease: None) -> str | None:
        asked.append(deployment.deployment_id)
        if deployment.subject_id == "one":
            await asyncio.sleep(0.1)
            return "Its storage does not answer."
        done.append((deployment.deployment_id, len(asked)))
        return None

    def find(_tx: object, deployment_id: str) -> Deployment:
        subject = {"subject_type": "backup", "subject_id": owed[deployment_id]}
        found = SimpleNamespace(deployment_id=deployment_id, host_ids=("server1",), **subject)
        return cast("Deployment", found)

    monkeypatch.setattr(janitor, "take_back", take_back)
    monkeypatch.setattr(janitor, "_SLOW_SECONDS", 0.05)
    monkeypatch.setattr(pending_undos, "find", find)
    monkeypatch.setattr(pending_undos, "on", lambda _tx, _host_id: list(owed))
    round_ = Round(db=Owing())

    assert await round_.janitor.clear("server1") is False

    assert asked == ["of one 1", "of another"], "the second of one would wait for the same"
    assert done == [("of another", 2)]
    assert [each.item for each in round_.troubles.all()] == ["of one 1"]
