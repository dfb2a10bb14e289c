"""Whose the machine is, to whom it is given, and what was allowed by whom, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from headway.core.access import allowances, machine_store, store
from headway.core.access.allowances import NotAllowed
from headway.core.access.machine import MachineRefused, Need, Power, may_use_the_machine
from headway.core.access.members import MemberService
from headway.core.access.model import Actor, Grants, Role, Terms
from headway.core.access.organizations import OrganizationService
from headway.core.access.policy import Missing
from headway.core.access.service import AccessService
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import organizations as table
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, Forbidden, InvalidInput
from tests.support.panel.permissions import permission

BIND = Need(power=Power.BIND, value="/srv")
HOST = Need(power=Power.HOST)


class Bench:
    """A panel with its first organisation and another one, each with an owner."""

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        self.access = AccessService(database)
        self.members = MemberService(database, self.access)
        self.organizations = OrganizationService(database, self.access)

    async def first(self) -> Actor:
        await self.access.bootstrap("owners-key")
        return await self.actor("owners-key")

    async def other(self, owner: Actor) -> Actor:
        return await self.actor((await self.organizations.create(owner, permission("organization.create"), "Other"))[1])

    async def actor(self, key: str) -> Actor:
        found = await self.access.authenticate(key)
        assert found is not None
        return found

    async def admin(self, owner: Actor) -> str:
        _, token = await self.members.invite(
            owner, permission("organization.inviteMember"), "adm@example.org", Role.ADMIN, Grants()
        )
        return (await self.members.accept(token, "Adm")).key

    async def save(self, actor: Actor, *needs: Need, subject: str = "app") -> None:
        await self.database.run(lambda tx: allowances.save(tx, actor, subject, needs))

    async def start(self, organization_id: str, *needs: Need, serving: bool = False) -> None:
        await self.database.read(lambda tx: allowances.require(tx, organization_id, "app", needs, serving=serving))


@pytest.fixture
def bench(database: SqlDatabase) -> Bench:
    return Bench(database)


async def test_the_machine_is_the_first_organisations_owners_alone(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    assert may_use_the_machine(owner)
    assert not may_use_the_machine(other)
    assert not may_use_the_machine(await bench.actor(await bench.admin(owner)))


async def test_the_first_organisation_stays_and_so_does_whose_the_machine_is(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    with pytest.raises(Conflict, match="The machine belongs to this organisation"):
        await bench.organizations.delete(owner, permission("organization.delete"), owner.organization_id)

    def earlier(tx: Tx) -> str | None:  # as by a clock that was set back
        values = {"created_at": tx.now - timedelta(days=9_000)}
        tx.execute(table.update().where(table.c.organization_id == other.organization_id).values(**values))
        return machine_store.first_organization(tx)

    assert await bench.database.run(earlier) == owner.organization_id
    await bench.organizations.delete(other, permission("organization.delete"), other.organization_id)


async def test_the_first_owner_is_one_of_the_organisation_that_owns_the_machine(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    _, token = await bench.members.invite(
        owner, permission("organization.inviteMember"), "later@example.org", Role.OWNER, Grants()
    )
    later = (await bench.members.accept(token, "Later")).actor
    await bench.members.remove(later, permission("user.remove"), owner.user_id)
    found = await bench.database.read(store.first_owner)
    assert found == (later.user_id, owner.organization_id)
    assert other.user_id == owner.user_id, "who is an owner elsewhere, and earlier"


async def test_a_grant_counts_at_once_for_the_roles_that_it_names(bench: Bench) -> None:
    owner = await bench.first()
    key = (await bench.organizations.create(owner, permission("organization.create"), "Other"))[1]
    other = await bench.actor(key)
    adm = await bench.admin(other)
    given = await bench.organizations.grant_machine(
        owner, permission("organization.grantMachine"), other.organization_id, Role.OWNER
    )
    assert (given.name, given.least, given.granted_by_name) == ("Other", Role.OWNER, "Owner")
    assert may_use_the_machine(await bench.actor(key))
    assert not may_use_the_machine(await bench.actor(adm))
    await bench.organizations.grant_machine(
        owner, permission("organization.grantMachine"), other.organization_id, Role.ADMIN
    )
    assert may_use_the_machine(await bench.actor(adm))
    await bench.organizations.withdraw_machine(owner, permission("organization.withdrawMachine"), other.organization_id)
    assert not may_use_the_machine(await bench.actor(key))


async def test_the_first_organisation_can_let_its_admins(bench: Bench) -> None:
    owner = await bench.first()
    adm = await bench.admin(owner)
    await bench.organizations.grant_machine(
        owner, permission("organization.grantMachine"), owner.organization_id, Role.ADMIN
    )
    assert may_use_the_machine(await bench.actor(adm))
    await bench.organizations.withdraw_machine(owner, permission("organization.withdrawMachine"), owner.organization_id)
    assert not may_use_the_machine(await bench.actor(adm))
    assert may_use_the_machine(await bench.actor("owners-key"))


async def test_nobody_else_gives_it_not_even_who_was_given_it(bench: Bench) -> None:
    owner = await bench.first()
    key = (await bench.organizations.create(owner, permission("organization.create"), "Other"))[1]
    other = await bench.actor(key)
    for actor in (other, replace(owner, role=Role.ADMIN), replace(owner, terms=Terms(projects=frozenset({"p"})))):
        with pytest.raises(Forbidden):
            await bench.organizations.grant_machine(
                actor, permission("organization.grantMachine"), actor.organization_id, Role.OWNER
            )
    await bench.organizations.grant_machine(
        owner, permission("organization.grantMachine"), other.organization_id, Role.ADMIN
    )
    with pytest.raises(Forbidden, match="is given and taken back by an owner of the panel's first organisation"):
        await bench.organizations.grant_machine(
            await bench.actor(key), permission("organization.grantMachine"), other.organization_id, Role.ADMIN
        )
    with pytest.raises(Missing):
        await bench.organizations.withdraw_machine(
            await bench.actor(key), permission("organization.withdrawMachine"), owner.organization_id
        )
    with pytest.raises(Missing):
        await bench.organizations.grant_machine(owner, permission("organization.grantMachine"), "nobody", Role.OWNER)
    with pytest.raises(InvalidInput, match="to owners, or to owners and admins"):
        await bench.organizations.grant_machine(
            owner, permission("organization.grantMachine"), other.organization_id, Role.MEMBER
        )


async def test_who_gives_it_sees_every_organisation_and_others_their_own(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    assert [
        (each.name, each.owns, each.least)
        for each in await bench.organizations.machine(owner, permission("organization.machine"))
    ] == [
        ("My organisation", True, Role.OWNER),
        ("Other", False, None),
    ]
    assert [each.name for each in await bench.organizations.machine(other, permission("organization.machine"))] == [
        "Other"
    ]


async def test_what_was_allowed_starts_and_nothing_else_does(bench: Bench) -> None:
    owner = await bench.first()
    with pytest.raises(NotAllowed, match=r"A bind mount of /srv is not allowed .* nobody who may has set it so"):
        await bench.start(owner.organization_id, BIND)
    await bench.save(owner, BIND)
    await bench.start(owner.organization_id, BIND)
    for other in (replace(BIND, value="/srv/x"), replace(BIND, server_id="s"), HOST):
        with pytest.raises(NotAllowed):
            await bench.start(owner.organization_id, BIND, other)


async def test_a_value_that_stays_is_not_judged_again_and_a_changed_one_is(bench: Bench) -> None:
    owner = await bench.first()
    admin = await bench.actor(await bench.admin(owner))
    await bench.save(owner, BIND)
    await bench.save(admin, BIND)
    with pytest.raises(MachineRefused, match=r"A bind mount of / reaches the machine itself"):
        await bench.save(admin, replace(BIND, value="/"))
    await bench.start(owner.organization_id, BIND)
    await bench.save(admin)
    with pytest.raises(MachineRefused):
        await bench.save(admin, BIND)  # taken out is taken out, also by somebody who may not put it back
    with pytest.raises(NotAllowed):
        await bench.start(owner.organization_id, BIND)


async def test_what_was_taken_out_counts_for_what_serves_until_the_next_deploy_but_for_permissions(
    bench: Bench,
) -> None:
    owner = await bench.first()
    await bench.save(owner, BIND, HOST)
    await bench.save(owner)
    await bench.start(owner.organization_id, BIND, serving=True)
    with pytest.raises(NotAllowed):
        await bench.start(owner.organization_id, HOST, serving=True)


async def test_a_grant_that_is_taken_back_ends_what_was_allowed_by_it(bench: Bench) -> None:
    owner = await bench.first()
    key = (await bench.organizations.create(owner, permission("organization.create"), "Other"))[1]
    other = (await bench.actor(key)).organization_id
    await bench.organizations.grant_machine(owner, permission("organization.grantMachine"), other, Role.OWNER)
    await bench.save(await bench.actor(key), BIND)
    await bench.start(other, BIND)
    await bench.organizations.withdraw_machine(owner, permission("organization.withdrawMachine"), other)
    for serving in (False, True):
        with pytest.raises(NotAllowed, match="may not use the machine any more"):
            await bench.start(other, BIND, serving=serving)
    await bench.save(await bench.actor(key), BIND)  # what stays as it is can be saved along with other things
    await bench.organizations.grant_machine(owner, permission("organization.grantMachine"), other, Role.OWNER)
    await bench.start(other, BIND)


async def test_what_was_so_before_goes_on_and_ends_when_the_machine_is_taken_back(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    gone = replace(BIND, value="/gone")
    await bench.database.run(lambda tx: allowances.adopt(tx, other.organization_id, "app", {BIND}, {BIND, gone}))
    await bench.start(other.organization_id, BIND)
    await bench.start(other.organization_id, BIND, gone, serving=True)
    with pytest.raises(NotAllowed):
        await bench.start(other.organization_id, gone)
    await bench.save(other, BIND)
    with pytest.raises(MachineRefused):
        await bench.save(other, replace(BIND, value="/else"))
    await bench.organizations.withdraw_machine(owner, permission("organization.withdrawMachine"), other.organization_id)
    with pytest.raises(NotAllowed):
        await bench.start(other.organization_id, BIND, serving=True)


async def test_a_server_is_its_organisations_own(bench: Bench) -> None:
    owner = await bench.first()
    other = await bench.other(owner)
    there = replace(BIND, server_id="server")
    await bench.save(replace(other, role=Role.ADMIN), there)
    await bench.start(other.organization_id, there)
    with pytest.raises(MachineRefused, match="reaches a server itself"):
        await bench.save(replace(other, terms=Terms(projects=frozenset({"p"}))), there, subject="other")
    with pytest.raises(MachineRefused):
        await bench.save(other, BIND)  # as by a move to the panel's machine


async def test_what_is_gone_is_forgotten(bench: Bench) -> None:
    owner = await bench.first()
    await bench.save(owner, BIND)
    await bench.database.run(lambda tx: allowances.forget(tx, "app"))
    with pytest.raises(NotAllowed):
        await bench.start(owner.organization_id, BIND, serving=True)


async def test_it_is_marked_whose_the_machine_is(bench: Bench) -> None:
    await bench.first()
    assert await bench.database.read(machine_store.is_marked)
