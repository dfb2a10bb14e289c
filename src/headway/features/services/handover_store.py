"""Which release took over from which, and what gives that back, as the services of every kind have it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic

from sqlalchemy import select

from headway.core.deployments import store as deployments
from headway.features.services import releases_store, store
from headway.features.services.driver import R
from headway.features.services.model import ReleaseState, ServiceStatus
from headway.infra.db.tables.services import releases
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover(Generic[R]):
    """A release that serves, and the one that served before it."""

    new: R
    old: R


def took_over(tx: Tx, moved: Handover[Any], since: datetime) -> bool:
    """Whether the one came to serve after ``since``, and is not what was gone back to."""
    came = tx.scalar(select(releases.c.serving_since).where(releases.c.release_id == moved.new.release_id))
    return moved.new.seq > moved.old.seq and came is not None and came >= since


def hand_back(tx: Tx, moved: Handover[Any], why: str, **retires: Any) -> None:  # noqa: ANN401 - column values
    """The release before serves again, and the newer one ``retires``."""
    releases_store.set_fields(tx, moved.new.release_id, **retires)
    serves = {"state": ReleaseState.SERVING, "retire_at": None, "serving_since": tx.now}
    releases_store.set_fields(tx, moved.old.release_id, **serves)
    serving_release_id = moved.old.release_id
    store.set_fields(tx, moved.new.service_id, serving_release_id=serving_release_id, status=ServiceStatus.ERROR)
    deployments.set_fields(tx, moved.new.deployment_id, error_message=why)
