"""Keys on both databases: what they are good for is what was granted, and never more than their maker's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from headway.core.access import store, tokens
from headway.core.access.keys import USUAL_RATE, KeyRequest, KeyService
from headway.core.access.model import Actor, Grants, Rate, Role, Scope
from headway.core.access.service import AccessService
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import api_keys
from headway.infra.db.tables.projects import projects
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Forbidden, NotFound
from tests.support.panel.permissions import permission

READ_ONLY = KeyRequest(scopes=frozenset({Scope.READ}))


@dataclass(frozen=True)
class Bench:
    """An organisation with the projects ``mine`` and ``other``; the owner's key has no bounds at all."""

    database: SqlDatabase
    access: AccessService
    keys: KeyService
    owner: Actor

    async def made(self, actor: Actor, wish: KeyRequest, **more: str) -> tuple[Actor, str]:
        """Whoever holds a new key, and the key's id."""
        made, key = await self.keys.create(actor, permission("user.createApiKey"), name="made", wish=wish, **more)
        found = await self.access.authenticate(key)
        assert found is not None
        return found, made.api_key_id


@pytest.fixture
async def bench(database: SqlDatabase) -> Bench:
    access = AccessService(database)
    await access.bootstrap("owners-key")
    owner = await access.authenticate("owners-key")
    assert owner is not None

    def add(tx: Tx) -> None:
        for name in ("mine", "other"):
            values = {"project_id": name, "organization_id": owner.organization_id, "name": name, "env": ""}
            tx.execute(projects.insert().values(**values, created_at=tx.now))

    await database.run(add)
    return Bench(database, access, KeyService(database, access), owner)


async def member(bench: Bench, given: Grants) -> Actor:
    def add(tx: Tx) -> None:
        user_id, organization_id = store.add_user(tx, "Mia"), bench.owner.organization_id
        store.give(tx, store.add_member(tx, organization_id, user_id, Role.MEMBER), given)
        where = {"user_id": user_id, "organization_id": organization_id}
        store.add_key(tx, "mias-key", name="", terms=bench.owner.terms, **where)

    await bench.database.run(add)
    found = await bench.access.authenticate("mias-key")
    assert found is not None
    return found


async def test_a_key_is_good_for_what_was_asked_for(bench: Bench) -> None:
    rate = Rate(calls=7, window=timedelta(seconds=9))
    wish = KeyRequest(
        scopes=frozenset({Scope.READ, Scope.DEPLOY}),
        projects=frozenset({"mine"}),
        lasting=timedelta(hours=1),
        pending_as_running=True,
        rate=rate,
    )
    terms = (await bench.made(bench.owner, wish))[0].terms
    assert (terms.scopes, terms.projects, terms.pending_as_running, terms.rate) == (
        frozenset({Scope.READ, Scope.DEPLOY}),
        frozenset({"mine"}),
        True,
        rate,
    )
    assert terms.expires_at is not None


async def test_what_is_not_asked_for_is_as_the_makers_with_the_usual_rate(bench: Bench) -> None:
    terms = (await bench.made(bench.owner, KeyRequest()))[0].terms
    assert (terms.scopes, terms.projects, terms.expires_at, terms.rate) == (frozenset(Scope), None, None, USUAL_RATE)
    narrow, _ = await bench.made(bench.owner, KeyRequest(projects=frozenset({"mine"}), lasting=timedelta(hours=1)))
    again, _ = await bench.made(narrow, KeyRequest())
    assert (again.terms.projects, again.terms.expires_at) == (narrow.terms.projects, narrow.terms.expires_at)


async def test_a_generated_key_has_64_characters_and_only_its_beginning_is_kept(bench: Bench) -> None:
    made, key = await bench.keys.create(
        bench.owner, permission("user.createApiKey"), name="ci", wish=READ_ONLY, prefix="ci_"
    )
    assert (len(key), key[:3], made.start) == (64, "ci_", key[:9])
    rows = await bench.database.read(lambda tx: tx.execute(select(api_keys)).all())
    assert key not in repr(rows)
    assert tokens.digest(key) in repr(rows)


async def test_a_short_key_that_somebody_chose_is_not_shown_in_part(bench: Bench) -> None:
    (key,) = await bench.keys.all(bench.owner, permission("user.apiKeys"))
    assert key.start is None


@pytest.mark.parametrize(
    "wish",
    [
        KeyRequest(projects=frozenset({"mine", "other"})),
        KeyRequest(lasting=timedelta(hours=2)),
        KeyRequest(unlimited=True),
        KeyRequest(rate=Rate(calls=1_000, window=timedelta(seconds=1))),
    ],
)
async def test_a_narrow_key_makes_no_wider_one(bench: Bench, wish: KeyRequest) -> None:
    narrow, _ = await bench.made(bench.owner, KeyRequest(projects=frozenset({"mine"}), lasting=timedelta(hours=1)))
    with pytest.raises(Forbidden, match="more than its maker has"):
        await bench.keys.create(narrow, permission("user.createApiKey"), name="wider", wish=wish)


async def test_a_key_without_the_scope_admin_makes_none(bench: Bench) -> None:
    reader, _ = await bench.made(bench.owner, READ_ONLY)
    with pytest.raises(Forbidden, match="needs a key with the scope admin"):
        await bench.keys.create(reader, permission("user.createApiKey"), name="n", wish=READ_ONLY)


async def test_projects_that_the_maker_does_not_see_are_not_there(bench: Bench) -> None:
    mia = await member(bench, Grants(projects=frozenset({"mine"})))
    await bench.made(mia, KeyRequest(projects=frozenset({"mine"})))
    for project_id in ("other", "nowhere"):
        with pytest.raises(NotFound, match="Project not found"):
            await bench.keys.create(
                mia, permission("user.createApiKey"), name="n", wish=KeyRequest(projects=frozenset({project_id}))
            )


async def test_a_key_opens_no_other_organisation(bench: Bench) -> None:
    with pytest.raises(NotFound, match="Organization not found"):
        await bench.made(bench.owner, KeyRequest(), organization_id="another")


async def test_a_removed_and_a_disabled_key_stop_at_once_and_an_enabled_one_works_again(bench: Bench) -> None:
    made, key = await bench.keys.create(bench.owner, permission("user.createApiKey"), name="n", wish=KeyRequest())
    assert await bench.access.authenticate(key) is not None
    await bench.keys.update(bench.owner, permission("user.updateApiKey"), made.api_key_id, enabled=False)
    assert await bench.access.authenticate(key) is None
    await bench.keys.update(bench.owner, permission("user.updateApiKey"), made.api_key_id, enabled=True, name="renamed")
    assert await bench.access.authenticate(key) is not None
    assert (await bench.keys.remove(bench.owner, permission("user.deleteApiKey"), made.api_key_id)).name == "renamed"
    assert await bench.access.authenticate(key) is None


async def test_a_key_ends_with_its_time_also_while_it_is_remembered(database: SqlDatabase) -> None:
    now = 0.0
    access = AccessService(database, monotonic=lambda: now)
    await access.bootstrap("owners-key")
    owner = await access.authenticate("owners-key")
    assert owner is not None
    _, key = await KeyService(database, access).create(
        owner, permission("user.createApiKey"), name="n", wish=KeyRequest(lasting=timedelta(seconds=2))
    )
    assert await access.authenticate(key) is not None
    remembered_until, _ = access._seen[tokens.digest(key)]
    assert remembered_until <= 2


async def test_a_key_of_a_project_touches_no_wider_key_but_itself(bench: Bench) -> None:
    narrow, narrow_id = await bench.made(bench.owner, KeyRequest(projects=frozenset({"mine"})))
    _, wide_id = await bench.made(bench.owner, KeyRequest())
    with pytest.raises(Forbidden, match="other projects"):
        await bench.keys.remove(narrow, permission("user.deleteApiKey"), wide_id)
    await bench.keys.remove(narrow, permission("user.deleteApiKey"), narrow_id)


async def test_a_member_sees_its_own_keys_and_touches_no_others(bench: Bench) -> None:
    mia = await member(bench, Grants())
    assert [key.user_id for key in await bench.keys.all(mia, permission("user.apiKeys"))] == [mia.user_id]
    assert len(await bench.keys.all(bench.owner, permission("user.apiKeys"))) == 2
    with pytest.raises(NotFound, match="API key not found"):
        await bench.keys.remove(mia, permission("user.deleteApiKey"), bench.owner.credential.id)
    await bench.keys.remove(bench.owner, permission("user.deleteApiKey"), mia.credential.id)


async def test_a_key_that_may_not_manage_keys_knows_of_itself_only(bench: Bench) -> None:
    reader, reader_id = await bench.made(bench.owner, READ_ONLY)
    assert [key.api_key_id for key in await bench.keys.of_caller(reader)] == [reader_id]
    assert len(await bench.keys.of_caller(bench.owner)) == 2


async def test_the_last_use_is_shown_before_it_is_saved_and_after(bench: Bench) -> None:
    (unused,) = await bench.keys.all(bench.owner, permission("user.apiKeys"))
    assert unused.last_used_at is None
    bench.access.usage.spend(bench.owner)
    (used,) = await bench.keys.all(bench.owner, permission("user.apiKeys"))
    assert used.last_used_at is not None
    await bench.access.save_uses()
    (saved,) = await KeyService(bench.database, AccessService(bench.database)).all(
        bench.owner, permission("user.apiKeys")
    )
    assert saved.last_used_at == used.last_used_at
