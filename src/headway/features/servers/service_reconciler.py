"""Keeps the services of servers as they are wanted, each server by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from headway.core.engine.host_work import ByHost
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass

_REST = 3.0


class HostReconciler(Protocol):
    """What looks after the services of one kind on one host."""

    async def restore(self) -> float:
        """What is to be done once after a start of the machine."""
        ...

    async def keep_round(self) -> float:
        """One look at all of them."""
        ...

    async def finish_deletions(self) -> None:
        """Clears away what was being deleted."""
        ...

    async def release(self) -> None:
        """Ends what is under way beside its rounds."""
        ...

    def forget_past(self) -> None:
        """What was told as not done, and was not met since the last call, counts no more."""
        ...


@dataclass(kw_only=True)
class ServerReconciler:
    """``keep_round`` is one round of its loop; ``in_use`` gives the hosts that have services of the kind, ``keeper``
    makes what looks after those of one. A server whose link is a new one may have been started again: all that the
    panel's start does for its own machine is done for it.
    """

    db: Database
    hosts: Mapping[str, Host]
    in_use: Callable[[Tx], Sequence[str]]
    keeper: Callable[[str], HostReconciler]
    _keepers: dict[str, HostReconciler] = field(default_factory=dict)
    _restored: dict[str, int] = field(default_factory=dict)
    _keeping: ByHost = field(init=False)

    def __post_init__(self) -> None:
        self._keeping = ByHost("keeper", self._keep)

    async def keep_round(self) -> float:
        """Looks after every server that has services and answers; seconds to rest."""
        in_use = await self.db.read(self.in_use)
        for host_id in self._keepers.keys() - set(in_use):
            self._keepers[host_id].forget_past()
        for host_id in in_use:
            host = self.hosts.get(host_id)
            if host is None or host.link:
                self._keeping.start(host_id)
        return _REST

    async def release(self) -> None:
        """Ends what is under way."""
        await self._keeping.release()
        for keeper in self._keepers.values():
            await keeper.release()

    def _of(self, host_id: str) -> HostReconciler:
        if host_id not in self._keepers:  # the same one for each round: it knows what it has told already
            self._keepers[host_id] = self.keeper(host_id)
        return self._keepers[host_id]

    async def _keep(self, host_id: str) -> None:
        keeper, host = self._of(host_id), self.hosts.get(host_id)
        if host is None:  # a server that was removed: nothing can be done there any more
            await keeper.finish_deletions()
            keeper.forget_past()
            return
        link = host.link
        if self._restored.get(host_id) != link:
            await keeper.restore()
        await keeper.keep_round()
        if link is not None:
            self._restored[host_id] = link
