"""What the HTTP machinery itself needs of a panel; what operations need they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headway.core.access.audience import Audience
from headway.core.access.service import AccessService
from headway.core.deployments.awaiting import Awaiting
from headway.core.engine.troubles import Troubles
from headway.domains.applications.consoles import ConsoleService
from headway.domains.catalog.containers import ContainerService
from headway.domains.catalog.uploads import UploadRoom
from headway.infra.db.engine import Database
from headway.kernel.events import Events
from headway.reactions.metrics.metrics import Metrics
from headway.reactions.webhooks.service import WebhookService


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpNeeds:
    """Who calls, what is followed, and what is no operation. ``health`` tells why the panel cannot work, None when it
    can.
    """

    access: AccessService
    audience: Audience
    awaiting: Awaiting
    consoles: ConsoleService
    containers: ContainerService
    db: Database
    events: Events
    health: Callable[[], Awaitable[str | None]]
    metrics: Metrics
    troubles: Troubles
    upload_room: UploadRoom
    webhooks: WebhookService
