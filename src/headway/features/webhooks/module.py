"""Brings webhooks: what forges and registries tell, and what is asked of them where nobody told."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.engine.poller import Poller, daily
from headway.features.git.providers import GitProviderService
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.features.webhooks.app_hooks import AppHooks
from headway.features.webhooks.branch_heads import Heads
from headway.features.webhooks.catch_up import CatchingUp
from headway.features.webhooks.ingest import Ingest
from headway.features.webhooks.pull_files import PullFiles
from headway.features.webhooks.service import WebhookService
from headway.features.webhooks.services import services
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """What callers may ask of them."""

    service: WebhookService
    module: Module


def install_webhooks(
    base: Base, providers: GitProviderService, acting: PreviewLifecycle, applications: Applications, composes: Composes
) -> Webhooks:
    """Webhooks of services and of these providers' apps; ``acting`` sees to previews."""
    db, vault, settings = base.db, base.vault, base.settings
    taking = Ingest(
        ledger=base.ledger,
        services=services(vault, acting),
        events=base.events,
        most_payload_bytes=settings.webhook_payload_bytes,
    )
    files = PullFiles(db=db, providers=providers, forms=acting.forms)
    service = WebhookService(
        db=db,
        vault=vault,
        taking=taking,
        keep_for=settings.keep_webhooks,
        most_bytes=settings.webhook_limit_bytes,
        apps=AppHooks(db=db, vault=vault, taking=taking, files=files),
    )
    heads = Heads(
        db=db,
        vault=vault,
        host=base.machine.host,
        guests=base.guests,
        application_plans=applications.planner,
        application_tools=applications.lifecycle.tools,
        compose_plans=composes.planner,
        compose_tools=composes.lifecycle.tools,
    )
    catching_up = CatchingUp(db=db, taking=taking, head_of=heads.of)
    module = Module(
        loops=(
            daily("webhook addresses", service.add_missing_addresses),
            daily("missed pushes", catching_up.settle),
            Poller("webhooks", service.forget_old),
        )
    )
    return Webhooks(service=service, module=module)
