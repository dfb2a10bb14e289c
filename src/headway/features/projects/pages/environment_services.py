"""What lies in environments: each service as the list of all shows it, as many as a page may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.features.projects.pages.project_list import services_of
from headway.kernel.dataclass import dataclass
from headway.pages.list_view import Part, part_of
from headway.pages.page import Unknown, Visit
from headway.pages.service_lines import lines_of, services_that, unknown_line

if TYPE_CHECKING:
    from headway.features.projects.api.rows import EnvironmentContents
    from headway.features.services.api.service_rows import GlanceRow

_MOST = 100  # of a page
_LEAST = 5  # of an environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """The services of an environment that are shown: ``more`` are not; ``after`` and ``next`` are those of a Part."""

    lines: Sequence[Mapping[str, object]]
    more: int
    after: str | None
    next: str | None
    is_live: bool


async def inside(visit: Visit, environments: Sequence[EnvironmentContents], after: str = "") -> Sequence[Inside]:
    """What lies in each of these, from behind the service with the id ``after`` where there is such a one."""
    ids = {each["environmentId"] for each in environments}
    most = max(_LEAST, _MOST // max(1, len(environments)))
    found = await services_that(visit, lambda each: each["environment"]["environmentId"] in ids)
    if isinstance(found, Unknown):
        return [_untold(environment, found, after, most) for environment in environments]
    parts = [part_of(_within(found, each), lambda row: row["serviceId"], after, most) for each in environments]
    shown = [row for part in parts for row in part.rows]
    lines = dict(zip((row["serviceId"] for row in shown), await lines_of(visit, shown), strict=True))
    return [
        _inside(
            part,
            [lines[row["serviceId"]] for row in part.rows],
            is_live=any(row["status"] == "running" for row in part.rows),
        )
        for part in parts
    ]


def _within(services: Sequence[GlanceRow], environment: EnvironmentContents) -> Sequence[GlanceRow]:
    return [each for each in services if each["environment"]["environmentId"] == environment["environmentId"]]


def _untold(environment: EnvironmentContents, unknown: Unknown, after: str, most: int) -> Inside:
    """What is there, of which nothing more is known now."""
    part = part_of(services_of(environment), lambda row: row["id"], after, most)
    lines = [unknown_line(row["id"], row["name"], row["kind"], unknown) for row in part.rows]
    return _inside(part, lines, is_live=True)


def _inside(part: Part[Any], lines: Sequence[Mapping[str, object]], *, is_live: bool) -> Inside:
    return Inside(
        lines=lines,
        more=part.total - len(part.rows),
        after=part.after,
        next=part.next,
        is_live=is_live,
    )
