"""Makes the parts of a platform that translate and tell: webhooks and notifications, for ``wiring``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.engine.poller import Poller
from headway.core.engine.troubles import Troubles
from headway.domains.applications.planning import Planning
from headway.domains.applications.tools import Tools
from headway.domains.previews.acting import Acting
from headway.infra.db.engine import SqlDatabase
from headway.infra.hosts.base import Host
from headway.infra.hosts.ssh import SshHost
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.reactions.notifications.disk import DiskWatch
from headway.reactions.notifications.media import tell
from headway.reactions.notifications.sending import Sending
from headway.reactions.notifications.service import NotificationService
from headway.reactions.notifications.telling import Telling
from headway.reactions.notifications.troubles import TroubleWatch
from headway.reactions.statuses.telling import Statuses
from headway.reactions.webhooks.app_hooks import AppHooks
from headway.reactions.webhooks.catching_up import CatchingUp
from headway.reactions.webhooks.heads import Heads
from headway.reactions.webhooks.pull_files import PullFiles
from headway.reactions.webhooks.service import WebhookService
from headway.reactions.webhooks.services import services
from headway.reactions.webhooks.taking import Taking
from headway.wiring_composes import ComposeWiring
from headway.wiring_previews import log_link
from headway.wiring_rounds import look_at_swarm, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """With what the git hosts of services are asked, and the ``servers`` whose disks are looked at. ``guests`` are the
    looks under way.
    """

    host: Host
    servers: Mapping[str, SshHost]
    guests: set[str]
    plans: Planning
    tools: Tools
    composes: ComposeWiring

    def heads(self, db: SqlDatabase, data_dir: DataDir) -> Heads:
        """Who asks them."""
        return Heads(
            db=db,
            vault=data_dir.vault,
            host=self.host,
            guests=self.guests,
            application_plans=self.plans,
            application_tools=self.tools,
            compose_plans=self.composes.planning(self.plans.open_key, self.plans.open_registry),
            compose_tools=self.composes.operating.tools,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionWiring:
    """What reacts, and what it gives to the others."""

    webhooks: WebhookService
    catching_up: CatchingUp
    notifications: NotificationService
    telling: Telling
    sending: Sending
    disk: DiskWatch
    statuses: Statuses
    swarm: Poller

    @staticmethod
    def of(
        settings: Settings,
        data_dir: DataDir,
        db: SqlDatabase,
        *,
        ledger: Ledger,
        events: Events,
        looking: Looking,
        acting: Acting,
    ) -> ReactionWiring:
        """The wiring over one queue."""
        taking = Taking(
            ledger=ledger,
            services=services(data_dir.vault, acting),
            events=events,
            most_payload_bytes=settings.webhook_payload_bytes,
        )
        files = PullFiles(db=db, providers=looking.composes.providers, forms=acting.forms)
        return ReactionWiring(
            webhooks=WebhookService(
                db=db,
                vault=data_dir.vault,
                taking=taking,
                keep_for=settings.keep_webhooks,
                most_bytes=settings.webhook_limit_bytes,
                apps=AppHooks(db=db, vault=data_dir.vault, taking=taking, files=files),
            ),
            notifications=NotificationService(db=db, vault=data_dir.vault, tell=tell),
            telling=Telling(db=db, vault=data_dir.vault, keep_for=settings.keep_webhooks),
            sending=Sending(db=db, vault=data_dir.vault, events=events, tell=tell),
            statuses=Statuses(
                db=db,
                events=events,
                providers=looking.composes.providers,
                forms=acting.forms,
                log_link=partial(log_link, settings.public_url),
            ),
            disk=DiskWatch(db=db, folder=data_dir.path, servers=looking.servers, reserve=settings.disk_reserve),
            swarm=Poller("swarm", partial(look_at_swarm, looking.composes.operating.tools.stacks.cluster, events)),
            catching_up=CatchingUp(db=db, taking=taking, head_of=looking.heads(db, data_dir).of),
        )

    def watching(self, troubles: Troubles) -> Poller:
        """What tells of loops that cannot do their work."""
        return Poller("trouble watch", TroubleWatch(db=self.telling.db, troubles=troubles.all).look)

    def pollers(self) -> tuple[Poller, ...]:
        """What keeps it in order."""
        return (
            Poller("webhook addresses", partial(once, self.webhooks.add_missing_addresses)),
            Poller("missed pushes", partial(once, self.catching_up.settle)),
            Poller("disk watch", self.disk.look),
            Poller("commit statuses", self.statuses.tell_round),
            self.swarm,
            Poller("outbox", self.telling.hand_out),
            Poller("notifications", self.sending.send_due),
            Poller("notifications kept", self.telling.forget_old),
            Poller("webhooks", self.webhooks.forget_old),
        )
