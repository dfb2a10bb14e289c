"""What services write, by its lines and as a whole: reads, asked of the policy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import field

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.drivers.runtimes.contract.numbered_log import (
    NumberedLogs,
    TextHits,
    WantedLines,
    WantedText,
    WrittenLines,
)
from headway.drivers.runtimes.contract.whole_log import file_name, whole_log
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.features.services import overview_store
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import type_of
from headway.features.services.overview_store import ServiceOverview
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLines:
    """Lines of the log called ``name``, of those that a service has; None where it has none."""

    names: tuple[str, ...]
    name: str | None
    found: WrittenLines | None
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLog:
    """A log as a file: what it may be called, and its text as it comes."""

    name: str
    pieces: AsyncGenerator[str, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLogReader:
    """What callers may read of what services write; ``kinds`` know where it is."""

    db: Database
    kinds: ServiceKinds
    numbered: NumberedLogs = field(default_factory=NumberedLogs)

    async def lines(
        self, actor: Actor, permission: Permission, service_id: str, name: str | None, wanted: WantedLines
    ) -> ServiceLines:
        """Lines of a log by their numbers, of the first where no name is given. Raises Missing, NotFound, Conflict,
        Unavailable.
        """
        _, logs = await self._logs(actor, permission, service_id)
        names = tuple(each.name for each in logs)
        log = _called(logs, name)
        if log is None:
            return ServiceLines(names=names, name=None, found=None, is_over=True)
        found = await self.numbered.of(log).read(log, wanted)
        return ServiceLines(names=names, name=log.name, found=found, is_over=log.is_over)

    async def find(
        self, actor: Actor, permission: Permission, service_id: str, name: str | None, wanted: WantedText
    ) -> TextHits | None:
        """Which lines of a log have a text; None where there is no log. Raises as ``lines`` does."""
        _, logs = await self._logs(actor, permission, service_id)
        log = _called(logs, name)
        return None if log is None else await self.numbered.of(log).find(log, wanted)

    async def whole(
        self, actor: Actor, permission: Permission, service_id: str, name: str | None, *, plain: bool
    ) -> WholeLog:
        """All that is kept of a log; of all logs, one behind the other, where no name is given. Raises Missing,
        NotFound, Conflict, and HeadwayError where it cannot be read.
        """
        service, logs = await self._logs(actor, permission, service_id)
        if not logs:
            raise Conflict("Nothing of it serves, so nothing is kept of what it wrote. See the log of its deployment.")
        log = _called(logs, name)
        wanted = logs if name is None or log is None else [log]
        called = service.app_name if name is None else f"{service.app_name}-{name}"
        return WholeLog(name=file_name(called), pieces=await whole_log(wanted, is_plain=plain))

    async def _logs(
        self, actor: Actor, permission: Permission, service_id: str
    ) -> tuple[ServiceOverview, Sequence[WrittenLog]]:
        def look(tx: Tx) -> ServiceOverview:
            found = overview_store.find(tx, service_id)
            if found is None:
                raise Missing(Noun.SERVICE)
            place = (found.place.organization_id, found.place.project_id)
            permit(actor, permission, *place, service_id=service_id, noun=Noun.SERVICE)
            return found

        service = await self.db.read(look)
        return service, await self.kinds.by_type[type_of(service.kind)].written_logs(service_id)


def _called(logs: Sequence[WrittenLog], name: str | None) -> WrittenLog | None:
    """The log that people call so, the first without a name; None where there is none at all. Raises NotFound."""
    if name is None or not logs:
        return logs[0] if logs else None
    found = next((each for each in logs if each.name == name), None)
    if found is None:
        raise NotFound(f"Nothing that is called “{name[:100]}” runs of it now.")
    return found
