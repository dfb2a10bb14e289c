"""Reads and writes of identities at a provider, and of what its groups may do."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select, update

from headway.core.access.identities import GroupRule, Identity
from headway.core.access.model import Role
from headway.infra.db.tables.access import group_rules, identities, members, users
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id

_i, _g = identities.c, group_rules.c


def lock(tx: Tx, identity: Identity) -> None:
    """Nobody else signs in as this subject until the transaction ends: of two who come first one makes the person."""
    told = hashlib.sha256(f"{identity.issuer}\0{identity.subject}".encode(errors="surrogatepass")).hexdigest()
    tx.lock(f"access.identity.{told}")


def user_of(tx: Tx, identity: Identity) -> str | None:
    """The user whom the provider knows so, None where there is none."""
    mine = _i.issuer == identity.issuer, _i.subject == identity.subject
    found: str | None = tx.scalar(select(_i.user_id).where(*mine))
    return found


def is_known(tx: Tx, user_id: str) -> bool:
    """Whether the provider is how the user signs in."""
    return tx.scalar(select(_i.user_id).where(_i.user_id == user_id)) is not None


def add(tx: Tx, user_id: str, identity: Identity) -> None:
    """The user is known so from now on."""
    values = {"user_id": user_id, "issuer": identity.issuer, "subject": identity.subject}
    tx.execute(insert(identities).values(**values, created_at=tx.now, signed_in_at=tx.now))


def note_sign_in(tx: Tx, user_id: str, identity: Identity) -> None:
    """The user has just come by the provider, which calls them so."""
    tx.execute(update(identities).where(_i.user_id == user_id).values(signed_in_at=tx.now))
    tx.execute(update(users).where(users.c.user_id == user_id).values(name=identity.name, email=identity.email))


def organizations_by_groups(tx: Tx, user_id: str) -> list[str]:
    """Where the user belongs to by their groups."""
    mine = members.c.user_id == user_id, members.c.by_groups.is_(True)
    return list(tx.execute(select(members.c.organization_id).where(*mine)).scalars())


def rules_of(tx: Tx, organization_id: str | None = None) -> list[GroupRule]:
    """What groups may do in an organisation, or in all of them."""
    where = [] if organization_id is None else [_g.organization_id == organization_id]
    found = select(group_rules).where(*where).order_by(_g.name, _g.group_rule_id)
    return [
        GroupRule(
            group_rule_id=row.group_rule_id,
            organization_id=row.organization_id,
            name=row.name,
            role=Role.of(row.role),
            projects=frozenset(row.projects),
            created_at=row.created_at,
        )
        for row in tx.execute(found)
    ]


def set_rule(tx: Tx, organization_id: str, name: str, role: Role, projects: frozenset[str]) -> GroupRule:
    """What a group may do in an organisation from now on."""
    values = {"role": role.word, "projects": sorted(projects)}
    mine = _g.organization_id == organization_id, _g.name == name
    if not tx.execute(update(group_rules).where(*mine).values(**values)).rowcount:
        made = {"group_rule_id": new_id(), "organization_id": organization_id, "name": name, "created_at": tx.now}
        tx.execute(insert(group_rules).values(**made, **values))
    return next(each for each in rules_of(tx, organization_id) if each.name == name)


def remove_rule(tx: Tx, group_rule_id: str) -> None:
    """The group may do nothing by itself any more."""
    tx.execute(delete(group_rules).where(_g.group_rule_id == group_rule_id))
