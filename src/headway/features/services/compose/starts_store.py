"""Which compose services somebody has started, and nobody has seen serve since."""

from __future__ import annotations

from sqlalchemy import select, update

from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.features.services.compose.model import ComposeDesiredState, ComposeStatus
from headway.infra.db.tables.composes import composes
from headway.infra.db.transaction import Tx

_c = composes.c
_STARTING = (
    _c.status == ComposeStatus.RUNNING,
    _c.wanted == ComposeDesiredState.UP,
    _c.serving_release_id.is_not(None),
)


def starting(tx: Tx, host_id: str) -> list[str]:
    """Those of a host; a deploy that waits sets the same status, and is none of that."""
    found = tx.execute(select(_c.compose_id).where(_c.host_id == host_id, *_STARTING)).scalars().all()
    return [each for each in found if not _waits(tx, each)]


def started(tx: Tx, compose_id: str, status: ComposeStatus) -> None:
    """What a start has come to, unless something else was wanted since."""
    if not _waits(tx, compose_id):
        tx.execute(update(composes).where(_c.compose_id == compose_id, *_STARTING).values(status=status))


def _waits(tx: Tx, compose_id: str) -> bool:
    types = (SubjectType.COMPOSE, SubjectType.PREVIEW)
    return any(deployments.unfinished_of_subject(tx, each, compose_id) for each in types)
