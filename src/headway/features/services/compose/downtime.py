"""Which services of a compose file do not run, or are not there any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.stacks import StackService
from headway.drivers.runtimes.container.state import how_it_ended, instant
from headway.features.services.compose import store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.model import Record
from headway.features.services.compose.presence import of_release
from headway.features.services.downtime import GONE, Downtime
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
        return downtime_of(release.record, await self.lifecycle.driver.containers(service_id))


def downtime_of(record: Record, containers: Sequence[Container]) -> Downtime | None:
    """What of a release is down: a service that is to stay, of which no container runs, or none is there."""
    stays = _to_stay(record)
    found = {name: of_release(record, name, containers) for name in stays}
    down = {name: mine for name, mine in found.items() if not any(each.runs for each in mine)}
    if not down:
        return None
    ended = sorted((each for mine in down.values() for each in mine if _has_ended(each)), key=_finished_at)
    if not ended:
        return _gone(down, stays, is_there=any(down.values()))
    last = ended[-1]
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(stays),
        since=instant(last.finished_at) if last.finished_at else None,
        exits=sum(each.restarts + (each.status in {"exited", "dead"}) for each in ended),
        last_exit=how_it_ended(last.exit_code, out_of_memory=last.out_of_memory),
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
        last_exit=last.how(out_of_memory=False),
    )


def _to_stay(record: Record) -> list[str]:
    return [name for name, service in record.services.items() if service.stays and service.replicas]


def _gone(names: Iterable[str], stays: Sequence[str], *, is_there: bool) -> Downtime:
    """Of what has not ended by itself: it is not there any more, or was never begun."""
    down = tuple(names)
    why = None if is_there else GONE
    return Downtime(names=down, is_all=len(down) == len(stays), since=None, exits=0, last_exit=None, why=why)


def _has_ended(container: Container) -> bool:
    return container.status in {"exited", "dead", "restarting"}


def _finished_at(container: Container) -> str:
    return container.finished_at


def _runs(service: StackService) -> bool:
    return any(task.runs for task in service.tasks)
