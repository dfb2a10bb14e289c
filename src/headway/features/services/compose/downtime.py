"""Which services of a compose file do not serve, or are not there any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.stacks import StackService
from headway.drivers.runtimes.container.state import how_it_ended, instant
from headway.features.services.compose import store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.model import ComposeRelease, Record
from headway.features.services.compose.presence import of_release
from headway.features.services.downtime import GONE, Downtime, is_in_a_loop, masked
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDowntime:
    """Fits ``DowntimeOf``."""

    lifecycle: ComposeLifecycle

    async def __call__(self, service_id: str, /) -> Downtime | None:
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, service_id, self.lifecycle.vault))
        if release is None:
            return None
        if release.record.stack:
            tools = await self.lifecycle.driver.tools_of(service_id)
            return downtime_of_stack(release.record, await tools.stacks.services(service_id))
        return await self.among(release, await self.lifecycle.driver.containers(service_id))

    async def among(self, release: ComposeRelease, containers: Sequence[Container]) -> Downtime | None:
        """The same among containers that were looked at."""
        down = downtime_of(release.record, containers, datetime.now(UTC))
        return down and await masked(down, partial(self.lifecycle.driver.secrets, release.service_id))


def downtime_of(record: Record, containers: Sequence[Container], now: datetime) -> Downtime | None:
    """What of a release is down: a service that is to stay, of which no container serves, or none is there."""
    stays = _to_stay(record)
    found = {name: of_release(record, name, containers) for name in stays}
    down = {name: mine for name, mine in found.items() if not any(_serves(each, now) for each in mine)}
    if not down:
        return None
    ended = sorted((each for mine in down.values() for each in mine if _has_ended(each, now)), key=_finished_at)
    lacks = next((each.lacks for mine in down.values() for each in mine if each.lacks), None)
    if not ended and lacks is None:
        return _gone(down, stays, is_there=any(down.values()))
    last = ended[-1] if ended else None
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(stays),
        since=instant(last.finished_at) if last is not None and last.finished_at else None,
        exits=sum(each.restarts + (each.status in {"exited", "dead"}) for each in ended),
        last_exit=None if last is None else how_it_ended(last.exit_code, out_of_memory=last.out_of_memory),
        why=lacks,
        runs=all(any(each.lacks for each in mine) for mine in down.values()),
    )


def downtime_of_stack(record: Record, services: Mapping[str, StackService]) -> Downtime | None:
    """What of a stack is down: a service that is to stay, of which no copy runs on any machine, or which the swarm does
    not have.
    """
    stays = _to_stay(record)
    down = {name: services.get(name) for name in stays if not (name in services and _runs(services[name]))}
    if not down:
        return None
    ended = [task for each in down.values() if each is not None for task in each.tasks if task.has_ended]
    if not ended:
        return _gone(down, stays, is_there=any(down.values()))
    last = max(ended, key=lambda task: task.made_at)
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(stays),
        since=None,  # a swarm keeps the last few tries alone
        exits=len(ended),
        last_exit=last.ended_by,
    )


def _to_stay(record: Record) -> list[str]:
    return [name for name, service in record.services.items() if service.stays and service.replicas]


def _gone(names: Iterable[str], stays: Sequence[str], *, is_there: bool) -> Downtime:
    """Of what has not ended by itself: it is not there any more, or was never begun."""
    down = tuple(names)
    why = None if is_there else GONE
    return Downtime(names=down, is_all=len(down) == len(stays), since=None, exits=0, last_exit=None, why=why)


def _serves(container: Container, now: datetime) -> bool:
    return container.runs and container.lacks is None and not _is_in_a_loop(container, now)


def _has_ended(container: Container, now: datetime) -> bool:
    return container.status in {"exited", "dead", "restarting"} or _is_in_a_loop(container, now)


def _is_in_a_loop(container: Container, now: datetime) -> bool:
    since = instant(container.started_at) if container.runs and container.started_at else None
    return is_in_a_loop(container.restarts, since, now)


def _finished_at(container: Container) -> str:
    return container.finished_at


def _runs(service: StackService) -> bool:
    return any(task.runs for task in service.tasks)
