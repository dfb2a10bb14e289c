"""``service.usage`` and ``server.usage``: what was used over a time, with gaps where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.usage.model import UsagePoint
from headway.features.usage.series import UsageReader, UsageSeries, UsageSpan

Id = Annotated[str, Field(min_length=1, max_length=64)]
SpanName = Literal["hour", "day", "week", "month", "year"]

service_router = Router[UsageReader]("service", resource=Noun.SERVICE)
server_router = Router[UsageReader]("server", resource=Noun.SERVER, in_project=False)


class UsageFigures(TypedDict):
    """What was used, of as many milliseconds as ``coveredMs`` says. ``cores`` is how many processors were at work on
    average, ``coresPeak`` at most in ten seconds; memory is what the kernel counts against a bound, files in its cache
    among it. ``restarts`` is how often something was seen to be started again. Bounds are as they were last, null where
    there was none; all is null where nothing is known.
    """

    coveredMs: int
    cores: float | None
    coresPeak: float | None
    memoryBytes: int | None
    memoryPeakBytes: int | None
    restarts: int
    coresBound: float | None
    memoryBoundBytes: int | None


class UsagePointRow(UsageFigures):
    """What was used from a moment on, until that of the next point."""

    at: str


class UsageSeriesRow(TypedDict):
    """What was used in a time: ``points`` are those of which something is known, each of ``stepMs``, in a time that
    begins at ``since`` and has ``count`` of them; a step without a point is a gap. ``total`` is all of it.
    """

    since: str
    stepMs: int
    count: int
    points: list[UsagePointRow]
    total: UsageFigures


class MachineUsageRow(UsageSeriesRow):
    """That of a machine; ``sampler`` is what it took there to sample all this."""

    sampler: UsageFigures


class ServiceUsageOf(Input):
    service_id: Id
    span: SpanName = "hour"


class ServerUsageOf(Input):
    """Without an id it is the panel's own machine."""

    server_id: Id | None = None
    span: SpanName = "hour"


@service_router.query("usage", least=Role.MEMBER, scope=Scope.READ)
async def service_usage(reader: UsageReader, call: Call[ServiceUsageOf]) -> UsageSeriesRow:
    """Processors and memory that a service has used, and how often it was started again.

    An hour is told by ten seconds, a day by four minutes, a week by the hour, a month by two, a year by the day. All
    that runs of it is told together.
    """
    given = call.input
    return _series(await reader.of_service(call.actor, call.permission, given.service_id, UsageSpan(given.span)))


@server_router.query("usage", least=Role.ADMIN, scope=Scope.READ)
async def server_usage(reader: UsageReader, call: Call[ServerUsageOf]) -> MachineUsageRow:
    """Processors and memory that a server has used, or the panel's own machine, and what it took to sample that.

    Of a server it is known while something that serves is on it, and it answers.
    """
    given = call.input
    found = await reader.of_server(call.actor, call.permission, given.server_id, UsageSpan(given.span))
    return {**_series(found), "sampler": _figures(found.sampler or UsagePoint())}


def _series(found: UsageSeries) -> UsageSeriesRow:
    points: list[UsagePointRow] = [
        {"at": moment(found.since + found.step * number), **_figures(each)}
        for number, each in enumerate(found.points)
        if not each.is_empty
    ]
    return {
        "since": moment(found.since),
        "stepMs": found.step // timedelta(milliseconds=1),
        "count": len(found.points),
        "points": points,
        "total": _figures(found.total),
    }


def _figures(point: UsagePoint) -> UsageFigures:
    is_known, cores = point.covered > 0, point.cores
    return {
        "coveredMs": point.covered,
        "cores": None if cores is None else round(cores, 6),
        "coresPeak": point.cpu_peak / 1_000_000 if is_known else None,
        "memoryBytes": point.memory_bytes,
        "memoryPeakBytes": point.memory_peak << 10 if is_known else None,
        "restarts": point.restarts,
        "coresBound": point.cpu_bound / 1_000_000 if point.cpu_bound else None,
        "memoryBoundBytes": point.memory_bound << 10 if point.memory_bound else None,
    }
