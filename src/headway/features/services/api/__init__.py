"""The operations of services of every kind, and what the routers of many features show of what their rows name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.features.services.api.relations import Relations
    from headway.features.services.uses import UsersReader
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router of services, of whichever kind."""
    from headway.features.services.application import api as application
    from headway.features.services.compose import api as compose
    from headway.features.services.database import api as database

    kinds = {name: made for each in (application, compose, database) for name, made in each.routers(panel).items()}
    return {**kinds, "service": partial(_service, panel)}


def _service(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.rollbacks.api import saved_changes
    from headway.features.rollbacks.saved_changes import SavedChangesReader
    from headway.features.rollbacks.store import left_by
    from headway.features.services.api import downtime, logs, service
    from headway.features.services.overview import OverviewReader
    from headway.features.services.written_logs import ServiceLogReader
    from headway.features.usage.api import operations

    db = panel.base.db
    overviews = service.router.over(OverviewReader(db=db, left_by=left_by))
    saved = SavedChangesReader(db=db, forms=panel.features.rollbacks.service.forms)
    used = operations.service_router.over(panel.features.usage.reader)
    down = downtime.router.over(panel.features.downtime)
    log_needs = logs.ServiceLogNeeds(
        logs=ServiceLogReader(db=db, kinds=panel.features.kinds),
        seat=panel.streams.seat,
        download=panel.streams.text_download,
    )
    written = logs.router.over(log_needs)
    return joined("service", (overviews, saved_changes.router.over(saved), used, down, written))


def relations_of(panel: PanelParts) -> Relations:
    """What rows show of the things that they name."""
    from headway.features.services.api.relations import Relations

    features = panel.features
    return Relations(
        db=panel.base.db,
        projects=features.projects,
        servers=features.servers.service,
        registries=features.registries,
        destinations=features.destinations.service,
        ssh_keys=features.git.ssh_keys,
    )


def users_of(panel: PanelParts) -> UsersReader:
    """Who uses what services name by an id."""
    from headway.features.services.uses import UsersReader

    features, base = panel.features, panel.base
    return UsersReader(
        db=base.db,
        vault=base.vault,
        providers=features.git.providers,
        ssh_keys=features.git.ssh_keys,
        registries=features.registries,
        projects=features.projects,
    )
