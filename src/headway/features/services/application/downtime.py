"""Which processes of an application do not run, or are not there any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.downtime import GONE, Downtime
from headway.kernel.dataclass import dataclass

_NOTHING = Downtime(names=(), is_all=True, since=None, exits=0, last_exit=None)
_ENDED = frozenset({ProcessState.GIVEN_UP, ProcessState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDowntime:
    """Fits ``DowntimeOf``."""

    lifecycle: ApplicationLifecycle

    async def __call__(self, service_id: str, /) -> Downtime | None:
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, service_id))
        if release is None:
            return None
        runtime = self.lifecycle.driver.runtime(release)
        status = await runtime.status(release.release_id)
        if not status.processes:
            is_gone = release.release_id not in await runtime.known()
            return replace(_NOTHING, why=GONE if is_gone else None)
        return downtime_of(status.processes)


def downtime_of(processes: Sequence[ProcessStatus]) -> Downtime | None:
    """What of them is down: one that has ended, and of which no copy runs."""
    copies: dict[str, list[ProcessStatus]] = defaultdict(list)
    for each in processes:
        copies[each.name.partition(".")[0]].append(each)
    down = {name: found for name, found in copies.items() if _has_ended(found)}
    if not down:
        return None
    ended = [each for found in down.values() for each in found if each.exits]
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(copies),
        since=None,  # a runtime tells since when what runs does, and not since when it does not
        exits=sum(each.exits for each in ended),
        last_exit=ended[-1].last_exit if ended else None,
    )


def _has_ended(copies: Sequence[ProcessStatus]) -> bool:
    # One that is tried once more each minute is up for a moment each time: it is down until it has stayed up.
    runs = any(each.state is ProcessState.RUNNING for each in copies)
    return not runs and any(each.exits or each.state in _ENDED for each in copies)
