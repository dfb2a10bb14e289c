"""Which processes of an application do not serve, or are not there any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.redaction import Redaction
from headway.features.services.downtime import GONE, Downtime, is_in_a_loop, masked
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
        down = downtime_of(status.processes, datetime.now(UTC))
        lifecycle = self.lifecycle
        redaction = Redaction(db=lifecycle.db, vault=lifecycle.vault, lifecycle=lifecycle)
        return down and await masked(down, partial(redaction.of, service_id))


def downtime_of(processes: Sequence[ProcessStatus], now: datetime) -> Downtime | None:
    """What of them is down: one that has ended, or does not serve although it runs, and of which no copy does."""
    copies: dict[str, list[ProcessStatus]] = defaultdict(list)
    for each in processes:
        copies[each.name.partition(".")[0]].append(each)
    down = {name: found for name, found in copies.items() if _is_down(found, now)}
    if not down:
        return None
    lacks = next((each.lacks for found in down.values() for each in found if each.lacks), None)
    runs = all(any(each.lacks for each in found) for found in down.values())
    ended = [each for found in down.values() for each in found if each.exits and not (runs and each.lacks)]
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(copies),
        since=None,  # a runtime tells since when what runs does, and not since when it does not
        exits=sum(each.exits for each in ended),
        last_exit=ended[-1].last_exit if ended else None,
        why=lacks,
        runs=runs,
    )


def _is_down(copies: Sequence[ProcessStatus], now: datetime) -> bool:
    # One that is tried once more each minute is up for a moment each time: it is down until it has stayed up.
    if any(_serves(each, now) for each in copies):
        return False
    return any(each.exits or each.lacks or each.state in _ENDED for each in copies)


def _serves(process: ProcessStatus, now: datetime) -> bool:
    has_stayed = process.state is ProcessState.RUNNING and not is_in_a_loop(process.exits, process.since, now)
    return has_stayed and process.lacks is None
