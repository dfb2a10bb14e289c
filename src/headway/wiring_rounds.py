"""Rounds of the panel's loops that belong to no domain."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from headway.core.access.audit import forget_old
from headway.core.access.service import AccessService
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Keep, Retention
from headway.core.deployments.service import LogFiles
from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.applications.handback import Handback
from headway.domains.applications.keeper import Keeper
from headway.domains.applications.operate import Operating
from headway.domains.applications.retention import ApplicationRetention
from headway.domains.composes.store import with_releases
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.docker.swarm_words import SwarmAway
from headway.infra.panel.ballast import drop_ballast, take_ballast
from headway.kernel.events import Events, SwarmLooked
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault
from headway.seams.runtimes.swarm.cluster import Cluster

log = logging.getLogger(__name__)

_LEAST_FREE_BYTES = 16 << 20
_BALLAST_REST = 5.0
_EDGE_REST = 1.0
_ACCESS_REST = 60.0
_SWARM_REST = 30.0
_DAY = 24 * 3600.0


def of_keeper(keeper: Keeper) -> tuple[Poller, ...]:
    """The loops of what keeps this machine's applications."""
    return (
        Poller("restore", keeper.restore),
        Poller("keeper", keeper.keep_round),
        Poller("guard", keeper.guard.guard_round),
    )


def keep_handback(engine: Engine, operating: Operating, ledger: Ledger, db: SqlDatabase, window: timedelta) -> None:
    """Has the engine watch new releases on all hosts."""
    handback = Handback(operating=operating, ledger=ledger, version=db.version, window=window)
    engine.keep(Poller("handback", handback.round))
    engine.release_also(handback)


async def ensured(ensure: Callable[[], Awaitable[None]]) -> float:
    """Sees to it that the edge is there, again and again. Seconds to rest."""
    await ensure()
    return _EDGE_REST


async def tend_access(db: SqlDatabase, access: AccessService, keep_audit: timedelta) -> float:
    """Writes down which keys were used, and forgets what is too old in the audit log. Seconds to rest."""
    await access.save_uses()
    await db.run(lambda tx: forget_old(tx, keep_audit))
    return _ACCESS_REST


async def once(settle: Callable[[], Awaitable[None]]) -> float:
    """What is tried until it succeeds, and then again each day."""
    await settle()
    return _DAY


async def look_at_swarm(cluster: Cluster, events: Events) -> float:
    """Tells how the swarm is, where there is one that answers. Seconds to rest."""
    with suppress(EngineAway, SwarmAway):
        machines = Counter(str(each["Status"]["State"]) for each in (await cluster.nodes()).values())
        if machines:
            wanted, running = await cluster.copies()
            events.announce(SwarmLooked(machines=machines, wanted=wanted, running=running))
    return _SWARM_REST


def of_ballast(path: Path, size: int) -> Callable[[], Awaitable[float]]:
    """One look at the room held back."""
    return partial(watch_ballast, path, size)


async def watch_ballast(path: Path, size: int) -> float:
    """Gives the room held back up on a full disk, and takes it again later. Seconds to rest."""
    if await asyncio.to_thread(drop_ballast, path, _LEAST_FREE_BYTES):
        log.warning("The disk is full: the space held back for the ends of deployments was given up. Free some space.")
    else:
        await asyncio.to_thread(take_ballast, path, size)
    return _BALLAST_REST


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What subjects say themselves of how many of their deployments are kept."""

    vault: Vault
    schedules: Callable[[Tx, str, Keep], Keep]


def keep_retention(engine: Engine, db: SqlDatabase, logs: LogFiles, settings: Settings, own: Own) -> None:
    """Has the engine remove old deployments."""
    of_applications = ApplicationRetention(own.vault)
    retention = Retention(
        db=db,
        logs=logs,
        default=Keep(number=settings.keep_deployments, age=settings.keep_deployments_for),
        own={SubjectType.APPLICATION: of_applications.own, SubjectType.SCHEDULE: own.schedules},
        needed=lambda tx, ids: [*of_applications.needed(tx, ids), *with_releases(tx, ids)],
        troubles=engine.troubles,
    )
    engine.keep(Poller("retention", retention.keep_round))
