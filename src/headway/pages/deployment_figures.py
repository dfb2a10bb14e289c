"""How deployments went of late, as pictures with their table: above a list of them, and on the page of a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.kernel.errors import HeadwayError
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.pictures import BAD, Picture, drawn, stacked
from headway.pages.words import count, duration, plural

if TYPE_CHECKING:
    from headway.features.deployments.api.figures import DayFiguresRow, DeploymentFiguresRow, FiguresRow
    from headway.features.deployments.api.history import SpanRow

FIGURES: Asked[DeploymentFiguresRow] = Asked("deployment.figures")
DAYS = 30
FILTERS = ("type", "id", "projectId", "serverId")  # of a list, those that figures know too
_SECONDS = 5.0


async def figures_values(visit: Visit, wanted: Mapping[str, str], pull: str) -> Mapping[str, object]:
    """What the template is given: ``wanted`` says of which deployments, ``pull`` is where the part is had alone."""
    address = f"{pull}?{urlencode(wanted)}" if wanted else pull
    told: dict[str, object] = {"figures_pull": address, "figures": None, "figures_unknown": None}
    try:
        found = await visit.ask_within(_SECONDS, FIGURES, **wanted, days=DAYS)
    except HeadwayError:  # it is gone, or was never there: the list says so
        return told
    if isinstance(found, Unknown):
        return {**told, "figures_unknown": found}
    return {**told, "figures": _told(found)}


def _told(found: DeploymentFiguresRow) -> Mapping[str, object] | None:
    """None where nothing has ended in that time."""
    days, total = found["days"], found["total"]
    if not any(_ended(each) for each in days):
        return None
    return {
        "pictures": _pictures(days, total),
        "facts": _facts(total),
        "days": [each for each in reversed(days) if _ended(each)],
        "first": _day(days[0]["day"]),
        "last": "today",
        "counted_from": found["countedFrom"],
    }


def _pictures(days: Sequence[DayFiguresRow], total: FiguresRow) -> Sequence[Mapping[str, object]]:
    ends = stacked(("good", "off", BAD), [(each["done"], each["onRequest"], each["failed"]) for each in days])
    parts = ((total["done"], "done"), (total["failed"], "failed"), (total["onRequest"], "ended on request"))
    told = ", ".join(f"{count(number)} {word}" for number, word in parts if number)
    took, waited = ([each[name] for each in days] for name in ("took", "waited"))
    return (
        {"it": ends, "title": "Ended each day", "told": told},
        {"it": _spans("busy", took), "title": "Took", "told": _span_told(total["took"])},
        {"it": _spans("wait", waited), "title": "Waited in the queue", "told": _span_told(total["waited"])},
    )


def _spans(tone: str, spans: Sequence[SpanRow | None]) -> Picture:
    """The median of each day as a line, with what lies between it and the time that nearly all kept within."""
    medians = [None if each is None else each["p50Ms"] for each in spans]
    return drawn(tone, medians, [None if each is None else each["p95Ms"] for each in spans])


def _facts(total: FiguresRow) -> Sequence[tuple[str, str]]:
    """What has no picture: it is one figure of all days."""
    judged, rate, restored = total["done"] + total["failed"], total["failureRate"], total["restored"]
    failed = "not known" if rate is None else f"{_percent(rate)} ({count(total['failed'])} of {count(judged)})"
    if restored is None:
        back = "nothing had to be" if not total["failed"] else "not yet"
    else:
        back = f"{_span_told(restored)}, {plural(restored['number'], 'time')}"
    return (("Failed", failed), ("Until a failure was mended", back))


def _percent(part: float) -> str:
    """A part in hundredths; what is not nothing never reads as nothing, nor what is not all as all."""
    if part in {0.0, 1.0}:
        return f"{part * 100:.0f} %"
    return f"{min(max(part * 100, 0.1), 99.9):.{1 if part < 0.1 else 0}f} %"


def _span_told(span: SpanRow | None) -> str:
    if span is None:
        return ""
    half, most = duration(span["p50Ms"]), duration(span["p95Ms"])
    return f"half within {half}" if half == most else f"half within {half}, nearly all within {most}"


def _day(day: str) -> str:
    read = date.fromisoformat(day)
    return f"{read.day} {read:%b}"


def _ended(row: FiguresRow) -> int:
    return row["done"] + row["failed"] + row["onRequest"]
