"""Use cases of the groups of a provider: what those have in an organisation who are in one."""

from __future__ import annotations

from headway.core.access import identities_store, machine_store, members_store
from headway.core.access.identities import MOST_RULES, GroupRule
from headway.core.access.machine import may_use_the_machine
from headway.core.access.members import require_lasting, require_rank, require_there
from headway.core.access.model import Actor, Grants, Role
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, Forbidden, InvalidInput
from headway.kernel.provider_settings import Provider


class NotToldOfGroups(Forbidden):
    """Whoever names a group is told who is in it, which is for whom the first organisation trusts with that."""

    def __init__(self) -> None:
        super().__init__(
            "Whoever names a group is told who is in it, so the first time an owner of the panel's first organisation "
            "does, who owns this one too, or this organisation has to have the machine (organization.grantMachine). "
            "What a group may do that was named once is changed by any owner."
        )


class GroupService:
    """What groups of the provider may do; who is in one is told by the provider when somebody signs in."""

    def __init__(self, db: Database, provider: Provider | None) -> None:
        self._db = db
        self.provider = provider

    async def all(self, actor: Actor, permission: Permission) -> list[GroupRule]:
        """Those of the caller's organisation, by their names."""
        permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: identities_store.rules_of(tx, actor.organization_id))

    async def may_name(self, actor: Actor) -> bool:
        """Whether the caller may name a group of which this organisation does not know yet: see NotToldOfGroups."""
        return await self._db.read(lambda tx: _is_told(tx, actor))

    async def set(
        self, actor: Actor, permission: Permission, name: str, role: Role, projects: frozenset[str]
    ) -> GroupRule:
        """What those are from now on who are in this group, as of their next sign-in. Raises Forbidden for more than
        the caller is, NotToldOfGroups, Missing for projects that the organisation has not, InvalidInput, Conflict.
        """
        permit(actor, permission, actor.organization_id)
        require_rank(actor, role)
        require_lasting(actor, role)
        if not name.strip() or not name.isprintable():
            raise InvalidInput("A group is called as the provider tells it: with at least one letter that can be seen.")

        def write(tx: Tx) -> GroupRule:
            tx.lock(f"access.groups.{actor.organization_id}")
            known = {each.name for each in identities_store.rules_of(tx, actor.organization_id)}
            if name not in known and not _is_told(tx, actor):
                raise NotToldOfGroups
            if name not in known and len(known) >= MOST_RULES:
                raise Conflict(f"An organisation knows {MOST_RULES} groups at most. Remove one first.")
            require_there(tx, actor.organization_id, Grants(projects=projects))
            return identities_store.set_rule(tx, actor.organization_id, name, role, projects)

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, group_rule_id: str) -> GroupRule:
        """The group gives nothing any more, as of the next sign-in of those who are in it. Raises Missing."""

        def write(tx: Tx) -> GroupRule:
            permit(actor, permission, actor.organization_id)
            for each in identities_store.rules_of(tx, actor.organization_id):
                if each.group_rule_id == group_rule_id:
                    identities_store.remove_rule(tx, group_rule_id)
                    return each
            raise Missing(Noun.GROUP_RULE)

        return await self._db.run(write)


def _is_told(tx: Tx, actor: Actor) -> bool:
    """Whether the caller may learn who is in any group of the provider's: its people become members here by that, with
    names, mail addresses and where they sign in from. Who has the machine could read all of it.
    """
    first = machine_store.first_organization(tx)
    if first is None or actor.organization_id == first or may_use_the_machine(actor):
        return True
    there = members_store.member_of_user(tx, first, actor.user_id)
    return there is not None and there.role is Role.OWNER
