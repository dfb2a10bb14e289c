"""Makes the parts of a platform that translate and listen: webhooks, for ``wiring`` among the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.engine.poller import Poller
from headway.infra.db.engine import SqlDatabase
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.reactions.webhooks.service import WebhookService
from headway.reactions.webhooks.services import services
from headway.reactions.webhooks.taking import Taking
from headway.wiring_rounds import once


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionWiring:
    """What reacts, and what it gives to the others."""

    webhooks: WebhookService

    @staticmethod
    def of(settings: Settings, data_dir: DataDir, db: SqlDatabase, *, ledger: Ledger, events: Events) -> ReactionWiring:
        """The wiring over one queue."""
        taking = Taking(
            ledger=ledger,
            services=services(data_dir.vault),
            events=events,
            most_payload_bytes=settings.webhook_payload_bytes,
        )
        return ReactionWiring(
            webhooks=WebhookService(db=db, vault=data_dir.vault, taking=taking, keep_for=settings.keep_webhooks)
        )

    def pollers(self) -> tuple[Poller, ...]:
        """What keeps it in order."""
        return (
            Poller("webhook addresses", partial(once, self.webhooks.add_missing_addresses)),
            Poller("webhooks", self.webhooks.forget_old),
        )
