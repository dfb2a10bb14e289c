"""What health checks of releases saw, and who got requests from whom since: reads and writes."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from sqlalchemy import literal_column, select

from headway.drivers.runtimes.contract.runtime import Health
from headway.features.services import handover_store, releases_store
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.model import DesiredState, Release, ReleaseState
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import COMPOSE, releases, services
from headway.infra.db.transaction import Tx

_a, _d, _r = services.c, deployments.c, releases.c
_RETIRING = _r.state == literal_column("'retiring'")  # as the index has it


ApplicationHandover: TypeAlias = handover_store.Handover[Release]


def saw(tx: Tx, release_id: str, health: Health) -> None:
    """What the health check of a release saw."""
    values = {"answers": health.answers, "copies": list(health.copies)}
    releases_store.set_fields(tx, release_id, health=values)


def answered(tx: Tx, release_id: str, otherwise: bool) -> bool:  # noqa: FBT001 - a value
    """Whether a release answered HTTP when it came to serve; ``otherwise`` where nobody wrote that down."""
    found = store.release(tx, release_id)
    return otherwise if found is None or found.health is None else found.health.answers


def watched(tx: Tx, host_id: str, since: datetime) -> list[Release]:
    """The serving releases of a host whose deployment ended after ``since`` and is not marked unstable yet."""
    joined = select(_r.release_id).join(deployments, _d.deployment_id == _r.deployment_id)
    young = (_d.finished_at >= since, _d.unstable.is_(False))
    wanted = select(_a.service_id).where(_a.wanted == DesiredState.UP)
    serving = (_r.state == ReleaseState.SERVING, _r.runtime != COMPOSE)
    mine = (_r.host_id == host_id, *serving, _r.service_id.in_(wanted))
    found = tx.execute(joined.where(*mine, *young)).scalars().all()
    return [each for each in (store.release(tx, release_id) for release_id in found) if each is not None]


def handed_over(tx: Tx, since: datetime) -> list[ApplicationHandover]:
    """The releases that came to serve after ``since`` and whose predecessor is still there, and not being ended yet."""
    draining = (_RETIRING, _r.retire_at > tx.now)  # few, and found by an index: this is asked several times a second
    found = []
    for application_id in tx.execute(select(_r.service_id).where(*draining).distinct()).scalars().all():
        new, old = store.serving(tx, application_id), _before(tx, application_id)
        if new is None or old is None or new.health is None or not new.health.copies:
            continue
        ended = (_d.deployment_id == new.deployment_id, _d.finished_at >= since, _d.unstable.is_(False))
        if tx.scalar(select(_d.seq).where(*ended)) is not None and services_store.is_wanted(tx, application_id):
            found.append(handover_store.Handover(new=new, old=old))
    return found


def stand_in(tx: Tx, release_id: str, since: datetime) -> ApplicationHandover | None:
    """The release that has taken the place of an older one, which is there yet: where it came to serve after ``since``,
    answered HTTP then, and is to go on. None for one that was gone back from.
    """
    old = store.release(tx, release_id)
    new = None if old is None else store.serving(tx, old.service_id)
    if old is None or old.state is not ReleaseState.RETIRING or new is None or new.health is None:
        return None
    moved = handover_store.Handover(new=new, old=old)
    is_to_answer = new.health.answers and services_store.is_wanted(tx, old.service_id)
    return moved if is_to_answer and handover_store.took_over(tx, moved, since) else None


def keep(tx: Tx, release_id: str, until: datetime) -> None:
    """A replaced release stays for longer."""
    releases_store.set_fields(tx, release_id, retire_at=until)


def is_standing(tx: Tx, moved: ApplicationHandover) -> bool:
    """Whether it is still so that the one has taken over from the other, and nothing has been deployed since."""
    application_id = moved.new.service_id
    still = (store.serving(tx, application_id), _before(tx, application_id)) == (moved.new, moved.old)
    return still and services_store.is_at_rest(tx, application_id) and services_store.is_wanted(tx, application_id)


def hand_back(tx: Tx, moved: ApplicationHandover, why: str) -> bool:
    """The release before serves again, and the newer one retires at once; False where somebody was first."""
    if not is_standing(tx, moved):
        return False
    handover_store.hand_back(tx, moved, why, state=ReleaseState.RETIRING, retire_at=tx.now)
    return True


def beside(tx: Tx, application_id: str, release_id: str) -> Release | None:
    """The release that served before this one, and may still run."""
    serving = store.serving(tx, application_id)
    return serving if serving is not None and serving.release_id != release_id else _before(tx, application_id)


def _before(tx: Tx, application_id: str) -> Release | None:
    mine = (_r.service_id == application_id, _r.state == ReleaseState.RETIRING, _r.retire_at > tx.now)
    row = tx.execute(select(_r.release_id).where(*mine).order_by(_r.serving_since.desc()).limit(1)).one_or_none()
    return None if row is None else store.release(tx, row.release_id)
