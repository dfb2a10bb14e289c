"""Keeps the applications of servers as they are wanted, each server by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headway.core.engine.by_host import ByHost
from headway.domains.applications import store
from headway.domains.applications.keeper import Keeper
from headway.infra.db.engine import Database
from headway.infra.hosts.base import Host

_REST = 3.0


@dataclass(kw_only=True)
class FarKeeping:
    """``keep_round`` is one round of its loop. A server whose link is a new one may have been started again: all that
    the panel's start does for its own machine is done for it.
    """

    db: Database
    hosts: Mapping[str, Host]
    keeper: Callable[[str], Keeper]
    _restored: dict[str, int] = field(default_factory=dict)
    _keeping: ByHost = field(init=False)

    def __post_init__(self) -> None:
        self._keeping = ByHost("keeper", self._keep)

    async def keep_round(self) -> float:
        """Looks after every server that has applications and answers; seconds to rest."""
        for host_id in await self.db.read(store.hosts_in_use):
            host = self.hosts.get(host_id)
            if host is None:  # a server that was removed: nothing can be done there any more
                await self.keeper(host_id).finish_deletions()
            elif host.link:
                self._keeping.start(host_id)
        return _REST

    async def release(self) -> None:
        """Ends what is under way."""
        await self._keeping.release()

    async def _keep(self, host_id: str) -> None:
        keeper, link = self.keeper(host_id), self.hosts[host_id].link
        if self._restored.get(host_id) != link:
            await keeper.restore()
        await keeper.keep_round()
        if link is not None:
            self._restored[host_id] = link
