"""The operations of databases: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.features.services.api import relations_of
from headway.features.services.database.model import DatabaseKind

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {kind.value: partial(_database, kind, panel) for kind in DatabaseKind}


def _database(kind: DatabaseKind, panel: PanelParts) -> Routed:
    from headway.features.services.database.api import operations

    features = panel.features
    needs = operations.DatabaseNeeds(
        backups=features.backups.databases,
        databases=features.databases.service,
        deployment_reads=features.deployments.reads,
        forget=features.access.access.forget,
        projects=features.projects,
        relations=relations_of(panel),
    )
    return operations.router_of(kind).over(needs)
