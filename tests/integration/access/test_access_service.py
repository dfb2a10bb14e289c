"""The owner's first key, and finding out who calls, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import delete, select, text

from headway.core.access import service, store, tokens
from headway.core.access.model import Role, Terms
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database, SqlDatabase
from headway.infra.db.tables.access import api_keys, organizations
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput

T = TypeVar("T")


class Counting:
    """A database that counts how often it is asked."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.reads = 0
        self.writes = 0

    async def run(self, work: Callable[[Tx], T]) -> T:
        self.writes += 1
        return await self._db.run(work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        self.reads += 1
        return await self._db.read(work)


async def test_the_first_start_makes_an_owner_and_a_key_of_64_characters(database: SqlDatabase) -> None:
    access = AccessService(database)
    key = await access.bootstrap(None)
    assert key is not None
    assert len(key) == 64
    actor = await access.authenticate(key)
    assert actor is not None
    assert actor.role is Role.OWNER


async def test_a_wanted_key_becomes_the_owners(database: SqlDatabase) -> None:
    access = AccessService(database)
    assert await access.bootstrap("wanted") == "wanted"
    assert await access.authenticate("wanted") is not None


async def test_a_later_start_makes_nothing_new(database: SqlDatabase) -> None:
    access = AccessService(database)
    await access.bootstrap("wanted")
    assert await access.bootstrap("wanted") is None
    assert await access.bootstrap(None) is None
    assert len(await database.read(lambda tx: tx.execute(select(api_keys)).all())) == 1


async def test_a_key_wanted_later_is_nobodys(database: SqlDatabase) -> None:
    access = AccessService(database)
    first = await access.bootstrap(None)
    assert first is not None
    assert await access.bootstrap("another") is None
    assert await access.authenticate("another") is None
    await database.run(lambda tx: tx.execute(delete(api_keys)))
    assert await access.bootstrap("another") is None
    assert await access.authenticate("another") is None, "not even where no key is left"
    assert len(await database.read(lambda tx: tx.execute(select(organizations)).all())) == 1


async def test_a_key_that_cannot_travel_is_refused_before_anything_is_made(database: SqlDatabase) -> None:
    with pytest.raises(InvalidInput):
        await AccessService(database).bootstrap("two words")
    assert await database.read(lambda tx: tx.execute(select(organizations)).all()) == []


async def test_an_unknown_key_is_nobodys(database: SqlDatabase) -> None:
    access = AccessService(database)
    await access.bootstrap("known")
    assert await access.authenticate("unknown") is None
    assert await access.authenticate("") is None


async def test_the_key_itself_is_nowhere_in_the_database(database: SqlDatabase) -> None:
    key = await AccessService(database).bootstrap(None)
    assert key is not None
    rows = await database.read(lambda tx: tx.execute(select(api_keys)).all())
    assert key not in repr(rows)
    assert tokens.digest(key) in repr(rows)


async def test_finding_out_who_calls_writes_nothing_and_asks_once_in_a_while(database: SqlDatabase) -> None:
    now = 0.0
    counting = Counting(database)
    access = AccessService(counting, monotonic=lambda: now)
    await access.bootstrap("known")
    counting.writes = 0
    for _ in range(3):
        await access.authenticate("known")
    assert (counting.reads, counting.writes) == (1, 0)
    now = 6.0
    await access.authenticate("known")
    assert (counting.reads, counting.writes) == (2, 0)


async def test_a_key_that_is_taken_away_stops_working_within_seconds(database: SqlDatabase) -> None:
    now = 0.0
    access = AccessService(database, monotonic=lambda: now)
    await access.bootstrap("known")
    assert await access.authenticate("known") is not None
    await database.run(lambda tx: tx.execute(text("DELETE FROM api_keys")))
    now = 5.1
    assert await access.authenticate("known") is None


async def test_a_member_is_known_as_one(database: SqlDatabase) -> None:
    def add(tx: Tx) -> None:
        organization_id = store.add_organization(tx, "Ours")
        user_id = store.add_user(tx, "Mia")
        store.add_member(tx, organization_id, user_id, Role.MEMBER)
        store.add_key(tx, "mias", name="mias", user_id=user_id, organization_id=organization_id, terms=Terms())

    await database.run(add)
    actor = await AccessService(database).authenticate("mias")
    assert actor is not None
    assert (actor.name, actor.role, actor.projects) == ("Mia", Role.MEMBER, frozenset())


async def test_remembered_keys_are_bounded(database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_REMEMBERED_KEYS", 16)

    def add(tx: Tx) -> None:
        organization_id = store.add_organization(tx, "Ours")
        user_id = store.add_user(tx, "Mia")
        store.add_member(tx, organization_id, user_id, Role.OWNER)
        for number in range(20):
            key = f"key {number}"
            store.add_key(tx, key, name="", user_id=user_id, organization_id=organization_id, terms=Terms())

    await database.run(add)
    access = AccessService(database)
    for number in range(20):
        assert await access.authenticate(f"key {number}") is not None
    assert len(access._seen) == 16
