"""The operations of the panel itself: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined
from headway.infra.db.probe import why_away
from headway.infra.hosts.procfs import start_time

if TYPE_CHECKING:
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"settings": partial(_settings, panel)}


def _settings(panel: PanelParts) -> Routed:
    from headway.features.dokploy import settings
    from headway.features.settings.api import operations

    features = panel.features
    needs = operations.SettingsNeeds(
        describe=panel.describe,
        gates=partial(_gates, panel),
        health=partial(why_away, panel.base.db),
        servers=features.servers.service,
        troubles=panel.base.engine.troubles,
        settings=panel.base.settings,
        started=cache(partial(_started, panel)),
    )
    return joined("settings", (operations.router.over(needs), settings.router.over(None)))


def _started(panel: PanelParts) -> datetime:
    """When this process began, to the second, as the kernel counts it."""
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - (start_time(os.getpid()) or 0) / os.sysconf("SC_CLK_TCK")
    return (panel.base.clock.now() - timedelta(seconds=since_boot)).replace(microsecond=0)


def _gates(panel: PanelParts) -> Mapping[str, str]:
    """The gates of this machine that could not be set, with why."""
    border = panel.base.machine.border
    return {} if border is None else dict(border.problems)
