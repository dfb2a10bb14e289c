"""Keeps the containers of compose services and what is wanted of them the same: up or down, replaced, watched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import timedelta
from functools import partial
from typing import ClassVar

from headway.core.engine.concurrency import at_once
from headway.core.engine.host_work import ByHost
from headway.drivers.runtimes.compose.observation import Container, has_crashed
from headway.drivers.runtimes.compose.stacks import address_of, is_forwarder
from headway.drivers.runtimes.container.state import ENDED_FROM_OUTSIDE
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.downtime import ComposeDowntime
from headway.features.services.compose.driver import ComposeDriver, ComposeLifecycle
from headway.features.services.compose.model import ComposeRelease, Record
from headway.features.services.compose.presence import outdated
from headway.features.services.compose.tools import ComposeContext
from headway.features.services.last_look import Replaced, may_end
from headway.features.services.model import COMPOSES, AtRest, DesiredState
from headway.features.services.reconciler import ONCE, ServiceReconciler
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

_COMPOSE = "compose"
_UP_AT_ONCE = 4  # each starts a program of Docker's


@dataclass(kw_only=True)
class ComposeReconciler(ServiceReconciler[ComposeContext, ComposeDriver]):
    """Keeps the compose services of one host."""

    drain_time: timedelta
    replaced: Callable[[str], Replaced]
    rest_seconds: ClassVar[float] = 2.0
    _fallen: set[str] = field(default_factory=set)
    _stacks: set[str] = field(default_factory=set)
    _retiring: ByHost = field(init=False)
    _ending: ByHost = field(init=False)
    _ending_stacks: ByHost = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._retiring = ByHost("end of what was replaced", self._retire)
        self._ending = ByHost("end of what is not wanted", self._keep_in_line)
        self._ending_stacks = ByHost("end of a stack", self._end_stack)

    async def restore(self) -> float:
        """After a start of the panel, perhaps after a reboot: what is wanted serves again, what was being deleted is
        gone. Seconds to rest: it is done once.
        """
        await self.finish_deletions()
        self._fallen.update(live := await self.lifecycle.db.read(self._live))
        if live:
            with suppress(HeadwayError):  # else it is done as each is brought up
                await self._tools.ready(stack=False)
        await self._bring_up_again(await self.lifecycle.db.read(self._at_rest))
        return ONCE

    async def keep_round(self) -> float:
        """Brings what runs in line with what is wanted, and looks whether what serves still does; seconds to rest."""
        self._starts.begin_round()
        await self.finish_deletions()
        live = await self.lifecycle.db.read(self._live)
        if live:  # also while all of them are being deployed: an engine that goes away then takes others down
            try:
                containers = await self._all_containers()
            except HostUnreachable as away:
                self._tell("", away)
                return self.rest_seconds
            except HeadwayError as error:
                self._tell("", error)
                await self._note_runtime(_COMPOSE, error)
                return await self._rest()  # what was started and cannot be seen to serve is an error in its time
            if self._told.pop("", None) is not None:
                self._fallen.update(live)
            at_rest = await self.lifecycle.db.read(self._at_rest)
            await self.downtime.forget_others(at_rest)
            if await self._bring_up_again(at_rest):
                containers = await self._all_containers()
            await at_once(
                self._by_itself(
                    f"{each.service_id} as it runs",
                    partial(self._keep, each.service_id, each.wanted, containers.get(each.service_id, ())),
                )
                for each in at_rest
                if each.release_id is not None
            )
            await self._watch(containers)
            await self._watch_stacks(at_rest)
        return await self._rest()

    async def _watch_stacks(self, at_rest: Sequence[AtRest]) -> None:
        """Looks whether stacks run, whose copies are on other machines too and have to be asked for one by one."""
        of = ComposeDowntime(lifecycle=self.lifecycle)
        await at_once(
            self._by_itself(f"whether {each.service_id} runs", partial(self.downtime.look, each, of))
            for each in self.downtime.due([each for each in at_rest if each.service_id in self._stacks])
        )

    async def _bring_up_again(self, at_rest: Sequence[AtRest]) -> bool:
        """After the engine was away, and has ended every container: one that ends well when it is asked to looks as if
        it had done its work. Each is tried until it was brought up once; whether any was tried now.
        """
        again = [each for each in at_rest if each.service_id in self._fallen]
        wanted = {each.service_id for each in again if each.release_id is not None and each.wanted is DesiredState.UP}
        self._fallen.difference_update(each.service_id for each in again if each.service_id not in wanted)
        await at_once((self._keep_in_line(each) for each in wanted), most=_UP_AT_ONCE)
        return bool(again)

    async def _keep_in_line(self, compose_id: str) -> None:
        """Lets it run, or not, as it is wanted, unless that failed a moment ago, or again and again a while ago, or
        somebody else acts on it.
        """
        if self._is_taken(compose_id, compose_id):
            return

        async def bring() -> None:
            if await self._bring_in_line(compose_id):
                self._fallen.discard(compose_id)

        await self._by_itself(compose_id, bring)

    def _live(self, tx: Tx) -> set[str]:
        return services_store.live(tx, self.host_id, COMPOSES)

    async def _all_containers(self) -> Mapping[str, Sequence[Container]]:
        """The containers of all compose services by whose they are: asked for once, however many there are."""
        found: dict[str, list[Container]] = defaultdict(list)
        tools = self._tools
        for container in await tools.engine.containers(panel=tools.panel_id):
            found[container.compose_id].append(container)
        return found

    async def _keep(self, compose_id: str, wanted: DesiredState, containers: Sequence[Container]) -> None:
        containers = [each for each in containers if not is_forwarder(each) or wanted is DesiredState.UP]
        if wanted is not DesiredState.UP:
            if any(each.status not in {"exited", "created", "dead"} for each in containers):
                self._aside(self._ending, compose_id, compose_id)
            return
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, compose_id, self.lifecycle.vault))
        if release is None:
            return
        await self._hold(release, containers)
        if release.record.stack:
            self._stacks.add(compose_id)
        else:
            self._stacks.discard(compose_id)
            down = await ComposeDowntime(lifecycle=self.lifecycle).among(release, containers)
            await self.downtime.saw(compose_id, release.release_id, down)
        if await self._is_lost(compose_id, release, containers):
            await self._keep_in_line(compose_id)
            return
        try:
            await self._tools.routing.follow(compose_id, release, containers)
        except HeadwayError as error:
            self._tell(compose_id, error)
        if await self.lifecycle.db.read(lambda tx: self._is_over(tx, release, containers)):
            self._aside(self._retiring, compose_id, _replaced(compose_id))

    async def _hold(self, release: ComposeRelease, containers: Sequence[Container]) -> None:
        """What may not be started again now is not by the engine either, and is once more when it may. What runs goes
        on, but for stacks: a swarm always starts again what it is to run.
        """
        if not powers.needs_of_record(release.service_id, release.record, self.host_id):
            return
        withheld = await self.lifecycle.db.read(lambda tx: self._is_withheld(tx, release))
        if release.record.stack:
            if withheld:
                self._aside(self._ending_stacks, release.service_id, f"the stack {release.service_id}")
            return
        for name, service in release.record.file["services"].items():
            wanted = "no" if withheld else str(service.get("restart") or "no")
            mine = [each for each in containers if each.service == name]
            others = [each.container_id for each in mine if (each.restart_policy or "no") != wanted.partition(":")[0]]
            try:
                await self._tools.engine.set_restart(others, wanted)
            except HeadwayError as error:
                self._tell(release.service_id, error)

    async def _end_stack(self, compose_id: str) -> None:
        try:
            if await self._tools.stacks.services(compose_id):
                await self._tools.stacks.end(compose_id)
        except HeadwayError as error:
            self._tell(compose_id, error)

    def _is_withheld(self, tx: Tx, release: ComposeRelease) -> bool:
        compose = store.find(tx, release.service_id, self.lifecycle.vault)
        return powers.refusal_of_serving(tx, compose, release.record) is not None

    async def _is_lost(self, compose_id: str, release: ComposeRelease, containers: Sequence[Container]) -> bool:
        """Whether what is to run does not, and nobody else will start it."""
        if not release.record.stack:
            return _lost(release.record, containers)
        try:
            there = await self._tools.stacks.services(compose_id)
        except HeadwayError as error:  # looked at again when it is back
            self._tell(compose_id, error)
            return False
        led = await self.lifecycle.db.read(lambda tx: self._tools.routing.wanted_ports(tx, compose_id))
        ways = {way: address_of(containers, *way) for way in led if way[0] in release.record.services}
        return bool(release.record.services.keys() - there.keys()) or None in ways.values()

    async def release(self) -> None:
        await self._retiring.release()
        await self._ending.release()
        await self._ending_stacks.release()

    async def _retire(self, compose_id: str) -> None:
        await self._by_itself(_replaced(compose_id), partial(self._end_replaced, compose_id))

    async def _end_replaced(self, compose_id: str) -> None:
        """Ends what was replaced, once what is in its place is seen to answer yet."""
        if await may_end(self.replaced(compose_id)):
            await retire(self.lifecycle, compose_id)

    async def _watch(self, containers: Mapping[str, Sequence[Container]]) -> None:
        watched = await self.lifecycle.db.read(lambda tx: store.watched(tx, self.host_id, tx.now - self.watch_time))
        for compose_id, deployment_id in watched:
            mine = [each for each in containers.get(compose_id, ()) if each.deployment_id == deployment_id]
            look = partial(self._look_at, compose_id, deployment_id, mine)
            await self._by_itself(f"new deployment {deployment_id}", look)

    async def _look_at(self, compose_id: str, deployment_id: str, mine: Sequence[Container]) -> None:
        if any(has_crashed(each) for each in mine) or await self._has_failed_tasks(compose_id, deployment_id):
            why = "A container has ended by itself since it came to serve. Its output says more."
            await self.lifecycle.db.run(lambda tx: self._mark_unstable(tx, deployment_id, why))

    async def _has_failed_tasks(self, compose_id: str, deployment_id: str) -> bool:
        """Whether copies of a stack have ended by themselves on any machine, or the swarm has gone back."""
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, compose_id, self.lifecycle.vault))
        if release is None or not release.record.stack:
            return False
        stacks = self._tools.stacks
        try:
            found = await stacks.services(compose_id)
            made = [each for each in found.values() if each.name in release.record.services]
            failed = [
                task
                for service in made
                for task in service.tasks
                if task.state in {"failed", "rejected"} and task.deployment_id == deployment_id
            ]
            has_gone_back = any(service.rolled_back is not None for service in made)
            return has_gone_back or await stacks.cluster.ended_by_itself(failed)
        except HeadwayError:
            return False

    def _is_over(self, tx: Tx, release: ComposeRelease, containers: Sequence[Container]) -> bool:
        """Whether something was replaced, by a release that has served for as long as the drain takes."""
        if not store.has_drained(tx, release.release_id, tx.now - self.drain_time):
            return False
        stale = [] if release.record.stack else outdated(release.record, containers)
        return bool(stale or self.lifecycle.not_kept(tx, release.service_id)[1])


async def retire(lifecycle: ComposeLifecycle, compose_id: str) -> None:
    """Ends the containers that newer ones have replaced, and removes the files of old releases. Leaves it to the next
    time where a deploy is under way. The turn, which must not be held, is not kept while they end: a container takes
    as long as its file says, and whoever stops or deletes the service meanwhile does not wait for that.
    """
    async with lifecycle.turn(compose_id):
        replaced = await lifecycle.driver.let_go_replaced(compose_id)
    if replaced is None:
        return
    await lifecycle.driver.end_replaced(compose_id, replaced)
    async with lifecycle.turn(compose_id):
        await lifecycle.clear(compose_id)


def _replaced(compose_id: str) -> str:
    return f"what was replaced of {compose_id}"


def _lost(record: Record, containers: Sequence[Container]) -> bool:
    """Whether a service that is to run does not, because the engine or the machine went down: what a program's own end
    brought about is the engine's to mend, as the compose file says.
    """
    there = {each.service for each in containers if not _was_ended(each)}
    return any(service.stays and service.replicas and name not in there for name, service in record.services.items())


def _was_ended(container: Container) -> bool:
    return container.status == "created" or (
        container.status == "exited" and container.exit_code in ENDED_FROM_OUTSIDE and not container.out_of_memory
    )
