"""Leases: who works on a running deployment, at which epoch, and until when that holds without a renewal."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from headway.infra.db.tables.deployments import leases
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

_l = leases.c

FIRST_EPOCH = 1

# The statements of every write of a run, built once: it takes longer than SQLite takes to carry them out.
_OF = _l.deployment_id == bindparam("of")
_EXPIRY = select(_l.expires_at).where(_OF).with_for_update()
_EXPIRY_OF_MINE = _EXPIRY.where(_l.owner == bindparam("by"), _l.epoch == bindparam("at"))
_END = delete(leases).where(_OF)
_GRANT = insert(leases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write a running deployment: one owner (a start of a panel) at one epoch."""

    deployment_id: str
    owner: str
    epoch: int


class LeaseLost(HeadwayError):
    """The lease has expired or another owner took the run: whoever held it changes nothing more."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"The lease of deployment {lease.deployment_id} at epoch {lease.epoch} is lost.")


def grant(tx: Tx, lease: Lease, duration: timedelta) -> None:
    """Gives a lease, whoever had it before; the caller has made sure that nobody may have it."""
    release(tx, lease.deployment_id)
    values = {"deployment_id": lease.deployment_id, "owner": lease.owner, "epoch": lease.epoch}
    tx.execute(_GRANT, {**values, "expires_at": tx.now + duration})


def hold(tx: Tx, lease: Lease) -> None:
    """Guards a write: until this transaction ends nobody can take the lease. Raises LeaseLost."""
    expires_at = tx.scalar(_EXPIRY_OF_MINE, {"of": lease.deployment_id, "by": lease.owner, "at": lease.epoch})
    if expires_at is None or expires_at <= tx.now:
        raise LeaseLost(lease)


def require(tx: Tx, lease: Lease) -> None:
    """Nobody has taken the run over. One that has expired passes: this is asked where a full disk lets nobody renew it,
    nor take it. Raises LeaseLost.
    """
    mine = (_l.deployment_id == lease.deployment_id, _l.owner == lease.owner, _l.epoch == lease.epoch)
    if tx.scalar(select(_l.epoch).where(*mine)) is None:
        raise LeaseLost(lease)


def is_free(tx: Tx, deployment_id: str) -> bool:
    """Whether nobody holds a live lease of this deployment; locks an expired one against its owner's return."""
    expires_at = tx.scalar(_EXPIRY, {"of": deployment_id})
    return expires_at is None or expires_at <= tx.now


def renew(tx: Tx, owner: str, duration: timedelta, deployment_ids: Collection[str]) -> set[tuple[str, int]]:
    """Prolongs the leases of ``owner`` on these deployments that have not expired; the (deployment, epoch) pairs that
    it still holds. Only what its owner works on is prolonged: a lease whose grant was never heard of must expire.
    """
    mine = (_l.owner == owner, _l.expires_at > tx.now, _l.deployment_id.in_(list(deployment_ids)))
    tx.execute(update(leases).where(*mine).values(expires_at=tx.now + duration))
    return {(row.deployment_id, row.epoch) for row in tx.execute(select(_l.deployment_id, _l.epoch).where(*mine))}


def release(tx: Tx, deployment_id: str) -> None:
    """Ends a lease; the caller holds it."""
    tx.execute(_END, {"of": deployment_id})


def release_all_of(tx: Tx, owner: str, deployment_ids: Iterable[str]) -> None:
    """A panel that stops lets its runs go on without it, free to be taken at once."""
    tx.execute(delete(leases).where(_l.owner == owner, _l.deployment_id.in_(list(deployment_ids))))


def release_of_panel(tx: Tx, panel_id: str) -> None:
    """Ends every lease of earlier starts of a panel, by the one that has taken over its data directory's lock."""
    tx.execute(delete(leases).where(_l.owner.startswith(f"{panel_id}.", autoescape=True)))


def release_if_mine(tx: Tx, lease: Lease) -> None:
    """Frees a lease that its holder cannot use, unless it has passed to another."""
    tx.execute(
        delete(leases).where(_l.deployment_id == lease.deployment_id, _l.owner == lease.owner, _l.epoch == lease.epoch)
    )
