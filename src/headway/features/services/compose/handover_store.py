"""Which release of a compose service took over from which, and what gives that back: reads and writes."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from sqlalchemy import select

from headway.core.deployments.status import Status
from headway.features.services import handover_store
from headway.features.services import store as services_store
from headway.features.services.compose import store
from headway.features.services.compose.model import ComposeRelease
from headway.features.services.model import DesiredState, ReleaseState
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import COMPOSE, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c, _d, _r = services.c, deployments.c, releases.c
KINDS = frozenset({"compose.deploy", "compose.rollback"})


ComposeHandover: TypeAlias = handover_store.Handover[ComposeRelease]


def of(tx: Tx, deployment_id: str, vault: Vault) -> ComposeHandover | None:
    """What a deployment took over, None where it took over nothing, or from a swarm, or in one."""
    new = store.release(tx, deployment_id, vault)
    if new is None or new.state is not ReleaseState.SERVING or new.record.stack:
        return None
    old = before(tx, new.service_id, new, vault)
    return None if old is None or old.record.stack else handover_store.Handover(new=new, old=old)


def stand_in(tx: Tx, compose_id: str, vault: Vault, since: datetime) -> ComposeHandover | None:
    """What serves, where it took over from something older after ``since`` and is to go on. None for what was gone back
    to.
    """
    serving = store.serving(tx, compose_id, vault)
    moved = None if serving is None else of(tx, serving.deployment_id, vault)
    if moved is None or not services_store.is_wanted(tx, compose_id):
        return None
    return moved if handover_store.took_over(tx, moved, since) else None


def young(tx: Tx, since: datetime) -> list[str]:
    """The deployments whose releases serve, and that came to their end after ``since`` and were not marked unstable."""
    joined = select(_d.deployment_id).join(releases, _r.release_id == _d.deployment_id)
    done = (_d.kind.in_(KINDS), _d.status == Status.DONE, _d.finished_at >= since, _d.unstable.is_(False))
    return list(tx.execute(joined.where(_r.runtime == COMPOSE, _r.state == ReleaseState.SERVING, *done)).scalars())


def before(tx: Tx, compose_id: str, release: ComposeRelease, vault: Vault) -> ComposeRelease | None:
    """The release that serves beside this one, or served last before it."""
    serving = store.serving(tx, compose_id, vault)
    if serving is not None and serving.release_id != release.release_id:
        return serving
    served = (_r.service_id == compose_id, _r.state == ReleaseState.RETIRED, _r.serving_since.is_not(None))
    found = tx.scalar(select(_r.release_id).where(*served).order_by(_r.serving_since.desc()).limit(1))
    return None if found is None else store.release(tx, found, vault)


def is_standing(tx: Tx, moved: ComposeHandover) -> bool:
    """Whether it is still so that the one has taken over from the other, and nothing has been deployed since."""
    mine = (_c.service_id == moved.new.service_id, _c.deleted_at.is_(None), _c.wanted == DesiredState.UP)
    serving = tx.scalar(select(_c.serving_release_id).where(*mine))
    both = select(_r.release_id).where(_r.release_id.in_((moved.new.release_id, moved.old.release_id)))
    there = len(tx.execute(both).all()) == len((moved.new, moved.old))
    return serving == moved.new.release_id and there and services_store.is_at_rest(tx, moved.new.service_id)


def hand_back(tx: Tx, moved: ComposeHandover, why: str) -> bool:
    """The release before serves again; False where somebody was first."""
    if not is_standing(tx, moved):
        return False
    handover_store.hand_back(tx, moved, why, state=ReleaseState.RETIRED)
    return True
