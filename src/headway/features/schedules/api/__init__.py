"""The operations of schedules: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"schedule": partial(_schedule, panel)}


def _schedule(panel: PanelParts) -> Routed:
    from headway.features.schedules.api import operations
    from headway.features.schedules.service import ScheduleService

    features, base = panel.features, panel.base
    service = ScheduleService(
        db=base.db,
        kinds=features.kinds,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        logs=base.logs,
        now=base.clock.now,
    )
    needs = operations.ScheduleNeeds(
        deployment_reads=features.deployments.reads,
        relations=relations_of(panel),
        schedules=service,
    )
    return operations.router.over(needs)
