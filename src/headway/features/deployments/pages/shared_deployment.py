"""The page of one deployment for whoever has a link to it: how it stands, what it did and what it wrote, and nothing to
do with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.log_window import ShownLog, answered, steps_at, window_of
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.links import SharedDeploymentRow
    from headway.features.deployments.api.log_lines import LinesRow
    from headway.pages.log_window import Row

PATH = "/shared/{token}"
SHARED: Asked[SharedDeploymentRow] = Asked("deployment.shared")
LINES: Asked[LinesRow] = Asked("deployment.sharedLines")
_FOLLOW = "deployment.followSharedLines"
_FOLDER = "features/deployments/pages"
_UNFINISHED = frozenset({"pending", "running"})
_SECONDS = 5.0


async def show(visit: Visit) -> View:
    """All of it."""
    row = await _row(visit)
    lines = await answered(visit, _shown_log(visit))
    values = {**_state_values(visit, row), **_steps_values(visit, row, lines), **_log_values(visit, row, lines)}
    values |= {**_heading_values(visit, row), **_facts_values(visit, row)}
    return View(template=f"{_FOLDER}/shared_deployment.html", values=values, title=_page_title(row))


async def heading(visit: Visit) -> View:
    """What it is called, which is known once its source is there."""
    row = await _row(visit)
    values, title = _heading_values(visit, row), _page_title(row)
    return View(template=f"{_FOLDER}/shared_heading.html", values=values, title=title)


async def facts(visit: Visit) -> View:
    """What is told of it."""
    row = await _row(visit)
    return View(template=f"{_FOLDER}/shared_facts.html", values=_facts_values(visit, row), title=_title_of(row))


async def state(visit: Visit) -> View:
    """How it stands."""
    row = await _row(visit)
    return View(template=f"{_FOLDER}/shared_state.html", values=_state_values(visit, row), title=_title_of(row))


async def steps(visit: Visit) -> View:
    """What its run did, step by step."""
    row = await _row(visit)
    lines = await visit.ask_within(_SECONDS, LINES, token=visit.path["token"], count=1)
    values = _steps_values(visit, row, lines)
    return View(template=f"{_FOLDER}/shared_steps.html", values=values, title=_title_of(row))


async def log(visit: Visit) -> View:
    """A part of its log."""
    row = await _row(visit)
    values = _log_values(visit, row, await answered(visit, _shown_log(visit)))
    return View(template=f"{_FOLDER}/shared_log.html", values=values, title=_title_of(row))


async def _row(visit: Visit) -> SharedDeploymentRow:
    return await visit.ask(SHARED, token=visit.path["token"])


def _title_of(row: SharedDeploymentRow) -> str:
    return cut(row["title"].strip() or "A deployment", 120)


def _page_title(row: SharedDeploymentRow) -> str:
    service = row["service"]
    return f"{_title_of(row)}, {cut(service, 60)}" if service else _title_of(row)


def _heading_values(visit: Visit, row: SharedDeploymentRow) -> dict[str, object]:
    pull, live = f"{_address(visit)}/-/heading", row["status"] in _UNFINISHED
    return {"row": row, "shown_title": _title_of(row), "heading_pull": pull, "live": live}


def _facts_values(visit: Visit, row: SharedDeploymentRow) -> Mapping[str, object]:
    return {"row": row, "facts_pull": f"{_address(visit)}/-/facts", "live": row["status"] in _UNFINISHED}


def _state_values(visit: Visit, row: SharedDeploymentRow) -> Mapping[str, object]:
    return {"row": row, "state_pull": f"{_address(visit)}/-/state", "live": row["status"] in _UNFINISHED}


def _steps_values(visit: Visit, row: SharedDeploymentRow, lines: Row | Unknown) -> Mapping[str, object]:
    has_failed = row["status"] == "error" and row["steps"]
    return {
        "row": row,
        "steps_at": steps_at(lines, _shown_log(visit)),
        "failed": row["steps"][-1]["name"] if has_failed else None,
        "steps_pull": f"{_address(visit)}/-/steps",
        "live": row["status"] in _UNFINISHED,
    }


def _shown_log(visit: Visit) -> ShownLog:
    given = {"token": visit.path["token"]}
    return ShownLog(path=_address(visit), lines=LINES, follow=_FOLLOW, given=given)


def _log_values(visit: Visit, row: SharedDeploymentRow, lines: Row | Unknown) -> Mapping[str, object]:
    shown = _shown_log(visit)
    return {
        "row": row,
        "log": None if isinstance(lines, Unknown) else window_of(lines, shown),
        "log_unknown": lines if isinstance(lines, Unknown) else None,
        # Who looks at a line is shown that until they go back: the end is pulled without it.
        "log_live": not visit.query.get("line") and row["status"] in _UNFINISHED,
        "log_pull": f"{shown.path}/-/log",
        "log_operations": shown.operations,
    }


def _address(visit: Visit) -> str:
    return PATH.format(token=visit.path["token"])


PAGE = Page(
    path=PATH,
    permission=None,
    show=show,
    parts={"heading": heading, "state": state, "steps": steps, "facts": facts, "log": log},
    is_open=True,
)
