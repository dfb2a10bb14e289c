"""Attempts of a run that came to nothing: counted as long as no step more is recorded, so that they are bounded."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from headway.infra.db.tables.deployments import setbacks, steps
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

MOST_SETBACKS = 10  # a start of a panel that dies at once counts as well: enough for a machine that is switched twice

_s = setbacks.c


@dataclass(frozen=True, slots=True)
class Setbacks:
    """How many attempts in a row brought a run no further, and what the last one met."""

    number: int
    sentence: str

    @property
    def are_too_many(self) -> bool:
        """Whether the run is to be ended instead of tried once more."""
        return self.number >= MOST_SETBACKS


def of(tx: Tx, deployment_id: str) -> Setbacks:
    """The setbacks of a run since it last came further."""
    row = tx.execute(select(setbacks).where(_s.deployment_id == deployment_id)).one_or_none()
    if row is None or row.steps < _recorded(tx, deployment_id):
        return Setbacks(0, "")
    return Setbacks(row.number, row.sentence)


def count(tx: Tx, deployment_id: str, sentence: str) -> Setbacks:
    """One more attempt has come to nothing; all of them now."""
    before = of(tx, deployment_id)
    now = Setbacks(before.number + 1, sentence.replace("\0", ""))
    forget(tx, deployment_id)
    values = {"number": now.number, "steps": _recorded(tx, deployment_id), "sentence": now.sentence}
    tx.execute(insert(setbacks).values(deployment_id=deployment_id, **values))
    return now


def forget(tx: Tx, deployment_id: str) -> None:
    """The run has ended."""
    tx.execute(delete(setbacks).where(_s.deployment_id == deployment_id))


def _recorded(tx: Tx, deployment_id: str) -> int:
    mine = steps.c.deployment_id == deployment_id, steps.c.result.is_not(None)
    return int(tx.scalar(select(func.count()).select_from(steps).where(*mine)) or 0)
