"""Looks at running deployments that nobody works on: attaches to what lives, ends what is gone, puts back what never
began. It never starts a second copy of anything.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from headway.core.deployments import leases, setbacks, store
from headway.core.deployments.leases import Lease, LeaseLost
from headway.core.deployments.ledger import Outcome
from headway.core.deployments.model import Deployment
from headway.core.deployments.setbacks import MOST_SETBACKS, Setbacks
from headway.core.deployments.status import Maker, Reason, Status
from headway.core.engine import explanations
from headway.core.engine.background import beside
from headway.core.engine.concurrency import at_once
from headway.core.engine.host_work import ByHost
from headway.core.engine.links import Links
from headway.core.engine.parts import LeftOutput, NoOutput, Parts
from headway.core.engine.run_end import RunEnd, by_wish, set_back, take_back, verdict_of
from headway.core.engine.runner import Resumed, Runner, frozen_from
from headway.core.engine.worker import Worker
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Anchor, AnchorGone, EpochPassed, GoneReason, Handle, HostUnreachable, StopMode
from headway.infra.hosts.epochs import EpochHeld
from headway.kernel.context import working_on
from headway.kernel.errors import HeadwayError, Unavailable

log = logging.getLogger(__name__)

_REST = 2.0
_LEAST_SECONDS = 600.0


class Recovery:
    """One round looks at every running row without a live lease."""

    def __init__(self, parts: Parts, worker: Worker) -> None:
        self._parts = parts
        self._worker = worker
        self._looking = ByHost("recovery", self.look_on)
        self._late_since: dict[str, float] = {}

    async def look_at_all(self) -> float:
        """Begins to look at everything that nobody works on, on each host by itself; seconds to rest."""
        await self._forget_ended()
        found = await self._parts.db.read(store.running_without_lease)
        for host_id in dict.fromkeys(deployment.host_id for deployment in found):
            self._looking.start(host_id)
        return _REST

    async def look_on(self, host_id: str) -> None:
        """Looks at everything on one host that nobody works on, at each by itself: what takes long, or breaks, holds up
        no other.
        """
        found = await self._parts.db.read(store.running_without_lease)
        await at_once(self._look_unless_waiting(each) for each in found if each.host_id == host_id)

    async def _forget_ended(self) -> None:
        if self._late_since:
            claims = await self._parts.db.read(lambda tx: store.claims(tx, list(self._late_since)))
            for each in [*self._late_since]:
                if each not in claims or claims[each].status is not Status.RUNNING:
                    self._late_since.pop(each, None)

    async def _look_unless_waiting(self, deployment: Deployment) -> None:
        if not await self._waits(deployment):
            await self.look(deployment.deployment_id)

    async def release(self) -> None:
        """Ends what is under way."""
        await self._looking.release()

    async def look(self, deployment_id: str) -> None:
        """Takes one run at a new epoch, if it is free, and brings its row and the machine together."""
        taken = await self._parts.write(lambda tx: self._parts.ledger.take_over(tx, deployment_id, self._parts.owner))
        if taken is None:
            return
        deployment, lease = taken
        self._parts.crash_point("taken over")
        links = Links(self._parts.registered.hosts, deployment.host_ids)
        had = await self._parts.write(lambda tx: setbacks.of(tx, deployment_id))
        try:
            ids = working_on(deployment=deployment_id, host=deployment.host_id)
            with self._worker.working_under(lease), ids:
                if had.are_too_many:
                    await self._end_the_broken(deployment, lease, had)
                else:
                    await self._bring_together(deployment, lease)
        except (HostUnreachable, EpochHeld) as away:
            log.warning("deployment %s is looked at again: %s", deployment_id, away.message)
            await self._parts.write(lambda tx: self._leave_away(tx, deployment, lease))
            if links.stand and await self._has_waited(deployment):
                sentence = explanations.unanswered(self._parts.settings.reach_deadline, away.message)
                await self.give_up(deployment_id, sentence, asks_host=True)
        except (LeaseLost, EpochPassed, Unavailable) as passed:  # somebody else has it, or does not let go of it yet
            log.warning("deployment %s is looked at again: %s", deployment_id, passed.message)
            await self._parts.write(lambda tx: leases.release_if_mine(tx, lease))
        except Exception as error:
            log.warning("deployment %s is looked at again", deployment_id, exc_info=error)
            await self._parts.write(lambda tx, error=error: set_back(tx, lease, error))  # type: ignore[misc]

    def _leave_away(self, tx: Tx, deployment: Deployment, lease: Lease) -> None:
        store.mark_out_of_reach(tx, lease.deployment_id)
        self._parts.ledger.shown_changed(tx, deployment, Status.RUNNING)
        leases.release_if_mine(tx, lease)

    async def _end_the_broken(self, deployment: Deployment, lease: Lease, had: Setbacks) -> None:
        """Ends a run that comes no further: as every other, and where not even that can be done, by its row alone."""
        outcome = await self._known(deployment) or Outcome.error(
            Reason.FAILED, explanations.too_many(had.number, had.sentence)
        )
        if had.number > MOST_SETBACKS:
            ending = await self._ending(deployment, lease, None, ())
            async with beside(ending.log.run()):
                await ending.give_up(outcome)
            return
        for host_id in deployment.host_ids:
            await self._parts.registered.hosts[host_id].raise_epoch(deployment.deployment_id, lease.epoch)
        if deployment.handle is None:
            await self._end(deployment, lease, None, outcome, ())
            return
        handle, host = Handle.load(deployment.handle), self._parts.registered.hosts[deployment.host_id]
        anchor: Anchor | None = None
        try:
            anchor = await host.attach(handle, lease.epoch)
        except AnchorGone:
            await host.sweep(handle)
        sealed, _ = await self._parts.write(lambda tx: store.frozen_of(tx, deployment.deployment_id))
        # What it has put out stays until the log has all of it.
        await self._end(deployment, lease, handle, outcome, frozen_from(self._parts, sealed).mask, anchor=anchor)

    def _in_reach(self, tx: Tx, deployment: Deployment) -> None:
        store.mark_in_reach(tx, deployment.deployment_id)
        self._parts.ledger.shown_changed(tx, deployment, Status.RUNNING)

    async def _waits(self, deployment: Deployment) -> bool:
        """Whether there is nothing to do but wait for its hosts; a run that was waited for too long is given up."""
        hosts = [self._parts.registered.hosts.get(each) for each in deployment.host_ids]
        if deployment.out_of_reach_since is None or all(host is not None and host.link is not None for host in hosts):
            return False
        if await self._has_waited(deployment):
            await self.give_up(deployment.deployment_id, explanations.out_of_reach(self._parts.settings.reach_deadline))
        return True

    async def _has_waited(self, deployment: Deployment) -> bool:
        """Whether one that was found out of reach has been so for longer than is waited."""
        since = deployment.out_of_reach_since
        now = await self._parts.db.read(lambda tx: tx.now)
        return since is not None and now - since >= self._parts.settings.reach_deadline

    async def give_up(self, deployment_id: str, sentence: str, *, asks_host: bool = False) -> None:
        """Ends a run as lost, by that sentence. What is left of it on its host is ended and taken back before, where
        the host is asked and does it, else when it can be.
        """
        taken = await self._parts.write(lambda tx: self._parts.ledger.take_over(tx, deployment_id, self._parts.owner))
        if taken is None:
            return
        deployment, lease = taken
        outcome = Outcome.error(Reason.LOST, sentence)
        with self._worker.working_under(lease), working_on(deployment=deployment_id, host=deployment.host_id):
            ending = await self._ending(deployment, lease, None, ())
            async with beside(ending.log.run()):
                if not asks_host or not await self._is_ended(ending, outcome):
                    await ending.give_up(outcome)

    async def _is_ended(self, ending: RunEnd, outcome: Outcome) -> bool:
        """Ends a run whose anchor does not answer, as every other but for that; False where its host lets it not."""
        deployment = ending.deployment
        handle = None if deployment.handle is None else Handle.load(deployment.handle)
        try:
            for host_id in deployment.host_ids:
                await self._parts.registered.hosts[host_id].raise_epoch(deployment.deployment_id, ending.lease.epoch)
            await replace(ending, struck=handle).fail(await self._known(deployment) or outcome)
        except (LeaseLost, EpochPassed):
            raise
        except Exception as error:
            unforeseen = None if isinstance(error, HeadwayError | TimeoutError) else error
            why = "deployment %s is ended by its row alone: %s"
            log.warning(why, deployment.deployment_id, error, exc_info=unforeseen)
            return False
        return True

    async def _known(self, deployment: Deployment) -> Outcome | None:
        """What a run is to end with: what an ending has kept, or what somebody wishes."""
        _, verdict = await self._parts.write(lambda tx: store.frozen_of(tx, deployment.deployment_id))
        return verdict_of(verdict) or (by_wish(deployment.intent) if deployment.intent else None)

    async def _bring_together(self, deployment: Deployment, lease: Lease) -> None:
        for host_id in deployment.host_ids:
            await self._parts.registered.hosts[host_id].raise_epoch(deployment.deployment_id, lease.epoch)
        host = self._parts.registered.hosts[deployment.host_id]
        self._parts.crash_point("epoch raised by recovery")
        if deployment.handle is None:
            await self._never_began(deployment, lease, None)
            return
        handle = Handle.load(deployment.handle)
        try:
            anchor = await host.attach(handle, lease.epoch)
        except AnchorGone as gone:
            await self._gone(deployment, lease, handle, gone.reason)
            return
        # Not before: a host whose link stands answers much, and yet not for what is asked of this run.
        if deployment.out_of_reach_since is not None:
            await self._parts.write(lambda tx: self._in_reach(tx, deployment))
        await self._attached(deployment, lease, anchor)

    async def _attached(self, deployment: Deployment, lease: Lease, anchor: Anchor) -> None:
        sealed, verdict = await self._parts.write(lambda tx: store.frozen_of(tx, deployment.deployment_id))
        kind = self._parts.registered.kinds.get(deployment.kind)
        outcome = verdict_of(verdict)
        if outcome is None and deployment.intent is None and (kind is None or kind.version != deployment.kind_version):
            if await self._started_again(deployment, lease, anchor):
                return
            outcome = Outcome.error(
                Reason.LOST, "The panel was upgraded while a step ran that must not be repeated. Deploy again."
            )
        seconds = await self._remaining_seconds(deployment)
        resumed = Resumed(anchor=anchor, frozen=frozen_from(self._parts, sealed), verdict=outcome, seconds=seconds)
        self._worker.take(Runner(self._parts, deployment, lease, resumed))

    async def _remaining_seconds(self, deployment: Deployment) -> float:
        """How much of its whole bound is left of a run, which counts from its start, by whomever it was carried on. One
        that is found late may have come to its end while nobody could go on with it (the panel was gone, its server out
        of reach, the machine asleep), so a last time is left to it: once, however often it is taken up after that.
        """
        total = self._parts.total_seconds(deployment)
        least = min(total, _LEAST_SECONDS)
        ran = await self._parts.write(lambda tx: tx.now - (deployment.started_at or tx.now))
        left = total - max(ran.total_seconds(), 0.0)
        if left >= least:
            return left
        now = asyncio.get_running_loop().time()
        late_for = now - self._late_since.setdefault(deployment.deployment_id, now)
        return max(left, least - late_for)

    async def _started_again(self, deployment: Deployment, lease: Lease, anchor: Anchor) -> bool:
        """New code does not resume old steps: it takes their effects back and starts the run again from its first step,
        unless one has begun that must not be repeated.
        """
        kind = self._parts.registered.kinds.get(deployment.kind)
        steps = await self._parts.write(lambda tx: store.steps_of(tx, deployment.deployment_id))
        if kind is None or any(step.name == kind.repeatable_until for step in steps):
            return False
        await anchor.stop(StopMode.KILL)
        await take_back(self._parts, deployment, lease)
        await self._put_back(deployment, lease, anchor.handle)
        return True

    async def _put_back(self, deployment: Deployment, lease: Lease, handle: Handle) -> None:
        """Lets a run begin anew, from its first step and with an empty log: its output begins anew as well, and what
        steps without a command said would be missing from it.
        """
        await self._parts.registered.hosts[deployment.host_id].forget(handle)
        ending = await self._ending(deployment, lease, handle, ())
        await ending.log.discard()
        await self._parts.write(lambda tx: store.forget_steps(tx, deployment.deployment_id))
        await self._parts.write(lambda tx: self._parts.ledger.put_back(tx, lease))

    async def _gone(self, deployment: Deployment, lease: Lease, handle: Handle, reason: GoneReason) -> None:
        host = self._parts.registered.hosts[deployment.host_id]
        await host.sweep(handle)
        sealed, verdict = await self._parts.write(lambda tx: store.frozen_of(tx, deployment.deployment_id))
        outcome = verdict_of(verdict)
        if outcome is None and reason is GoneReason.NEVER_STARTED:
            await self._never_began(deployment, lease, handle)
            return
        if outcome is None:
            outcome = (
                by_wish(deployment.intent)
                if deployment.intent
                else Outcome.error(Reason.LOST, explanations.lost(reason))
            )
        await self._end(deployment, lease, handle, outcome, frozen_from(self._parts, sealed).mask)

    async def _never_began(self, deployment: Deployment, lease: Lease, handle: Handle | None) -> None:
        if deployment.intent is not None:
            await self._end(deployment, lease, handle, by_wish(deployment.intent), ())
            return
        sentence = "It ended before it had started anything."
        if (await self._parts.write(lambda tx: setbacks.count(tx, deployment.deployment_id, sentence))).are_too_many:
            await self._end(
                deployment,
                lease,
                handle,
                Outcome.error(Reason.FAILED, explanations.too_many(MOST_SETBACKS, sentence)),
                (),
            )
        elif handle is not None:
            await self._put_back(deployment, lease, handle)
        else:
            await self._parts.write(lambda tx: self._parts.ledger.put_back(tx, lease))

    async def _end(
        self,
        deployment: Deployment,
        lease: Lease,
        handle: Handle | None,
        outcome: Outcome,
        mask: tuple[str, ...],
        *,
        anchor: Anchor | None = None,
    ) -> None:
        ending = await self._ending(deployment, lease, handle, mask, anchor=anchor)
        async with beside(ending.log.run()):
            await ending.fail(outcome)

    async def _ending(
        self,
        deployment: Deployment,
        lease: Lease,
        handle: Handle | None,
        mask: tuple[str, ...],
        *,
        anchor: Anchor | None = None,
    ) -> RunEnd:
        # Without a handle no host is asked: it may be gone for good.
        left = NoOutput() if handle is None else LeftOutput(self._parts.registered.hosts[deployment.host_id], handle)
        source = left if anchor is None else anchor
        return RunEnd(
            parts=self._parts,
            deployment=deployment,
            lease=lease,
            log=await self._parts.logs.open(deployment.deployment_id, source, mask),
            anchor=anchor,
            handle=handle,
            maker=Maker.RECOVERY,
        )
