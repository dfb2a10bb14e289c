"""The run that a kind works in: steps that are recorded, commands that start once, undos written before effects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from headway.core.deployments import leases, store
from headway.core.deployments.leases import Lease
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Deadlines, Json, RunFailed
from headway.core.deployments.status import Status
from headway.core.deployments.store import StepEnd
from headway.core.engine import explanations
from headway.core.engine.parts import Parts, RunLog
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Anchor, Exit, Host
from headway.infra.hosts.command import Command
from headway.kernel.events import StepEnded
from headway.kernel.failures.rule import Phase

T = TypeVar("T")

# Commands that are programs of the application; the others fetch or build something.
_PHASES: Mapping[str, Phase] = {"release command": Phase.START, "script": Phase.START, "command": Phase.START}


class Execution:
    """One execution of a deployment by its kind; fits ``core.deployments.run.Run``. ``ended`` gets the steps whose end
    is still to be recorded.
    """

    def __init__(
        self,
        *,
        parts: Parts,
        deployment: Deployment,
        lease: Lease,
        anchor: Anchor,
        log: RunLog,
        plan: Mapping[str, Json],
        recorded: Mapping[str, str],
        begun: Mapping[str, int],
        ended: list[StepEnd],
    ) -> None:
        self.deployment = deployment
        self.plan = plan
        self.host: Host = parts.registered.hosts[deployment.host_id]
        self.deadlines: Deadlines = parts.settings.deadlines
        self._parts = parts
        self._lease = lease
        self._anchor = anchor
        self._log = log
        self._recorded = dict(recorded)
        self._begun = begun
        # Where a step began that another panel's run came to; None once this run has come further.
        self._before: int | None = None if lease.epoch == leases.FIRST_EPOCH else 0
        # A write to the disk is saved where the end of a step is recorded with whatever is recorded next, before a
        # command begins or by whoever ends the run at the latest. What is cut off before that is performed again, as it
        # is where the work itself is.
        self._ended = ended
        self._step = "run"
        self._said = 0
        self._since: dict[str, int] = {}

    async def step(self, name: str, work: Callable[[], Awaitable[Json]]) -> Json:
        self._before = self._begun.get(name)
        if name in self._recorded:
            return json.loads(self._recorded[name])
        said_before = self._said
        self._step, self._said = name, 0
        offset = await self._log.reached(self._anchor.told)
        began = await self.write(lambda tx: self._begin(tx, name, offset))
        await self._log.mark(name, ended=False, at=began)
        self._parts.crash_point(f"step {name} begun")
        since = asyncio.get_running_loop().time()
        result = json.dumps(await work())
        self._parts.crash_point(f"step {name} worked")
        took = timedelta(seconds=asyncio.get_running_loop().time() - since)
        finished = began + took  # by the database's clock, as all that is recorded
        self._ended.append(StepEnd(name, result, finished))
        await self._log.reached(self._anchor.told)  # what was said in it is its own
        await self._log.mark(name, ended=True, at=finished)
        self._tell(name, took)
        self._recorded[name] = result
        self._step, self._said = "run", said_before
        return json.loads(result)

    async def settled(self) -> None:
        if self._ended:
            await self.write(lambda _: None)

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        await self.settled()
        bounded = replace(
            command,
            step_seconds=command.step_seconds or self.deadlines.step.total_seconds(),
            inactivity_seconds=command.inactivity_seconds or self.deadlines.inactivity.total_seconds(),
        )
        since = await self._begun_at(name)
        await self._anchor.start(name, bounded)
        self._parts.crash_point(f"command {name} started")
        exit_ = await self._anchor.wait(name)
        self._parts.crash_point(f"command {name} ended")
        if check and not exit_.succeeded:
            said = await self._log.catch_up(since, _PHASES.get(name, Phase.BUILD))
            raise RunFailed(explanations.command_failed(name, exit_, said), explanations.reason_of(exit_))
        return exit_

    async def undo(self, name: str, data: Json) -> None:
        text = json.dumps(data, sort_keys=True)
        await self.write(lambda tx: store.add_undo(tx, self.deployment.deployment_id, name, text))
        self._parts.crash_point(f"undo {name} recorded")

    async def say(self, text: str) -> None:
        key = f"{self._step}:{self._said}"
        self._said += 1
        await self._anchor.say(key, text)

    def masked(self, text: str) -> str:
        return self._log.masked(text)

    async def write(self, change: Callable[[Tx], T]) -> T:
        ended = tuple(self._ended)
        written = await self._parts.write(lambda tx: self._guarded(tx, ended, change))
        self._ended[:] = [each for each in self._ended if each not in ended]
        return written

    async def describe(self, *, title: str | None = None, description: str | None = None, **commit: str) -> None:
        fields: dict[str, str] = {f"commit_{name}": value for name, value in commit.items()}
        if title and not self.deployment.title_given:
            fields["title"] = title
        if description and not self.deployment.description:
            fields["description"] = description
        if fields:
            await self.write(lambda tx: self._describe(tx, fields))

    async def kept(self) -> None:
        """Returns once what the run wrote is on the disks of every host that it touched: before that it is not done,
        for a power cut would leave a row that says so, and no release. Raises FileFailed.
        """
        for host_id in self.deployment.host_ids:
            await self._parts.registered.hosts[host_id].sync(*await self._parts.registered.places(host_id))
        self._parts.crash_point("kept")

    def fence(self, host: Host | None = None) -> AbstractAsyncContextManager[None]:
        return (host or self.host).fence(self.deployment.deployment_id, self._lease.epoch)

    async def _begun_at(self, command: str) -> int:
        """Where in the log what it says begins. Asked a second time how it ended, a command has written all that it has
        before; so has one that another panel's run may have begun.
        """
        if command not in self._since:
            reached = await self._log.reached(self._anchor.told)
            self._since[command] = reached if self._before is None else self._before
        return self._since[command]

    def _tell(self, step: str, took: timedelta) -> None:
        mine = self.deployment
        ended = StepEnded(deployment_id=mine.deployment_id, kind=mine.kind, step=step, seconds=took.total_seconds())
        self._parts.events.announce(ended)

    def _guarded(self, tx: Tx, ended: Sequence[StepEnd], change: Callable[[Tx], T]) -> T:
        leases.hold(tx, self._lease)
        store.finish_steps(tx, self.deployment.deployment_id, ended)
        return change(tx)

    def _begin(self, tx: Tx, name: str, offset: int) -> datetime:
        store.begin_step(tx, self.deployment.deployment_id, name, self._lease.epoch, offset)
        self._parts.ledger.touched(tx, self.deployment, Status.RUNNING)
        return tx.now

    def _describe(self, tx: Tx, fields: dict[str, str]) -> None:
        store.set_fields(tx, self.deployment.deployment_id, **fields)
        self._parts.ledger.shown_changed(tx, self.deployment, Status.RUNNING)
