"""The operations of notifications: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined

if TYPE_CHECKING:
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"notification": partial(_notification, panel)}


def _notification(panel: PanelParts) -> Routed:
    from headway.features.dokploy import notification_forms
    from headway.features.notifications.api import operations
    from headway.features.notifications.media import Media
    from headway.features.notifications.service import NotificationService

    service = NotificationService(
        db=panel.base.db, vault=panel.base.vault, tell=Media.of(panel.base.data_dir, panel.base.machine.gated).tell
    )
    parts = (operations.router.over(service), notification_forms.router.over(service))
    return joined("notification", parts)
