"""Cleans the engine of a host: images that nobody needs, and what it keeps of builds beyond its bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from headway.features.disk.leftovers import Leftover, Leftovers
from headway.features.disk.model import Kind, ServiceUsage, Waste, beyond_bound
from headway.features.disk.rounds import Round
from headway.infra.docker import images
from headway.infra.docker.api import EngineRefused
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCleaning:
    """``bound`` is what an engine may keep of builds, in bytes; 0: all of it."""

    leftovers: Leftovers
    bound: int

    async def clean(self, round_: Round) -> AsyncIterator[Waste]:
        """What goes, each once it has gone. Raises EngineAway."""
        if round_.engine is None or round_.freeing is None or not round_.cleans_engine:
            return
        by_name = {each.app_name: each for each in round_.services}
        by_id = {each.service_id: each for each in round_.services}
        for left in await self.leftovers.of(round_.engine, round_.there.host.host_id):
            service = (by_name if left.is_named else by_id).get(left.whose)
            if not _is_chosen(round_, left, service):
                continue
            gained = left.gained(round_.freeing)
            if not round_.dry and not await images.let_go(round_.there.api, left.reference):
                continue  # somebody has made a container of it
            yield round_.waste(Kind.IMAGE, service if left.is_named else None, left.shown, left.why, gained)
        more = beyond_bound(round_.engine.cache, self.bound)
        if more and not round_.dry:
            more = await self._pruned(round_)
        if more:
            why = f"it is beyond HEADWAY_BUILD_CACHE ({self.bound >> 20} MiB)"
            yield round_.waste(Kind.BUILD_CACHE, None, "what was used longest ago", why, more)

    async def _pruned(self, round_: Round) -> int:
        """How much has gone; nothing where a build needs it."""
        with suppress(EngineRefused):  # it is being cleaned by somebody else
            return await images.bound_cache(round_.there.api, self.bound)
        return 0


def _is_chosen(round_: Round, left: Leftover, service: ServiceUsage | None) -> bool:
    """What is of no service that is known is the server's for which it was made, or was never anybody's."""
    if service is not None:
        return round_.chosen.service(service)
    if round_.chosen.everything or not left.is_named:
        return True
    return round_.server is not None and left.panel == round_.there.panel_id
