"""What the HTTP machinery itself needs of a panel; what operations need they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headway.core.access.audience import Audience
from headway.core.deployments.waiters import Waiters
from headway.core.engine.troubles import Troubles
from headway.features.containers.service import ContainerService
from headway.features.metrics.metrics import Metrics
from headway.features.services.application.consoles import ConsoleService
from headway.features.services.uploads import UploadRoom
from headway.features.webhooks.service import WebhookService
from headway.http.auth import Door
from headway.infra.db.engine import Database
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpNeeds:
    """Who calls, what is followed, and what is no operation. ``health`` tells why the panel cannot work, None when it
    can.
    """

    door: Door
    audience: Audience
    awaiting: Waiters
    consoles: ConsoleService
    containers: ContainerService
    db: Database
    events: Events
    health: Callable[[], Awaitable[str | None]]
    metrics: Metrics
    troubles: Troubles
    upload_room: UploadRoom
    webhooks: WebhookService
