"""What a service or a machine has used, as pictures with their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode

from headway.kernel.errors import HeadwayError
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.pictures import BAD, Mark, Picture, drawn, mark_at, stacked
from headway.pages.words import count, cut, iso, moment, plural, size

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import CentralRow, SearchPage
    from headway.features.usage.api.operations import MachineUsageRow, UsageFigures, UsagePointRow, UsageSeriesRow

SeriesRow = TypeVar("SeriesRow", bound="UsageSeriesRow")

OF_SERVICE: Asked[UsageSeriesRow] = Asked("service.usage")
OF_SERVER: Asked[MachineUsageRow] = Asked("server.usage")
_DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
SPANS: Mapping[str, str] = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "year": "Year"}
_SECONDS = 2.0
_MOST_MARKS = 50
_ROWS, _COLUMNS = 24, 60  # at most: what is told by more points is put together
_TEN, _HUNDRED = 10, 100
# Milliseconds: of a sample; from the newest minute that is written to the end; of a step that may be called now.
_SAMPLE, _LATE, _MOST_NOW = 10_000, 150_000, 240_000
NOT_MEASURED = "Nothing was measured in this time."


def span_of(query: Mapping[str, str]) -> str:
    """The span that an address asks for; an hour where it asks for none that there is."""
    given = query.get("span", "")
    return given if given in SPANS else "hour"


async def service_usage_values(visit: Visit, kind: str, service_id: str, path: str) -> Mapping[str, object]:
    """What the template is given for a service; ``path`` is that of its page."""
    span = span_of(visit.query)
    found = await _asked(visit, OF_SERVICE, serviceId=service_id, span=span)
    marks = await _marks(visit, found, type=kind, id=service_id)
    return {**_values(found, marks, span, path, has_restarts=True), "usage_sampler": None}


async def machine_usage_values(visit: Visit, server_id: str | None, path: str) -> Mapping[str, object]:
    """The same for a server, None for the panel's own machine."""
    span = span_of(visit.query)
    given = {} if server_id is None else {"serverId": server_id}
    found = await _asked(visit, OF_SERVER, **given, span=span)
    marks = await _marks(visit, found, **given) if server_id is not None else _Marks()
    took = None if found is None or isinstance(found, Unknown) else found["sampler"]["cores"]
    told = {"usage_sampler": None if took is None else processors(took)}
    if server_id is None:
        told["usage_title"] = "What the panel's own machine uses"
    return {**_values(found, marks, span, path, has_restarts=False), **told}


async def _asked(visit: Visit, asked: Asked[SeriesRow], **given: str) -> SeriesRow | Unknown | None:
    """None of what is not to be seen."""
    try:
        return await visit.ask_within(_SECONDS, asked, **given)
    except HeadwayError:
        return None


class _Marks(NamedTuple):
    """Where deployments began, and which they are, in words."""

    them: Sequence[Mark] = ()
    words: str = "deployments that began"


async def _marks(visit: Visit, found: UsageSeriesRow | Unknown | None, **of_it: str) -> _Marks:
    """None where that is not to be had now."""
    if found is None or isinstance(found, Unknown) or not visit.may(_DEPLOYMENTS.name):
        return _Marks()
    since = moment(found["since"])
    width = timedelta(milliseconds=found["stepMs"]) * found["count"]
    rows = await visit.ask_within(_SECONDS, _DEPLOYMENTS, **of_it, limit=_MOST_MARKS, **{"from": iso(since)})
    if isinstance(rows, Unknown):
        return _Marks()
    begun = [(moment(row["startedAt"]), row) for row in rows["rows"] if row["startedAt"]]
    marks = [
        mark_at((at - since) / width, title=f"{cut(row['title'], 80)}, {row['status']}", href=_address(row))
        for at, row in begun
    ]
    seen = [each for each in marks if each is not None]
    return _Marks(seen) if rows["nextCursor"] is None else _Marks(seen, "the newest deployments that began")


def _address(row: CentralRow) -> str:
    return f"/deployments/{row['deploymentId']}"


def _values(
    found: UsageSeriesRow | Unknown | None, marks: _Marks, span: str, path: str, *, has_restarts: bool
) -> dict[str, object]:
    links = [
        {"label": label, "href": f"{path}?span={each}#part-usage", "current": each == span}
        for each, label in SPANS.items()
    ]
    return {
        "usage_pull": f"{path}/-/usage?{urlencode({'span': span})}",
        "usage_every": _TEN if span == "hour" else 6 * _TEN,
        "usage_title": "What it uses",
        "usage_spans": links,
        "usage_unknown": found if isinstance(found, Unknown) else None,
        "usage": None
        if found is None or isinstance(found, Unknown)
        else _told(found, marks, has_restarts=has_restarts),
    }


def _told(found: UsageSeriesRow, marks: _Marks, *, has_restarts: bool) -> Mapping[str, object]:
    if not found["points"]:
        return {"nothing": NOT_MEASURED}
    since = moment(found["since"])
    until = since + timedelta(milliseconds=found["stepMs"]) * found["count"]
    points, total = _in_places(found), found["total"]
    cores = [None if each is None else each["cores"] for each in points]
    memory = [None if each is None else each["memoryBytes"] for each in points]
    highest: Sequence[Sequence[float | None]] = ((), ())
    if found["stepMs"] > _SAMPLE:  # of what is put together the average is less than what was highest
        highest = (
            [None if each is None else each["coresPeak"] for each in points],
            [None if each is None else each["memoryPeakBytes"] for each in points],
        )
    cpu = drawn("busy", cores, highest[0], ceiling=total["coresBound"], filled=True, marks=marks.them)
    ram = drawn("wait", memory, highest[1], ceiling=total["memoryBoundBytes"], filled=True, marks=marks.them)
    recent = max(2, _LATE // found["stepMs"]) if found["stepMs"] <= _MOST_NOW else 0
    of_cores = _words(cores[-recent:] if recent else (), total["coresPeak"], total["coresBound"], processors)
    of_memory = _words(memory[-recent:] if recent else (), total["memoryPeakBytes"], total["memoryBoundBytes"], _bytes)
    pictures = [
        {"it": cpu, "title": "Processors", "told": of_cores, "nothing": NOT_MEASURED},
        {"it": ram, "title": "Memory", "told": of_memory, "nothing": NOT_MEASURED},
    ]
    if has_restarts:
        none = "None." if total["coveredMs"] else NOT_MEASURED
        again = {"it": _restarts(points), "title": "Restarts", "told": _restarts_told(total), "nothing": none}
        pictures.append(again)
    return {
        "nothing": "",
        "pictures": pictures,
        "rows": _rows(points),
        "has_restarts": has_restarts,
        "marks": f"Upright lines are {marks.words}." if marks.them else "",
        "first": _edge(since, found["stepMs"]),
        "last": _edge(until, found["stepMs"]),
    }


def _edge(at: datetime, step: int) -> str:
    """A moment at an end of a picture, as exactly as there is room for: the table has them whole."""
    return f"{at.day} {at:%b, %H:%M} UTC" if step <= _MOST_NOW else f"{at.day} {at:%b %Y}"


def _in_places(found: UsageSeriesRow) -> list[UsagePointRow | None]:
    """A point for each step of the time, None where nothing is known."""
    since, step = moment(found["since"]), timedelta(milliseconds=found["stepMs"])
    places: list[UsagePointRow | None] = [None] * found["count"]
    for each in found["points"]:
        places[(moment(each["at"]) - since) // step] = each
    return places


def _words(
    recent: Sequence[float | None], highest: float | None, bound: float | None, told: Callable[[float], str]
) -> str:
    """What is newest, what was highest, and the bound; nothing of what was not measured."""
    if highest is None:
        return ""
    newest = next((each for each in reversed(recent) if each is not None), None)
    now = "" if newest is None else f"{told(newest)} now, "
    return f"{now}{told(highest)} at most{f', of {told(bound)}' if bound else ''}"


def processors(number: float) -> str:
    """How many processors were at work: 0.03 % of one, 12 % of one, 2.5."""
    part = number * _HUNDRED
    if number == 0:
        return "none"
    if part < 1:
        return f"{max(part, 0.01):.2f} % of one"
    return f"{part:.0f} % of one" if number < 1 else f"{number:.1f}".removesuffix(".0")


def _bytes(number: float) -> str:
    return size(int(number))


def _restarts(points: Sequence[UsagePointRow | None]) -> Picture:
    pieces = _pieces(points, _COLUMNS)
    return stacked((BAD,), [(sum(each["restarts"] for each in piece if each is not None),) for piece in pieces])


def _restarts_told(total: UsageFigures) -> str:
    if total["restarts"]:
        return plural(total["restarts"], "restart")
    return "none was seen" if total["coveredMs"] else ""


def _pieces(points: Sequence[UsagePointRow | None], most: int) -> Sequence[Sequence[UsagePointRow | None]]:
    length = -(-len(points) // most)
    return [points[start : start + length] for start in range(0, len(points), length)]


def _rows(points: Sequence[UsagePointRow | None]) -> Sequence[Mapping[str, object]]:
    """The table behind the pictures, the newest first: points put together by the time that they cover."""
    rows = []
    for piece in _pieces(points, _ROWS):
        known = [each for each in piece if each is not None]
        covered = sum(each["coveredMs"] for each in known)
        if not known:
            continue
        cores = sum((each["cores"] or 0) * each["coveredMs"] for each in known) / covered if covered else None
        memory = sum((each["memoryBytes"] or 0) * each["coveredMs"] for each in known) // covered if covered else None
        rows.append(
            {
                "at": known[0]["at"],
                "cores": None if cores is None else processors(cores),
                "peak": _peak([each["coresPeak"] for each in known], processors),
                "memory": size(memory),
                "memory_peak": _peak([each["memoryPeakBytes"] for each in known], _bytes),
                "restarts": count(sum(each["restarts"] for each in known)),
            }
        )
    return rows[::-1]


def _peak(values: Sequence[float | None], told: Callable[[float], str]) -> str:
    found = [each for each in values if each is not None]
    return told(max(found)) if found else ""
