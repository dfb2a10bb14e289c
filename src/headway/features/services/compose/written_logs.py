"""What the containers of a compose service write, for who reads it by its lines or as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from headway.drivers.runtimes.compose.written_log import log_of
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.features.services.compose import store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.infra.logs.mask import masker_of
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeLogs:
    """Fits ``WrittenLogsOf``: of a stack, those on its service's own machine. Each is called as its service in the
    file; where that has several containers, as the engine calls it.
    """

    lifecycle: ComposeLifecycle

    async def __call__(self, service_id: str, /) -> Sequence[WrittenLog]:
        lifecycle = self.lifecycle
        if await lifecycle.db.read(lambda tx: store.serving(tx, service_id, lifecycle.vault)) is None:
            return ()
        api = (await lifecycle.driver.tools_of(service_id)).engine.api
        containers = await lifecycle.driver.containers(service_id)
        masker = await masker_of(await lifecycle.driver.secrets(service_id))
        several = {name for name, count in Counter(each.service for each in containers).items() if count > 1}
        return [
            log_of(each, api, masker.mask_text, name=each.name if each.service in several else each.service)
            for each in sorted(containers, key=lambda each: (each.service, each.name))
        ]
