"""What features hand over to an engine that was made empty."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.registration import RegisteredTwice
from headway.core.deployments.run import Kind, Subject
from headway.core.engine.engine import Engine, EngineRuns
from headway.core.engine.parts import Logs, Parts
from headway.core.engine.poller import Poller
from headway.core.engine.scheduler.scheduler import TimerSource
from headway.infra.db.engine import SqlDatabase
from headway.infra.hosts.base import Host
from headway.kernel.events import Events
from headway.kernel.vault import Vault


@dataclass(frozen=True)
class Named:
    """As much of a kind, a subject or a host as is looked up."""

    name: str


KIND, SUBJECT = cast("Kind", Named("toy.play")), cast("Subject", Named("toy"))
SOURCE = cast("TimerSource", Named("toy"))
HOSTS: Mapping[str, Host] = {"here": cast("Host", Named("here"))}


@pytest.fixture
def engine(sqlite_database_url: str) -> Iterator[Engine]:
    """An engine that nobody has handed anything to."""
    events, vault, db = Events(), Vault(Vault.new_key()), SqlDatabase(sqlite_database_url)
    ledger = Ledger(events=events, log_path=str, lease_duration=timedelta(seconds=1))
    yield Engine(Parts(db=db, ledger=ledger, events=events, vault=vault, logs=cast("Logs", None), owner="this start"))
    db.close()


def test_what_is_handed_over_is_found_by_all_that_were_made_before(engine: Engine) -> None:
    parts, ledger = engine._parts, engine._parts.ledger
    subjects = ledger.subjects
    assert (dict(parts.registered.kinds), dict(parts.registered.hosts), dict(subjects)) == ({}, {}, {})
    engine.register(kinds=(KIND,), subjects={SubjectType.RUN: SUBJECT}, hosts=HOSTS)
    assert (parts.registered.kinds["toy.play"], parts.registered.hosts["here"], subjects[SubjectType.RUN]) == (
        KIND,
        HOSTS["here"],
        SUBJECT,
    )


def test_nothing_is_brought_twice(engine: Engine) -> None:
    engine.register(kinds=(KIND,), subjects={SubjectType.RUN: SUBJECT}, hosts=HOSTS)
    with pytest.raises(RegisteredTwice, match=r"toy\.play"):
        engine.register(kinds=(KIND,))
    with pytest.raises(RegisteredTwice, match="run"):
        engine.register(subjects={SubjectType.RUN: SUBJECT})
    with pytest.raises(RegisteredTwice, match="hosts"):
        engine.register(hosts=HOSTS)


def test_one_feature_brings_nothing_twice(engine: Engine) -> None:
    with pytest.raises(RegisteredTwice, match=r"toy\.play"):
        engine.register(kinds=(KIND, KIND))


def test_timers_are_not_brought_twice(engine: Engine) -> None:
    engine.register(timers={SubjectType.RUN: SOURCE})
    with pytest.raises(RegisteredTwice, match="run"):
        engine.register(timers={SubjectType.RUN: SOURCE})


def test_hosts_that_are_none_yet_are_not_replaced(engine: Engine) -> None:
    hosts: dict[str, Host] = {}
    engine.register(hosts=hosts)
    with pytest.raises(RegisteredTwice, match="hosts"):
        engine.register(hosts=HOSTS)
    hosts.update(HOSTS)
    assert dict(engine._parts.registered.hosts) == HOSTS


async def test_where_runs_write_is_not_brought_twice(engine: Engine) -> None:
    async def in_a_folder(_host_id: str) -> Collection[str]:
        return ("/toy",)

    async def in_another(_host_id: str) -> Collection[str]:
        return ("/other",)

    engine.register(places=in_a_folder)
    with pytest.raises(RegisteredTwice, match="places"):
        engine.register(places=in_another)
    engine.register(kinds=(KIND,))
    assert await engine._parts.registered.places("here") == ("/toy",)


async def test_an_engine_that_runs_takes_nothing_any_more(engine: Engine) -> None:
    begun = asyncio.Event()

    async def work() -> float:
        begun.set()
        return 60.0

    engine.register(loops=(Poller("toy", work),))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(engine.run())
        await begun.wait()
        with pytest.raises(EngineRuns, match="handed over before"):
            engine.register(kinds=(KIND,))
        engine.stop()
    with pytest.raises(EngineRuns):
        engine.register(loops=(Poller("late", work),))
