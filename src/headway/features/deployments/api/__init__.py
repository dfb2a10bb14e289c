"""The operations of deployments: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined

if TYPE_CHECKING:
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"deployment": partial(_deployment, panel)}


def _deployment(panel: PanelParts) -> Routed:
    from headway.core.deployments.history import DeploymentHistory
    from headway.features.deployments.api import (
        comparison,
        figures,
        history,
        links,
        lists,
        log_lines,
        operations,
        search,
        strip,
    )
    from headway.features.rollbacks.comparison import DeploymentComparison

    features, reads, db = panel.features, panel.features.deployments.reads, panel.base.db
    needs = operations.DeploymentNeeds(
        awaiting=features.deployments.awaiting,
        deployment_reads=reads,
        deployments=features.deployments.service,
        download=panel.streams.download,
        plain_download=panel.streams.plain_download,
        follow=panel.streams.follow,
    )
    list_needs = lists.DeploymentListsNeeds(deployment_reads=reads, projects=features.projects, rows=panel.rows)
    search_needs = search.DeploymentSearchNeeds(deployment_reads=reads, projects=features.projects, rows=panel.rows)
    line_needs = log_lines.LogLinesNeeds(
        deployments=features.deployments.service, follow=panel.streams.follow_lines, seat=panel.streams.seat
    )
    link_needs = links.DeploymentLinksNeeds(
        links=features.deployments.links,
        projects=features.projects,
        follow=panel.streams.follow_by_link,
        seat=panel.streams.reader_seat,
    )
    compared = DeploymentComparison(db=db, kinds=features.kinds)
    past = DeploymentHistory(db=db, version=db.version, clock=panel.base.clock)
    parts = (
        operations.router.over(needs),
        log_lines.router.over(line_needs),
        links.router.over(link_needs),
        lists.router.over(list_needs),
        search.router.over(search_needs),
        comparison.router.over(comparison.DeploymentComparisonNeeds(comparison=compared)),
        history.router.over(history.DeploymentHistoryNeeds(history=past)),
        figures.router.over(figures.DeploymentFiguresNeeds(history=past)),
        strip.router.over(strip.DeploymentStripNeeds(deployment_reads=reads)),
    )
    return joined("deployment", parts)
