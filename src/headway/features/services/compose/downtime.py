"""Which services of a compose file have ended by themselves and do not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.container.state import how_it_ended, instant
from headway.features.services.compose import store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.model import Record
from headway.features.services.compose.presence import of_release
from headway.features.services.downtime import Downtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDowntime:
    """Fits ``DowntimeOf``. Of a stack, whose copies are on other machines too, nothing is told."""

    lifecycle: ComposeLifecycle

    async def __call__(self, service_id: str, /) -> Downtime | None:
        """See ``DowntimeOf``."""
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, service_id, self.lifecycle.vault))
        if release is None or release.record.stack:
            return None
        return downtime_of(release.record, await self.lifecycle.driver.containers(service_id))


def downtime_of(record: Record, containers: Sequence[Container]) -> Downtime | None:
    """What of a release is down: a service that is to stay, of which there are containers and none runs."""
    stays = [name for name, service in record.services.items() if service.stays and service.replicas]
    found = {name: of_release(record, name, containers) for name in stays}
    down = {name: mine for name, mine in found.items() if any(_has_ended(each) for each in mine) and not _runs(mine)}
    if not down:
        return None
    ended = sorted((each for mine in down.values() for each in mine), key=lambda each: each.finished_at)
    last = ended[-1]
    return Downtime(
        names=tuple(down),
        is_all=len(down) == len(stays),
        since=instant(last.finished_at) if last.finished_at else None,
        exits=sum(each.restarts + (each.status in {"exited", "dead"}) for each in ended),
        last_exit=how_it_ended(last.exit_code, out_of_memory=last.out_of_memory),
    )


def _has_ended(container: Container) -> bool:
    return container.status in {"exited", "dead", "restarting"}


def _runs(containers: Sequence[Container]) -> bool:
    return any(each.runs for each in containers)
