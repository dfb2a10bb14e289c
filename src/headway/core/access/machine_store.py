"""Reads and writes of whose the machine is: the organisation that owns it, and those that it was given to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from headway.core.access.model import Actor, Role
from headway.infra.db.tables.access import machine_allowances, machine_grants, organizations
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_o = organizations.c
_g = machine_grants.c
_a = machine_allowances.c
_NOBODY = "nobody"  # in a grant's place: the machine was taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An organisation, and who in it may use the machine: those of the role ``least`` and above, None nobody. Where it
    was granted, by whom and when.
    """

    organization_id: str
    name: str
    owns: bool
    least: Role | None
    granted_by_name: str | None = None
    granted_at: datetime | None = None


def first_organization(tx: Tx) -> str | None:
    """The organisation that the machine belongs to: the first one, which is marked; None before the first start."""
    oldest = select(_o.organization_id).order_by(_o.owns_machine.desc(), _o.created_at, _o.organization_id)
    found: str | None = tx.scalar(oldest.limit(1))
    return found


def is_marked(tx: Tx) -> bool:
    """Whether it is written down whose the machine is; it is not before the first start, and right after an upgrade."""
    return tx.scalar(select(_o.organization_id).where(_o.owns_machine)) is not None


def mark(tx: Tx, organization_id: str) -> None:
    """The machine belongs to this organisation from now on."""
    tx.execute(update(organizations).where(_o.organization_id == organization_id).values(owns_machine=True))


def least_role(tx: Tx, organization_id: str) -> Role | None:
    """The lowest role that may use the machine in an organisation; None: nobody there may."""
    granted = _granted(tx, organization_id)
    if granted not in {None, _NOBODY}:
        return Role.of(str(granted))
    return Role.OWNER if organization_id == first_organization(tx) else None


def has_machine(tx: Tx, organization_id: str) -> bool:
    """Whether anybody of an organisation may use the machine."""
    return least_role(tx, organization_id) is not None


def is_guarded(tx: Tx, organization_id: str, flag: bool) -> bool:  # noqa: FBT001 - as it is kept
    """Whether an address that was saved leads to the internet only now: whoever saved it might not use the machine (its
    ``flag``), or the machine was taken back from its organisation.
    """
    return flag or _granted(tx, organization_id) == _NOBODY


def given(tx: Tx, only: str | None = None) -> list[Given]:
    """Every organisation with what it has of the machine, or ``only`` that one; the oldest first."""
    owner = first_organization(tx)
    found = (
        select(_o.organization_id, _o.name, _g.least, _g.granted_by_name, _g.granted_at)
        .outerjoin(machine_grants, (_g.organization_id == _o.organization_id) & (_g.least != _NOBODY))
        .order_by(_o.created_at, _o.organization_id)
    )
    if only is not None:
        found = found.where(_o.organization_id == only)
    return [
        Given(
            organization_id=row.organization_id,
            name=row.name,
            owns=row.organization_id == owner,
            least=Role.of(row.least) if row.least else Role.OWNER if row.organization_id == owner else None,
            granted_by_name=row.granted_by_name,
            granted_at=row.granted_at,
        )
        for row in tx.execute(found)
    ]


def grant(tx: Tx, actor: Actor, organization_id: str, least: Role) -> None:
    """Gives the machine to those of an organisation who have at least this role."""
    _write(tx, actor, organization_id, least.word)


def withdraw(tx: Tx, actor: Actor, organization_id: str) -> None:
    """Takes the machine back, also where an organisation used it before anybody gave it. That is kept, for whatever it
    has saved leads nowhere near from then on (``is_guarded``); the first one keeps its owners' machine.
    """
    if organization_id == first_organization(tx):
        tx.execute(delete(machine_grants).where(_g.organization_id == organization_id))
        return
    _write(tx, actor, organization_id, _NOBODY)
    unknown = (_a.organization_id == organization_id, _a.allowed_by.is_(None), _a.server_id.is_(None))
    tx.execute(delete(machine_allowances).where(*unknown))


def _granted(tx: Tx, organization_id: str) -> str | None:
    found: str | None = tx.scalar(select(_g.least).where(_g.organization_id == organization_id))
    return found


def _write(tx: Tx, actor: Actor, organization_id: str, least: str) -> None:
    tx.execute(delete(machine_grants).where(_g.organization_id == organization_id))
    tx.execute(
        insert(machine_grants).values(
            organization_id=organization_id,
            least=least,
            granted_by=actor.user_id,
            granted_by_name=actor.name,
            granted_at=tx.now,
        )
    )
