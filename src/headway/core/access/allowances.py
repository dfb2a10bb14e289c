"""What was allowed to reach a machine: written down when a setting is saved, asked for at every start.

A save judges its caller, and a start does not: it asks whether exactly this value was allowed to what starts, and
whether its organisation still has the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from headway.core.access import machine_store
from headway.core.access.machine import Need, Power, require_need
from headway.core.access.machine_store import least_role
from headway.core.access.model import Actor
from headway.infra.db.tables.access import machine_allowances
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Forbidden
from headway.kernel.ids import new_id

_c = machine_allowances.c


class NotAllowed(Forbidden):
    """What is to start needs something of the machine that it is not allowed now."""

    def __init__(self, need: Need, *, withdrawn: bool) -> None:
        lost, unset = "the organisation may not use the machine any more", "nobody who may has set it so"
        self.why = lost if withdrawn else unset
        super().__init__(
            f"{need.shown} is not allowed to this service now: {self.why}. Take it out of the settings, or have it "
            "set by an owner of the panel's first organisation, or of one that was given the machine, with a key for "
            "all projects."
        )
        self.need = need


def save(tx: Tx, actor: Actor, subject_id: str, needs: Iterable[Need], *, of: Collection[Power] = tuple(Power)) -> None:
    """What a service, schedule or destination needs from now on, of the powers ``of``: what is new is judged and
    written down with who allowed it, what is no more is withdrawn. Raises MachineRefused.
    """
    wanted = set(needs)
    standing = _standing(tx, subject_id)
    for need in sorted(wanted - standing, key=lambda each: (each.power, each.value)):
        require_need(actor, need)
        _write(tx, subject_id, actor.organization_id, need, (actor.user_id, actor.name))
    _withdraw(tx, subject_id, (each for each in standing - wanted if each.power in of))


def withdraw_others(tx: Tx, subject_id: str, needs: Iterable[Need], *, of: Power) -> None:
    """What was allowed of a power is withdrawn where it is none of these needs."""
    _withdraw(tx, subject_id, (each for each in _standing(tx, subject_id) - set(needs) if each.power is of))


def _withdraw(tx: Tx, subject_id: str, needs: Iterable[Need]) -> None:
    for need in needs:
        tx.execute(update(machine_allowances).where(*_is(subject_id, need)).values(withdrawn_at=tx.now))


def note(tx: Tx, organization_id: str, subject_id: str, needs: Iterable[Need], *, by: tuple[str, str]) -> None:
    """Writes down what is allowed besides what is, ``by`` whom (id and name): who was judged when they asked for it."""
    for need in set(needs) - _standing(tx, subject_id):
        _write(tx, subject_id, organization_id, need, by)


def carry(tx: Tx, actor: Actor, subject_id: str) -> None:
    """Whether the caller may take it elsewhere with all that it was allowed, into the reach of others. Raises
    MachineRefused.
    """
    for need in sorted(_standing(tx, subject_id), key=lambda each: (each.power, each.value)):
        require_need(actor, need)


def refusal(
    tx: Tx, organization_id: str, subject_id: str, needs: Iterable[Need], *, serving: bool = False
) -> NotAllowed | None:
    """What keeps something with these needs from being started now, None where nothing does. Of what is ``serving``,
    and was judged when it came to serve, settings that were taken out since count: they do so from the next deploy on.
    Not so a permission: that is withdrawn at once.
    """
    wanted = set(needs)
    if not wanted:
        return None
    rows = tx.execute(select(machine_allowances).where(_c.subject_id == subject_id)).all()
    has_machine: bool | None = None
    for need in sorted(wanted, key=lambda each: (each.power, each.value)):
        late = serving and need.power is not Power.HOST
        mine = [row for row in rows if _need(row) == need and (late or row.withdrawn_at is None)]
        if not mine:
            return NotAllowed(need, withdrawn=False)
        if need.server_id is not None or any(row.allowed_by is None for row in mine):
            continue
        if has_machine is None:
            has_machine = least_role(tx, organization_id) is not None
        if not has_machine:
            return NotAllowed(need, withdrawn=True)
    return None


def require(tx: Tx, organization_id: str, subject_id: str, needs: Iterable[Need], *, serving: bool = False) -> None:
    """See ``refusal``. Raises NotAllowed."""
    found = refusal(tx, organization_id, subject_id, needs, serving=serving)
    if found is not None:
        raise found


def without_machine(tx: Tx) -> set[str]:
    """What was allowed to use the machine in organisations that may not do so any more."""
    given = [each.organization_id for each in machine_store.given(tx) if each.least is not None]
    lost = (_c.server_id.is_(None), _c.allowed_by.is_not(None), _c.organization_id.not_in(given))
    return set(tx.execute(select(_c.subject_id).where(*lost)).scalars())


def adopt(
    tx: Tx, organization_id: str, subject_id: str, needs: Collection[Need], serving: Collection[Need] = ()
) -> None:
    """Writes down what was so before anybody wrote down who allowed it: the ``needs`` of its settings, and those of
    what is ``serving``.
    """
    standing = _standing(tx, subject_id)
    for need in set(needs) - standing:
        _write(tx, subject_id, organization_id, need, None)
    for need in set(serving) - standing - set(needs):
        _write(tx, subject_id, organization_id, need, None)
        tx.execute(update(machine_allowances).where(*_is(subject_id, need)).values(withdrawn_at=tx.now))


def forget(tx: Tx, subject_id: str) -> None:
    """What it was allowed to is gone."""
    tx.execute(delete(machine_allowances).where(_c.subject_id == subject_id))


def _standing(tx: Tx, subject_id: str) -> set[Need]:
    mine = select(machine_allowances).where(_c.subject_id == subject_id, _c.withdrawn_at.is_(None))
    return {_need(row) for row in tx.execute(mine)}


def _write(tx: Tx, subject_id: str, organization_id: str, need: Need, by: tuple[str, str] | None) -> None:
    tx.execute(delete(machine_allowances).where(*_is(subject_id, need)))  # an earlier one, which was withdrawn
    tx.execute(
        insert(machine_allowances).values(
            allowance_id=new_id(),
            organization_id=organization_id,
            subject_id=subject_id,
            power=need.power.value,
            server_id=need.server_id,
            value=need.value,
            allowed_by=None if by is None else by[0],
            allowed_by_name=None if by is None else by[1],
            allowed_at=tx.now,
        )
    )


def _is(subject_id: str, need: Need) -> tuple[ColumnElement[bool], ...]:
    where = _c.server_id.is_(None) if need.server_id is None else _c.server_id == need.server_id
    return (_c.subject_id == subject_id, _c.power == need.power.value, _c.value == need.value, where)


def _need(row: Row[Any]) -> Need:
    return Need(power=Power(row.power), value=row.value, server_id=row.server_id)
