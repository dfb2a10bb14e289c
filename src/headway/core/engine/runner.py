"""Carries one claimed deployment from its claim, or from where a predecessor left it, to its end."""

from __future__ import annotations

import asyncio
import logging

from headway.core.deployments import leases, store
from headway.core.deployments.leases import FIRST_EPOCH, Lease, LeaseLost
from headway.core.deployments.ledger import IntentPending, Outcome
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed, Success
from headway.core.deployments.status import Intent, Maker, Reason, Status
from headway.core.deployments.store import StepEnd
from headway.core.engine import explanations
from headway.core.engine.background import beside, while_standing
from headway.core.engine.execution import Execution
from headway.core.engine.links import Links
from headway.core.engine.parts import LeftOutput, NoOutput, Parts, RunLog
from headway.core.engine.run_end import RunEnd, by_wish
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import (
    Anchor,
    AnchorGone,
    AnchorSpec,
    EpochPassed,
    GateShut,
    Handle,
    HostUnreachable,
    StopMode,
)
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, OutOfMemory, Unavailable

log = logging.getLogger(__name__)

_LEFT_TO_RECOVERY = (LeaseLost, EpochPassed, AnchorGone, HostUnreachable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What a successor found: the living anchor, what was recorded before, and how long the work may still take."""

    anchor: Anchor
    frozen: Frozen
    verdict: Outcome | None
    seconds: float


class Runner:
    """Performs one deployment. ``interrupt`` carries out a written intent; ``abandon`` leaves everything as it is.
    ``unanswered`` is why a run was left to recovery whose hosts' links stand, and ``is_ending`` whether that was met
    while it was to end.
    """

    def __init__(self, parts: Parts, deployment: Deployment, lease: Lease, resumed: Resumed | None = None) -> None:
        self.deployment = deployment
        self.lease = lease
        self._parts = parts
        self._host = parts.registered.hosts[deployment.host_id]
        self._resumed = resumed
        self._seconds = parts.total_seconds(deployment) if resumed is None else resumed.seconds
        self._intent = deployment.intent
        self._wished = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended: list[StepEnd] = []
        self.unanswered: HostUnreachable | None = None
        self.is_ending = False
        if self._intent is not None:
            self._wished.set()

    def interrupt(self, intent: Intent) -> None:
        """Ends the run as ``intent`` says; a kill hastens a cancel that is under way, the same wish once more does not:
        each heartbeat reads it again.
        """
        if self._intent is Intent.KILL:
            return
        hastens = self._intent is None or intent is Intent.KILL
        self._intent = intent
        if hastens:
            self._wished.set()

    def abandon(self) -> None:
        """The lease is lost: stops at once and changes nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> bool:
        """Carries the run to its end; False where it was left untouched for recovery to look at."""
        self._task = asyncio.current_task()
        links = Links(self._parts.registered.hosts, self.deployment.host_ids)
        try:
            await self._carry()
        except (*_LEFT_TO_RECOVERY, Unavailable) as error:
            if isinstance(error, HostUnreachable) and links.stand:
                self.unanswered = error
            log.warning("deployment %s is left to recovery: %s", self.deployment.deployment_id, error.message)
            return False
        return True

    async def _carry(self) -> None:
        if self._resumed is not None:
            await self._work(self._resumed.anchor, self._resumed.frozen, self._resumed.verdict)
            return
        try:
            anchor, admitted = await self._open()
        except (*_LEFT_TO_RECOVERY, Unavailable):
            raise
        except Exception as error:
            await self._never_began(None, self._broken(error))
            return
        if isinstance(admitted, Outcome):
            await self._never_began(anchor.handle, admitted)
        else:
            await anchor.go()
            self._parts.crash_point("gone ahead")
            await self._work(anchor, admitted, None)

    async def _open(self) -> tuple[Anchor, Frozen | Outcome]:
        """An idle anchor, its handle saved, and what the run works from; or the outcome that keeps it from starting."""
        deployment_id = self.deployment.deployment_id
        if self.lease.epoch > FIRST_EPOCH:  # before the first there was none that could come back after a power cut
            await self._host.raise_epoch(deployment_id, self.lease.epoch)
            self._parts.crash_point("epoch raised")
        spec = AnchorSpec(deployment_id=deployment_id, epoch=self.lease.epoch, total_seconds=self._seconds)
        anchor = await self._host.open_anchor(spec)
        self._parts.crash_point("anchor opened")
        admitted = await self._parts.write(lambda tx: self._admit(tx, anchor.handle))
        self._parts.crash_point("handle saved")
        return anchor, admitted

    def _admit(self, tx: Tx, handle: Handle) -> Frozen | Outcome:
        """Saves the handle and freezes what the run works from: nothing has run that no row knows."""
        leases.hold(tx, self.lease)
        current = store.find(tx, self.lease.deployment_id)
        if current.intent is not None:
            return by_wish(current.intent)
        kind = self._parts.registered.kinds.get(current.kind)
        if kind is None:
            return Outcome.error(
                Reason.REFUSED,
                f"This panel does not know how to perform {current.kind}; it is older than the deployment.",
            )
        try:
            frozen = kind.freeze(tx, current)
        except RunFailed as refusal:
            return Outcome.error(refusal.reason, refusal.message)
        sealed = self._parts.vault.seal({"plan": frozen.plan, "mask": list(frozen.mask)})
        fields = {"handle": handle.dump(), "pid": str(handle.pid), "secrets": sealed, "kind_version": kind.version}
        store.set_fields(tx, self.lease.deployment_id, **fields)
        self._parts.ledger.touched(tx, current, Status.RUNNING)
        return frozen

    async def _never_began(self, handle: Handle | None, outcome: Outcome) -> None:
        """Ends a run that has started nothing; an anchor that no handle leads to ends by itself."""
        source = LeftOutput(self._host, handle) if handle is not None else NoOutput()
        run_log = await self._parts.logs.open(self.deployment.deployment_id, source, ())
        await self._ending(run_log, None, handle).fail(outcome)

    async def _work(self, anchor: Anchor, frozen: Frozen, verdict: Outcome | None) -> None:
        run_log = await self._parts.logs.open(self.deployment.deployment_id, anchor, frozen.mask)
        ending = self._ending(run_log, anchor, anchor.handle)
        async with beside(run_log.run()):
            outcome = verdict or await self._outcome(anchor, frozen, run_log)
            self._parts.crash_point("outcome known")
            await self._end(ending, outcome)

    async def _end(self, ending: RunEnd, outcome: Success | Outcome) -> None:
        if isinstance(outcome, Outcome):
            self.is_ending = True
            await ending.fail(outcome)
            return
        try:
            await ending.succeed(outcome)
        except (*_LEFT_TO_RECOVERY, IntentPending):
            raise
        except Exception as error:
            await ending.fail(self._broken(error))

    async def _outcome(self, anchor: Anchor, frozen: Frozen, run_log: RunLog) -> Success | Outcome:
        """What the kind's work comes to, or what a wish to end it makes of it."""
        async with beside(self._perform(anchor, frozen, run_log)) as work, beside(self._wished.wait()) as wish:
            await asyncio.wait({work, wish}, return_when=asyncio.FIRST_COMPLETED)
            if self._intent is None:
                return await work
            self.is_ending = True
            await self._stop_commands(anchor)
            return by_wish(self._intent)

    async def _stop_commands(self, anchor: Anchor) -> None:
        if self._intent is Intent.CANCEL:
            self._wished.clear()
            grace = self._parts.settings.cancel_grace.total_seconds()
            async with beside(anchor.stop(StopMode.CANCEL, grace)) as gentle, beside(self._wished.wait()) as hastened:
                await asyncio.wait({gentle, hastened}, return_when=asyncio.FIRST_COMPLETED)
                if gentle.done():
                    return await gentle
        await anchor.stop(StopMode.KILL)
        return None

    async def _perform(self, anchor: Anchor, frozen: Frozen, run_log: RunLog) -> Success | Outcome:
        kind = self._parts.registered.kinds[self.deployment.kind]
        total: asyncio.Timeout | None = None
        try:
            execution = await self._execution(anchor, frozen, run_log)
            async with asyncio.timeout(self._seconds) as total:
                success = await kind.perform(execution)
                await while_standing(execution.kept(), success.standing)
                return success
        except RunFailed as failure:
            return Outcome.error(failure.reason, failure.message)
        except _LEFT_TO_RECOVERY:
            raise
        except GateShut:
            return Outcome.error(
                Reason.FAILED, "The deployment was being ended when it wanted to start something more."
            )
        except TimeoutError as error:
            if total is None or not total.expired():  # of something within
                return self._broken(error)
            return Outcome.error(Reason.TIMED_OUT, explanations.total_passed())
        except OutOfMemory as error:
            return Outcome.error(Reason.OUT_OF_MEMORY, error.message)
        except Exception as error:
            return self._broken(error)

    def _broken(self, error: Exception) -> Outcome:
        """What a run comes to that met this; what nobody foresaw is told in full where the panel tells of itself."""
        if isinstance(error, HeadwayError):
            return Outcome.error(Reason.FAILED, error.message)
        if explanations.is_full_disk(error):
            log.warning("deployment %s found no room on the disk: %s", self.deployment.deployment_id, error)
        else:
            log.error("deployment %s met an unforeseen error", self.deployment.deployment_id, exc_info=error)
        return Outcome.error(Reason.FAILED, explanations.unforeseen(error))

    async def _execution(self, anchor: Anchor, frozen: Frozen, run_log: RunLog) -> Execution:
        deployment_id = self.deployment.deployment_id
        records, current = await self._parts.write(
            lambda tx: (store.steps_of(tx, deployment_id), store.find(tx, deployment_id))
        )
        if current.intent is not None:  # written between the take-over and now, when nobody could be told
            self.interrupt(current.intent)
        return Execution(
            parts=self._parts,
            deployment=self.deployment,
            lease=self.lease,
            anchor=anchor,
            log=run_log,
            plan=frozen.plan,
            ended=self._ended,
            recorded={record.name: record.result for record in records if record.result is not None},
            begun={record.name: record.log_offset for record in records},
        )

    def _ending(self, run_log: RunLog, anchor: Anchor | None, handle: Handle | None) -> RunEnd:
        return RunEnd(
            parts=self._parts,
            deployment=self.deployment,
            lease=self.lease,
            log=run_log,
            anchor=anchor,
            handle=handle,
            maker=Maker.RUNNER if self._resumed is None else Maker.RECOVERY,
            ended=self._ended,
        )


def frozen_from(parts: Parts, sealed: str | None) -> Frozen:
    """What ``_admit`` froze."""
    if sealed is None:
        return Frozen(plan={})
    opened = parts.vault.open(sealed)
    return Frozen(plan=opened["plan"], mask=tuple(opened["mask"]))
