"""Clears what ended deployments left: anchors, run folders, undos that failed, and marks of the queue gone wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from headway.core.deployments import idempotency, pending_undos, queue, store
from headway.core.deployments.model import Deployment
from headway.core.deployments.status import Status
from headway.core.engine.concurrency import at_once
from headway.core.engine.host_work import ByHost
from headway.core.engine.links import Links
from headway.core.engine.parts import Parts
from headway.core.engine.run_end import take_back
from headway.infra.hosts.base import Handle, Host, HostUnreachable
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.events import DeploymentEnded

_REST = 60.0
_SLOW_SECONDS = 5.0  # in which a failure says nothing of what comes next
_UNDO, _LEFTOVER = "undo", "leftover"


class Janitor:
    """One round looks at what is left here and on the servers where something has ended, now and then on all."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clearing = ByHost("janitor", self.clear)
        self._ended_on: set[str | None] = set()
        self._owed_elsewhere: dict[str, tuple[int | None, ...]] = {}
        self._leftovers: dict[str, set[str]] = {}  # by host, as they were found last
        self._everywhere_at = 0.0

    async def repair(self) -> float:
        """Puts right what should never be wrong, and forgets what does not count any more; seconds to rest."""
        await self._parts.db.run(queue.promote_all)
        await self._parts.db.run(idempotency.forget_old)
        return _REST

    def ended(self, deployment: DeploymentEnded) -> None:
        """The next round looks at its servers: at no other, which where there are many would be a storm."""
        self._ended_on |= {deployment.host_id, deployment.release_host_id}

    async def sweep(self) -> float:
        """Clears what nobody needs any more; seconds to rest."""
        await self._forget_gone()
        ended_on, self._ended_on = self._ended_on, set()
        now = asyncio.get_running_loop().time()
        everywhere = now >= self._everywhere_at
        if everywhere:
            self._everywhere_at = now + _REST
        for host_id, host in tuple(self._parts.registered.hosts.items()):  # servers may come and go meanwhile
            if host.link == 0:  # each time: errands of every run are done here
                await self._attempt("janitor", host_id, (host_id,), partial(self.clear, host_id))
            elif host.link is not None and (everywhere or host_id in ended_on):
                self._clearing.start(host_id)
        return max(0.0, self._everywhere_at - asyncio.get_running_loop().time())

    async def _forget_gone(self) -> None:
        """What is left or owed nowhere any more is no trouble, whoever has seen to it, or has removed its server."""
        hosts, troubles = self._parts.registered.hosts, self._parts.troubles
        self._leftovers = {host_id: found for host_id, found in self._leftovers.items() if host_id in hosts}
        troubles.forget_others(_LEFTOVER, set().union(*self._leftovers.values()))
        if known := troubles.items(_UNDO) | self._owed_elsewhere.keys():
            owing = await self._parts.db.read(lambda tx: pending_undos.owing(tx, known))
            troubles.forget_others(_UNDO, owing)
            self._owed_elsewhere = {each: links for each, links in self._owed_elsewhere.items() if each in owing}

    async def clear(self, host_id: str) -> bool:
        """Ends what is over on one host, and takes back there what could not be taken back before, each by itself;
        whether nothing is left of it.
        """
        host = self._parts.registered.hosts[host_id]
        cleared = [await self._clear_runs(host_id, host)]
        here = Links({host_id: host}, (host_id,))
        owing: dict[tuple[str, str], list[str]] = {}
        for deployment_id in await self._parts.db.read(lambda tx: pending_undos.on(tx, host_id)):
            each = await self._found(deployment_id, host_id)
            if each is None:
                cleared.append(False)
            else:
                owing.setdefault((each.subject_type, each.subject_id), []).append(deployment_id)
        # What one of them waits for, such as a storage, is waited for by the others of the same subject as well.
        await at_once(self._settle_some(host_id, each, here, cleared) for each in owing.values())
        return all(cleared)

    async def _settle_some(self, host_id: str, deployment_ids: Sequence[str], here: Links, cleared: list[bool]) -> None:
        """Takes back what deployments of one subject owe; after one that failed slowly the others are left for another
        round. Whether each was is added to ``cleared``.
        """
        loop = asyncio.get_running_loop()
        for deployment_id in deployment_ids:
            began = loop.time()
            deployment = await self._found(deployment_id, host_id)
            cleared.append(deployment is not None and await self._settled(deployment, here))
            if not cleared[-1] and loop.time() - began > _SLOW_SECONDS:
                return

    async def _found(self, deployment_id: str, host_id: str) -> Deployment | None:
        """One that owes something; None for one whose record cannot be read, which holds up no other."""
        try:
            return await self._parts.db.read(lambda tx: pending_undos.find(tx, deployment_id))
        except Unavailable:
            raise
        except (HeadwayError, KeyError, TypeError, ValueError) as error:
            unreadable = error

        async def fail() -> None:
            raise unreadable

        await self._attempt(_UNDO, deployment_id, (host_id,), fail)
        return None

    async def _settled(self, deployment: Deployment, here: Links) -> bool:
        """Takes back what one owes on all of its hosts that answer; False where that failed. What it owes on another is
        left until a link is a new one.
        """
        links = Links(self._parts.registered.hosts, deployment.host_ids)
        if self._owed_elsewhere.get(deployment.deployment_id) == links.numbers:
            return True
        work = partial(self._take_back, deployment)
        try:
            return await self._attempt(_UNDO, deployment.deployment_id, deployment.host_ids, work)
        except HostUnreachable:
            if not here.stand:
                raise
            now = Links(self._parts.registered.hosts, deployment.host_ids).numbers
            if None in now:
                self._owed_elsewhere[deployment.deployment_id] = now
            return True

    async def _take_back(self, deployment: Deployment) -> None:
        still_owed = await take_back(self._parts, deployment, None)
        if still_owed is not None:
            raise HeadwayError(still_owed)
        self._owed_elsewhere.pop(deployment.deployment_id, None)
        await self._parts.write(lambda tx: pending_undos.settle(tx, deployment.deployment_id))

    async def release(self) -> None:
        """Ends what is under way."""
        await self._clearing.release()

    async def _attempt(
        self, loop: str, item: str, host_ids: Sequence[str], work: Callable[[], Awaitable[object]]
    ) -> bool:
        """Does what is to be done with one item on these hosts; whether it succeeded now. What they do not do although
        their links stand is the item's own trouble. Raises HostUnreachable where a link is gone.
        """
        links = Links(self._parts.registered.hosts, host_ids)

        async def do() -> None:
            try:
                await work()
            except HostUnreachable as away:
                if not links.stand:
                    raise
                raise HeadwayError(away.message) from away

        return await self._parts.troubles.attempt(loop, item, do)

    async def _clear_runs(self, host_id: str, host: Host) -> bool:
        remaining = [
            handle for handle in await host.remaining() if handle.deployment_id not in self._parts.untracked_runs
        ]
        self._leftovers[host_id] = {handle.run_folder for handle in remaining}
        if not remaining:
            return True
        cleared = True
        current = await self._parts.db.read(lambda tx: store.claims(tx, [handle.deployment_id for handle in remaining]))
        for handle in remaining:
            if _is_over(handle, current.get(handle.deployment_id)):
                work = partial(host.forget, handle)
                cleared = await self._attempt(_LEFTOVER, handle.run_folder, (host_id,), work) and cleared
        return cleared


def _is_over(handle: Handle, claim: store.Claim | None) -> bool:
    """Whether a run folder belongs to no running deployment: its row is gone or has ended, or the row's saved handle
    names another folder. A row without a handle may be about to save this one; on the host where it releases, a run
    knows by itself what it has there.
    """
    if claim is None:
        return True
    if claim.status is not Status.RUNNING:
        return handle.epoch <= claim.epoch
    if claim.release_host_id == handle.host_id or claim.handle is None:
        return False
    return Handle.load(claim.handle).run_folder != handle.run_folder
