"""The operations of projects: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"environment": partial(_environment, panel), "project": partial(_project, panel)}


def _environment(panel: PanelParts) -> Routed:
    from headway.features.projects.api import environments

    return environments.router.over(panel.features.projects)


def _project(panel: PanelParts) -> Routed:
    from headway.features.projects.api import projects

    needs = projects.ProjectNeeds(duplication=panel.features.duplication, projects=panel.features.projects)
    return projects.router.over(needs)
