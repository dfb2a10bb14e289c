"""Members, invitations and organisations on both databases, also when two change them at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from headway.core.access.audit import Audit, Entry, Search
from headway.core.access.keys import KeyRequest, KeyService
from headway.core.access.members import LastOwner, MemberService
from headway.core.access.model import Actor, Grants, Joined, Role
from headway.core.access.organizations import OrganizationService
from headway.core.access.service import AccessService
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import api_keys, grants, members, users
from headway.infra.db.tables.projects import projects
from headway.kernel.errors import Conflict, NotFound
from headway.kernel.events import Events
from tests.support.panel.permissions import permission


class Bench:
    """An organisation with an owner and a project."""

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        self.access = AccessService(database)
        self.members = MemberService(database, self.access)

    async def owner(self) -> Actor:
        await self.access.bootstrap("owners-key")
        owner = await self.access.authenticate("owners-key")
        assert owner is not None
        values = {"project_id": "project", "organization_id": owner.organization_id, "name": "p", "env": ""}
        await self.database.run(lambda tx: tx.execute(projects.insert().values(**values, created_at=tx.now)))
        return owner

    async def joined(self, by: Actor, role: Role, email: str = "mia@example.org") -> Joined:
        given = Grants(projects=frozenset({"project"}))
        _, token = await self.members.invite(by, permission("organization.inviteMember"), email, role, given)
        return await self.members.accept(token, "Mia")

    async def count(self, *tables: object) -> list[int]:
        return [
            await self.database.read(lambda tx, table=table: tx.scalar(select(func.count()).select_from(table)))  # type: ignore[misc]
            for table in tables
        ]


@pytest.fixture
def bench(database: SqlDatabase) -> Bench:
    return Bench(database)


async def test_who_joins_has_what_the_invitation_said(bench: Bench) -> None:
    owner = await bench.owner()
    mia = (await bench.joined(owner, Role.MEMBER)).actor
    assert (mia.role, mia.email, mia.projects) == (Role.MEMBER, "mia@example.org", frozenset({"project"}))
    listed = await bench.members.all(owner, permission("user.all"))
    assert [(each.name, each.grants.projects) for each in listed] == [
        ("Owner", frozenset()),
        ("Mia", frozenset({"project"})),
    ]


async def test_of_two_who_use_one_token_at_once_one_joins(bench: Bench) -> None:
    owner = await bench.owner()
    _, token = await bench.members.invite(
        owner, permission("organization.inviteMember"), "mia@example.org", Role.MEMBER, Grants()
    )
    ends = await asyncio.gather(*(bench.members.accept(token) for _ in range(2)), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Joined", "Missing"]
    assert await bench.count(users) == [2]


async def test_a_token_ends_with_its_time(bench: Bench) -> None:
    owner = await bench.owner()
    _, token = await bench.members.invite(
        owner, permission("organization.inviteMember"), "m@example.org", Role.MEMBER, Grants(), lasting=timedelta(0)
    )
    with pytest.raises(NotFound, match="Invitation not found"):
        await bench.members.accept(token)


async def test_two_owners_who_remove_each_other_at_once_leave_one(bench: Bench) -> None:
    owner = await bench.owner()
    other = (await bench.joined(owner, Role.OWNER)).actor
    ends = await asyncio.gather(
        bench.members.remove(owner, permission("user.remove"), other.user_id),
        bench.members.remove(other, permission("user.remove"), owner.user_id),
        return_exceptions=True,
    )
    assert sum(isinstance(end, LastOwner | NotFound) for end in ends) == 1
    assert await bench.count(members) == [1]


async def test_with_a_member_goes_all_that_was_theirs(bench: Bench) -> None:
    owner = await bench.owner()
    mia = (await bench.joined(owner, Role.MEMBER)).actor
    await KeyService(bench.database, bench.access).create(
        mia, permission("user.createApiKey"), name="more", wish=KeyRequest()
    )
    assert await bench.count(users, members, grants, api_keys) == [2, 2, 1, 3]
    await bench.members.remove(owner, permission("user.remove"), mia.user_id)
    assert await bench.count(users, members, grants, api_keys) == [1, 1, 0, 1]


async def test_an_organisation_with_something_in_it_and_the_only_one_stay(bench: Bench) -> None:
    owner = await bench.owner()
    organizations = OrganizationService(bench.database, bench.access)
    with pytest.raises(Conflict, match="still has projects"):
        await organizations.delete(owner, permission("organization.delete"), owner.organization_id)
    await bench.database.run(lambda tx: tx.execute(projects.delete()))
    with pytest.raises(Conflict, match="machine belongs to this organisation"):
        await organizations.delete(owner, permission("organization.delete"), owner.organization_id)
    made, key = await organizations.create(owner, permission("organization.create"), "Second")
    second = await bench.access.authenticate(key)
    assert second is not None
    assert (
        await organizations.delete(second, permission("organization.delete"), made.organization_id)
    ).name == "Second"
    assert await bench.access.authenticate(key) is None


async def test_the_log_is_searched_alike(bench: Bench) -> None:
    owner = await bench.owner()
    audit = Audit(bench.database, Events())
    for name in ("Shop_1", "shop%2", "web"):
        await audit.kept(Entry(owner, permission("project.create"), {"name": name}), lambda _actor: asyncio.sleep(0))
    for search, found in (
        (Search(), ["web", "shop%2", "Shop_1"]),
        (Search(subject_name="SHOP"), ["shop%2", "Shop_1"]),
        (Search(subject_name="p_1"), ["Shop_1"]),
        (Search(action="create", resource="project", limit=1, offset=1), ["shop%2"]),
        (Search(action="delete"), []),
    ):
        rows, _, _ = await audit.page(owner, permission("auditLog.all"), search)
        assert [row.subject_name for row in rows] == found
