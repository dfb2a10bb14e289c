"""Takes waiting deployments as slots come free and keeps their runners, until it is told to let them go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from headway.core.deployments import leases, queue, store
from headway.core.deployments.leases import Lease
from headway.core.deployments.status import Intent
from headway.core.engine.parts import Parts
from headway.core.engine.run_end import set_back
from headway.core.engine.runner import Runner
from headway.kernel.context import working_on

log = logging.getLogger(__name__)

_REST = 1.0


class Worker:
    """The runners of this panel. ``claim_all`` is a round of its loop; ``release`` lets every run go on without it.
    ``is_open`` says of a host whether work may be claimed there.
    """

    def __init__(
        self, parts: Parts, left: Callable[[str], None], is_open: Callable[[str], bool] = lambda _host_id: True
    ) -> None:
        self._parts = parts
        self._left = left
        self._is_open = is_open
        self._runners: dict[str, Runner] = {}
        self._leases: list[Lease] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = True

    async def claim_all(self) -> float:
        """Starts whatever may start now on every host that is open to it; seconds to rest until the next look."""
        for host_id in await self._open_hosts():
            while self._open and self._is_open(host_id):
                claimed = await self._parts.db.run(
                    lambda tx, host_id=host_id: self._parts.ledger.claim(tx, host_id, self._parts.owner)  # type: ignore[misc]
                )
                if claimed is None:
                    break
                self._parts.crash_point("claimed")
                self.take(Runner(self._parts, *claimed))
        return _REST

    async def _open_hosts(self) -> list[str]:
        """This machine, and of the servers those that something waits for: they may be many."""
        here = [host_id for host_id, host in self._parts.registered.hosts.items() if host.link == 0]
        linked = [host_id for host_id in self._parts.registered.hosts if host_id not in here and self._is_open(host_id)]
        if not linked:
            return here
        waited_for = await self._parts.db.read(queue.waited_for)
        return [*here, *(host_id for host_id in linked if host_id in waited_for)]

    def take(self, runner: Runner) -> None:
        """Keeps a runner until its end, and its lease from now on: a heartbeat may come before its first step."""
        self._runners[runner.deployment.deployment_id] = runner
        self._leases.append(runner.lease)
        task = asyncio.get_running_loop().create_task(self._keep(runner), name=f"run {runner.deployment.deployment_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _task: self._leases.remove(runner.lease))

    def interrupt(self, deployment_id: str, intent: Intent) -> bool:
        """Ends a run of this panel as its written intent says; False when it has none of that id."""
        runner = self._runners.get(deployment_id)
        if runner is None:
            return False
        runner.interrupt(intent)
        return True

    @contextmanager
    def working_under(self, lease: Lease) -> Iterator[None]:
        """Has a lease prolonged while the block lasts, and no longer: what nobody works on is for recovery."""
        self._leases.append(lease)
        try:
            yield
        finally:
            self._leases.remove(lease)

    async def renew(self) -> float:
        """Prolongs the leases that this panel works under and abandons the runs whose lease is lost; seconds to the
        next time.
        """
        mine = tuple(self._runners.values())  # before the look: what is claimed meanwhile is not judged by it
        worked_on = [lease.deployment_id for lease in self._leases]
        held = await self._parts.db.run(
            lambda tx: leases.renew(tx, self._parts.owner, self._parts.settings.lease, worked_on)
        )
        wishes = await self._parts.db.read(store.intents)
        unheld = [each for each in mine if (each.lease.deployment_id, each.lease.epoch) not in held]
        for runner in await self._without_a_right(unheld):
            runner.abandon()
        for runner in mine:
            if runner not in unheld and runner.lease.deployment_id in wishes:  # written by another panel
                runner.interrupt(wishes[runner.lease.deployment_id])
        return self._parts.settings.renew_every.total_seconds()

    async def _without_a_right(self, unheld: Sequence[Runner]) -> list[Runner]:
        """Those that have lost their lease. Who has written the end gave it up by that, and only clears up behind it:
        the log is closed for those who follow it, and the anchor ended.
        """
        if not unheld:
            return []
        ids = [each.lease.deployment_id for each in unheld]
        claims = await self._parts.db.read(lambda tx: store.claims(tx, ids))
        over = {each for each, claim in claims.items() if claim.status.ended}
        own = {(each, claims[each].epoch) for each in over}
        return [each for each in unheld if (each.lease.deployment_id, each.lease.epoch) not in own]

    async def release(self) -> None:
        """Takes no more work, stops the runners where they are and frees their leases for the next start."""
        self._open = False
        held = list(self._runners)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._parts.db.run(lambda tx: leases.release_all_of(tx, self._parts.owner, held))

    async def _keep(self, runner: Runner) -> None:
        mine = runner.deployment
        with working_on(deployment=mine.deployment_id, host=mine.host_id):
            await self._carried(runner)

    async def _carried(self, runner: Runner) -> None:
        deployment_id = runner.deployment.deployment_id
        ended = True
        try:
            ended = await runner.run()
        except asyncio.CancelledError:
            ended = not self._open  # abandoned, unless the panel stops
            if not self._open:
                raise
        except Exception as error:
            log.exception("the runner of deployment %s broke", deployment_id)
            # Nobody is woken: what breaks at once, and each time, must not do so as often as it can.
            await self._parts.write(lambda tx, error=error: set_back(tx, runner.lease, error))  # type: ignore[misc]
        finally:
            if self._runners.get(deployment_id) is runner:
                del self._runners[deployment_id]
        if not ended:
            await self._give_up(runner)

    async def _give_up(self, runner: Runner) -> None:
        """Frees the lease, if it is still ours, so that recovery looks at the run without waiting for its expiry. Where
        the host does not answer although its link stands, it does so in its own time, and of what is to end only a
        bounded number of times: what is at work its deadline bounds.
        """
        away = runner.unanswered
        if away is not None and runner.is_ending:
            await self._parts.write(lambda tx: set_back(tx, runner.lease, away))
            return
        await self._parts.write(lambda tx: leases.release_if_mine(tx, runner.lease))
        if away is None:
            self._left(runner.deployment.deployment_id)
