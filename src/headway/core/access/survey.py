"""What an upgrade leaves as it is although it would not be taken any more, told as lines of one list.

Each part of Headway gives lines of its own (``Survey``). They are told by ``headway upgrade-check``, which reads the
database of the version before as well (so a survey reads no column that this version brings, but those of services and
releases, which ``infra.db.earlier`` shows it), and written into the log at the first start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from sqlalchemy import Row, inspect, select

from headway.core.access.allowances import refusal
from headway.core.access.machine import Need, Power
from headway.core.access.machine_store import least_role
from headway.infra.db.tables.access import machine_allowances, organizations
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

_a = machine_allowances.c
_o = organizations.c
_FETCHED = "what their Dockerfiles have the engine fetch (ADD of an address, an image of the machine's own network)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was left as it is: which service or setting of what, and why it is told of. With ``refused`` it is
    not taken again, else it stays good.
    """

    what: str
    setting: str
    why: str
    refused: bool

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.what}: {self.setting} {self.why}."


class Survey(Protocol):
    """One part's lines."""

    def __call__(self, tx: Tx, vault: Vault, /) -> Iterable[Line]:
        """Reads, and changes nothing."""
        ...


def of_needs(tx: Tx, organization_id: str, subject_id: str, what: str, needs: Iterable[Need]) -> Iterator[Line]:
    """The lines about what something needs of a machine and nobody is known to have allowed, or may not have now."""
    known: set[Need] = set()
    if _is_new(tx):
        rows = tx.execute(select(machine_allowances).where(_a.subject_id == subject_id, _a.allowed_by.is_not(None)))
        known = {_need(row) for row in rows}
    for need in sorted(needs, key=lambda each: (each.power, each.value)):
        if need in known:
            refused = refusal(tx, organization_id, subject_id, [need], serving=True)
            if refused is not None:
                why = f"is not allowed now ({refused.why}): what runs goes on, and is not started again"
                yield Line(what=what, setting=need.shown, why=why, refused=True)
        elif need.server_id is not None or has_machine(tx, organization_id):
            why = "was set by somebody who is not known, and counts as allowed"
            yield Line(what=what, setting=need.shown, why=why, refused=False)
        else:
            why = (
                "reaches the machine, which this organisation was not given: it goes on as it is, and is refused when "
                "it is changed next"
            )
            yield Line(what=what, setting=need.shown, why=why, refused=True)


def of_fetching(tx: Tx, services: Iterable[tuple[str, str]]) -> Iterator[Line]:
    """The lines about services whose images were built before anybody asked what the engine fetches for a Dockerfile:
    of each its organisation and its name. They are told of together, for only their repositories say which do.
    """
    named: dict[str, list[str]] = defaultdict(list)
    for organization_id, name in services:
        named[organization_id].append(name)
    for organization_id, names in named.items():
        refused = not has_machine(tx, organization_id)
        why = "counts as allowed: the first build of each that needs it sets engineFetch"
        if refused:
            why = "reaches the machine, which this organisation was not given: it is refused when they are built next"
        yield Line(what=", ".join(names), setting=_FETCHED, why=why, refused=refused)


def has_machine(tx: Tx, organization_id: str) -> bool:
    """Whether anybody in the organisation may use the machine, also before that is written down."""
    if _is_new(tx):
        return least_role(tx, organization_id) is not None
    oldest = select(_o.organization_id).order_by(_o.created_at, _o.organization_id).limit(1)
    return bool(tx.scalar(oldest) == organization_id)


def _is_new(tx: Tx) -> bool:
    return inspect(tx.connection).has_table(machine_allowances.name)


def _need(row: Row[Any]) -> Need:
    return Need(power=Power(row.power), value=row.value, server_id=row.server_id)
