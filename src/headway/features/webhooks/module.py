"""Brings webhooks: what forges and registries tell, and what is asked of them where nobody told."""

from __future__ import annotations

from headway.core.engine.poller import Poller, daily
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.services.kinds import ServiceKinds
from headway.features.webhooks.app_hooks import AppHooks
from headway.features.webhooks.branch_heads import Heads
from headway.features.webhooks.catch_up import CatchingUp
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.pull_files import PullFiles
from headway.features.webhooks.service import WebhookService
from headway.features.webhooks.services import HookedServices
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """What callers may ask of them."""

    service: WebhookService
    module: Module


def install_webhooks(base: Base, files: PullFiles, lifecycle: PreviewLifecycle, kinds: ServiceKinds) -> Webhooks:
    """Webhooks of services of these kinds; ``files`` are asked of forges, ``lifecycle`` sees to previews."""
    db, vault, settings = base.db, base.vault, base.settings
    taking = Ingest(
        ledger=base.ledger,
        services=HookedServices(kinds=kinds, lifecycle=lifecycle),
        events=base.events,
        most_payload_bytes=settings.webhook_payload_bytes,
    )
    service = WebhookService(
        db=db,
        vault=vault,
        taking=taking,
        keep_for=settings.keep_webhooks,
        most_bytes=settings.webhook_limit_bytes,
        apps=AppHooks(db=db, vault=vault, taking=taking, files=files),
    )
    heads = Heads(db=db, kinds=kinds, host=base.machine.host, untracked_runs=base.untracked_runs)
    catching_up = CatchingUp(db=db, taking=taking, head_of=heads.of, troubles=base.engine.troubles)
    module = Module(
        loops=(
            daily("webhook addresses", service.add_missing_addresses),
            daily("missed pushes", catching_up.settle),
            Poller("webhooks", service.forget_old),
        )
    )
    return Webhooks(service=service, module=module)
