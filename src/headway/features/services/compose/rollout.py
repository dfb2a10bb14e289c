"""How a deploy's containers come to run: which service goes which way, what is looked at, and what a failure leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from typing import Any

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.runtimes.compose import conversion
from headway.drivers.runtimes.compose.engine import Image
from headway.drivers.runtimes.compose.observation import Container, ContainerVerdict, Judgement, judged
from headway.drivers.runtimes.compose.ways import Before, Way, way_of
from headway.drivers.runtimes.contract.last_output import LAST_LINES
from headway.drivers.runtimes.contract.machine import Port
from headway.features.services.compose.model import Record, ReleasedService
from headway.features.services.compose.tools import ComposeContext
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.failures.explanation import Explanation, on_own_threads, told
from headway.kernel.failures.rule import Phase
from headway.kernel.phrase import phrase

_LOOK_SECONDS = 0.25
_LONGEST_LINE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What is to be done with each service, so that the record comes true."""

    record: Record
    ways: Mapping[str, Way]

    def going(self, *ways: Way) -> list[str]:
        """The services that go one of these ways."""
        return [name for name, way in self.ways.items() if way in ways]


def rollout(
    drawn: Record, images: Mapping[str, Image], before: Record | None, running: Sequence[Container], deployment_id: str
) -> Rollout:
    """Decides how each service of a file goes from what runs to what is wanted. ``images`` are by service."""
    there = {container.service for container in running}
    up = {container.service for container in running if container.runs}
    old = before.services if before is not None else {}
    ways: dict[str, Way] = {}
    services: dict[str, ReleasedService] = {}
    for name, service in drawn.file["services"].items():
        fingerprint = conversion.fingerprint(drawn.file, name)
        was = old.get(name)
        ways[name] = way_of(
            drawn.file,
            name,
            fingerprint=fingerprint,
            before=None if was is None else Before(fingerprint=was.fingerprint, runs=name in up),
            image_checks=images[name].checks_health,
            is_new=name not in there,
        )
        kept = was is not None and ways[name] is Way.KEPT
        services[name] = ReleasedService(
            fingerprint=fingerprint,
            deployment_id=was.deployment_id if was is not None and kept else deployment_id,
            replicas=conversion.replicas(service),
            stays=was.stays if was is not None and kept else True,
        )
    file = conversion.labelled(drawn.file, {name: each.deployment_id for name, each in services.items()})
    record = Record(
        file=file, variables=drawn.variables, services=services, secrets=drawn.secrets, made_with=drawn.made_with
    )
    return Rollout(record=record, ways=ways)


def to_bring_up(plan: Rollout, running: Sequence[Container]) -> list[str]:
    """The services that are begun or replaced in place, and those of the others that have gone down although they are
    to run. One that has done its work once is not run again for nothing.
    """
    up = {container.service for container in running if container.runs}
    fallen = [name for name in plan.going(Way.KEPT) if plan.record.services[name].stays and name not in up]
    return [*plan.going(Way.BEGUN, Way.IN_PLACE), *fallen]


def orphaned(plan: Rollout, running: Sequence[Container]) -> list[Container]:
    """The containers of services that the file has no more. They go before others come: what is called otherwise now
    may want their ports, and write to their volumes.
    """
    return [each for each in running if each.service not in plan.record.services]


def wanted_ports(file: Mapping[str, Any], names: Sequence[str], own: Sequence[Container]) -> list[tuple[Port, str]]:
    """The ports of the machine that services want and do not have, each with who wants it."""
    held = {port for container in own for port in container.published}
    found = []
    for name in names:
        for port in file["services"][name].get("ports") or ():
            wanted = str(port.get("published") or "")
            if wanted.isdecimal() and int(wanted) not in held:
                address, datagrams = str(port.get("host_ip") or ""), port.get("protocol") == "udp"
                found.append((Port(number=int(wanted), address=address, datagrams=datagrams), name))
    return found


def left_by_failure(plan: Rollout, *, served: bool) -> str:
    """An honest word on what a failure leaves, for the end of its message."""
    in_place = plan.going(Way.IN_PLACE)
    if not served:
        return "Nothing of it runs; volumes that were made stay."
    if not in_place:
        return "The containers of before go on."
    names = ", ".join(in_place)
    return (
        f"{names} could only be replaced in place: the containers of before are brought up again, and what the new "
        "ones wrote to volumes stays as they left it."
    )


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at the containers of a rollout until each service is up or has done its work."""

    run: Run
    tools: ComposeContext
    labels: Mapping[str, str]
    health_seconds: float
    settle_seconds: float
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def until_healthy(self, plan: Rollout) -> list[str]:
        """The services that have done their work once. Raises RunFailed with the container that kept it from ending
        well, how that one is, and its last lines.
        """
        deadline = time.monotonic() + self.health_seconds
        while True:
            found = await self._look(plan)
            late = [name for name, judgements in found.items() if not _is_well(plan, name, judgements)]
            if not late:
                return [name for name, each in found.items() if all(_is_finished(one) for _, one in each)]
            if time.monotonic() > deadline:
                raise await self._too_late(plan, late[0], found[late[0]])
            await asyncio.sleep(_LOOK_SECONDS)

    async def require_none_failed(self, plan: Rollout) -> None:
        """Raises RunFailed where a container has failed by now, with its last lines."""
        await self._look(plan)

    async def explained(self, plan: Rollout, error: HeadwayError) -> RunFailed:
        """A failure that does not ask after the containers itself, with what they wrote last."""
        said = await self._last_words(plan, None)
        reason = error.reason if isinstance(error, RunFailed) else Reason.FAILED
        told_too = f' A container of it said: "{said.line}".{said.advice}' if said.line else ""
        return RunFailed(f"{error.message}{told_too}", reason)

    async def _look(self, plan: Rollout) -> dict[str, list[tuple[Container, Judgement]]]:
        containers = await self.tools.engine.containers(**self.labels)
        found = {name: self._of(plan, name, containers) for name in plan.record.services}
        for name, judgements in found.items():
            for container, judgement in judgements:
                if judgement.standing is ContainerVerdict.FAILED:
                    raise await self._failed(plan, name, container)
        return found

    def _of(self, plan: Rollout, name: str, containers: Sequence[Container]) -> list[tuple[Container, Judgement]]:
        made_by = plan.record.services[name].deployment_id
        mine = [each for each in containers if each.service == name and each.deployment_id == made_by]
        if plan.ways[name] is Way.KEPT:  # what it went through before is not this deployment's to judge
            return [(each, judged(replace(each, restarts=0), settled=True)) for each in mine]
        return [(each, judged(each, settled=self._has_settled(each))) for each in mine]

    def _has_settled(self, container: Container) -> bool:
        """Whether it has been seen up, since one and the same start, for the settle time."""
        started, since = self._seen.get(container.container_id, ("", 0.0))
        if started != container.started_at:
            since = time.monotonic()
            self._seen[container.container_id] = (container.started_at, since)
        return time.monotonic() - since >= self.settle_seconds

    async def _failed(self, plan: Rollout, name: str, failed: Container) -> RunFailed:
        ((container, judgement),) = self._of(plan, name, [await self.tools.engine.noted(failed)])
        last = await self._last_words(plan, container)
        reason = Reason.OUT_OF_MEMORY if judgement.out_of_memory else Reason.FAILED
        why = self.run.masked(judgement.why)[:_LONGEST_LINE]
        said = f": {last.line}" if last.line else ""
        return RunFailed(f"The service {name} {why}{said}.".replace("..", ".") + last.advice, reason)

    async def _too_late(self, plan: Rollout, name: str, judgements: Sequence[tuple[Container, Judgement]]) -> RunFailed:
        if not judgements:
            return RunFailed(f"The service {name} has no container after {self.health_seconds:g} s.")
        container = judgements[0][0]
        last = await self._last_words(plan, container)
        how = f"its health check says {container.health}" if container.health else f"it is {container.status}"
        said = f": {last.line}" if last.line else ""
        return RunFailed(f"The service {name} is not up after {self.health_seconds:g} s ({how}){said}.{last.advice}")

    async def _last_words(self, plan: Rollout, blamed: Container | None) -> Explanation:
        """Says in the log what each container of this deployment wrote last, the one that is to blame at the end; gives
        what that says of its end, of all of them where nobody is.
        """
        made = {name for name, each in plan.record.services.items() if each.deployment_id == self._deployment_id}
        found = await self.tools.engine.containers(**self.labels)
        mine = [each for each in found if each.service in made and each.deployment_id == self._deployment_id]
        others = [each for each in mine if blamed is None or each.container_id != blamed.container_id]
        written: list[str] = []
        for container in [*others, *([blamed] if blamed is not None else [])]:
            lines = await self._last_lines(container)
            if lines:
                await self.run.say(phrase("The last lines of {}:", container.service))
            for line in lines:
                await self.run.say(phrase("  {}", line))
            written = lines if container is blamed else written + lines
        return await on_own_threads(partial(told, "\n".join(written), Phase.START))

    async def _last_lines(self, container: Container) -> list[str]:
        """The last lines that it wrote; none where it is gone."""
        try:
            output = await self.tools.engine.logs(container, tail=LAST_LINES)
        except HeadwayError:
            return []
        return [line for line in self.run.masked(output.decode(errors="replace")).splitlines() if line.strip()]

    @property
    def _deployment_id(self) -> str:
        return self.run.deployment.deployment_id


def _is_well(plan: Rollout, name: str, judgements: Sequence[tuple[Container, Judgement]]) -> bool:
    well = [one for _, one in judgements if one.standing in {ContainerVerdict.UP, ContainerVerdict.FINISHED}]
    return len(well) >= plan.record.services[name].replicas and len(well) == len(judgements)


def _is_finished(judgement: Judgement) -> bool:
    return judgement.standing is ContainerVerdict.FINISHED
