"""The page of one deployment: how it stands and why, what it did, what it wrote, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.core.deployments.status import ON_REQUEST, Status
from headway.features.deployments.pages import deployment_forms
from headway.features.deployments.pages.deployment_forms import DEPLOYS, ONE, title_of
from headway.features.deployments.pages.deployment_past import (
    LEAST_COUNTED,
    failure_values,
    outlook_values,
    usual_of,
)
from headway.features.deployments.pages.link_list import CREATE_LINK
from headway.features.services.pages.service_actions import redeploy_of, rollback_of, router_of
from headway.features.services.pages.service_addresses import addresses_of
from headway.kernel.errors import NotFound
from headway.pages.deployment_rows import address, ends_of
from headway.pages.log_window import ShownLog, answered, finds, steps_at, window_of
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.sections import shown_together
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.comparison import ComparedRow
    from headway.features.deployments.api.history import UsualRow
    from headway.features.deployments.api.log_lines import HitsRow, LinesRow
    from headway.features.deployments.api.rollback_rows import LeftRow
    from headway.features.deployments.api.rows import DeploymentRow
    from headway.features.services.api.service_rows import ServiceOverviewRow
    from headway.pages.log_window import Row

PATH = "/deployments/{deploymentId}"
COMPARE: Asked[ComparedRow] = Asked("deployment.compare")
SERVICE: Asked[ServiceOverviewRow] = Asked("service.one")
LINES: Asked[LinesRow] = Asked("deployment.lines")
FIND: Asked[HitsRow] = Asked("deployment.find")
DELIVERY = "webhook.one"
_FOLLOW = "deployment.followLines"
_DOWNLOAD = "deployment.log"
_FOLDER = "features/deployments/pages"
_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING})
_SECONDS = 5.0


async def show(visit: Visit) -> View:
    """All of it."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    service, usual = await _service(visit, row), await usual_of(visit, row)
    lines = await answered(visit, _shown_log(row))
    values = await shown_together(
        _state_values(visit, row, service, usual),
        _changes_values(visit, row),
        _log_values(visit, row, lines),
        _facts_values(visit, row, service),
    )
    values |= {**_steps_values(row, usual, lines), **_heading_values(row, service)}
    return View(template=f"{_FOLDER}/deployment.html", values=values, title=_page_title(row, service))


async def heading(visit: Visit) -> View:
    """What it is called, which is known once its source is there."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    service = await _service(visit, row)
    template, title = f"{_FOLDER}/deployment_heading.html", _page_title(row, service)
    return View(template=template, values=_heading_values(row, service), title=title)


async def facts(visit: Visit) -> View:
    """What is known of it: what it is made of, who asked for it, and where it runs."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    values = await _facts_values(visit, row, await _service(visit, row))
    return View(template=f"{_FOLDER}/deployment_facts.html", values=values, title=title_of(row))


async def state(visit: Visit) -> View:
    """How it stands, and what can be done with it."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    values = await _state_values(visit, row, await _service(visit, row), await usual_of(visit, row))
    return View(template=f"{_FOLDER}/deployment_state.html", values=values, title=title_of(row))


async def steps(visit: Visit) -> View:
    """What its run did, step by step."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    lines = await visit.ask_within(_SECONDS, LINES, deploymentId=row["deploymentId"], count=1)
    values = _steps_values(row, await usual_of(visit, row), lines)
    return View(template=f"{_FOLDER}/deployment_steps.html", values=values, title=title_of(row))


async def changes(visit: Visit) -> View:
    """What it has changed against what served before it."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    values = await _changes_values(visit, row)
    return View(template=f"{_FOLDER}/deployment_changes.html", values=values, title=title_of(row))


async def log(visit: Visit) -> View:
    """A part of its log."""
    row = await visit.ask(ONE, deploymentId=visit.path["deploymentId"])
    values = await _log_values(visit, row, await answered(visit, _shown_log(row)))
    return View(template=f"{_FOLDER}/deployment_log.html", values=values, title=title_of(row))


async def _service(visit: Visit, row: DeploymentRow) -> ServiceOverviewRow | None:
    """The service that it is of; None where it is of none, or that cannot be shown now."""
    service_id = row["applicationId"] or row["composeId"] or row["databaseId"]
    if service_id is None or not visit.may(SERVICE.name):
        return None
    try:
        found = await visit.ask_within(_SECONDS, SERVICE, serviceId=service_id)
    except NotFound:
        return None
    return None if isinstance(found, Unknown) else found


async def _state_values(
    visit: Visit, row: DeploymentRow, service: ServiceOverviewRow | None, usual: UsualRow | None
) -> Mapping[str, object]:
    return {
        **outlook_values(visit, usual),
        **await failure_values(visit, row),
        "row": row,
        "is_asked_for": row["reason"] in ON_REQUEST,
        "mends": _mends(visit, row, service),
        "actions": _actions(visit, row, service),
        "state_pull": f"{address(row)}/-/state",
        "live": row["status"] in _UNFINISHED,
    }


def _page_title(row: DeploymentRow, service: ServiceOverviewRow | None) -> str:
    """What a tab is called by: many deployments are called alike."""
    return title_of(row) if service is None else f"{title_of(row)}, {cut(service['name'], 60)}"


def _heading_values(row: DeploymentRow, service: ServiceOverviewRow | None) -> Mapping[str, object]:
    return {"row": row, "of": _thing_of(row, service), "heading_pull": f"{address(row)}/-/heading"}


async def _facts_values(visit: Visit, row: DeploymentRow, service: ServiceOverviewRow | None) -> Mapping[str, object]:
    released = service is not None and row["status"] == "done" and row["kind"].endswith(DEPLOYS)
    found = await addresses_of(visit, service) if service is not None and released else ()
    return {
        "row": row,
        "service": service,
        "addresses": () if isinstance(found, Unknown) else found,
        "addresses_unknown": found if isinstance(found, Unknown) else None,
        "writes": _output_of(visit, service),
        "sees_servers": visit.may("server.one"),
        "sees_deliveries": visit.may(DELIVERY),
        "facts_pull": f"{address(row)}/-/facts",
    }


def _output_of(visit: Visit, service: ServiceOverviewRow | None) -> str | None:
    """Where what the service itself writes is shown, to who may read it."""
    if service is None or not visit.may(f"{router_of(service)}.readLogs"):
        return None
    return f"/services/{service['serviceId']}/log"


def _thing_of(row: DeploymentRow, service: ServiceOverviewRow | None) -> Mapping[str, str]:
    """What it is of, as the way back to that; the list of all where it is of nothing that has a page."""
    if service is not None:
        return {"label": service["name"], "href": f"/services/{service['serviceId']}"}
    things = (
        ("Backup", "/backups", row["backupId"] or row["volumeBackupId"]),
        ("Schedule", "/schedules", row["scheduleId"]),
        ("Preview", "/previews", row["previewDeploymentId"]),
    )
    found = ({"label": label, "href": f"{path}/{id_}"} for label, path, id_ in things if id_)
    return next(found, {"label": "Deployments", "href": "/deployments"})


def _mends(visit: Visit, row: DeploymentRow, service: ServiceOverviewRow | None) -> Sequence[Mapping[str, str]]:
    """Where what made it fail can be changed, of a service that somebody may change."""
    if service is None or row["status"] != "error" or row["reason"] in ON_REQUEST or not row["kind"].endswith(DEPLOYS):
        return ()
    path, router = f"/services/{service['serviceId']}", router_of(service)
    if not visit.may(f"{router}.update"):
        return ()
    found = [
        {"label": "the settings of its service", "href": f"{path}/settings"},
        {"label": "its variables", "href": f"{path}/variables"},
    ]
    if router == "application" and visit.may("application.detect"):
        found.append({"label": "what a deploy would build", "href": f"{path}/detected"})
    return found


async def _changes_values(visit: Visit, row: DeploymentRow) -> Mapping[str, object]:
    """Nothing where there is nothing to compare: it is of no service that is released."""
    compared: ComparedRow | None = None
    unknown: Unknown | None = None
    if row["kind"].endswith(DEPLOYS) and (row["applicationId"] or row["composeId"]):
        found = await visit.ask_within(_SECONDS, COMPARE, deploymentId=row["deploymentId"])
        if isinstance(found, Unknown):
            unknown = found
        else:
            compared = found
    return {
        "row": row,
        "compared": compared,
        "compared_unknown": unknown,
        "changes_pull": f"{address(row)}/-/changes",
        "live": row["status"] in _UNFINISHED,
    }


def _steps_values(row: DeploymentRow, usual: UsualRow | None, lines: Row | Unknown) -> Mapping[str, object]:
    return {
        "row": row,
        "steps_at": steps_at(lines, _shown_log(row)),
        "usual": usual,
        "usual_steps": {} if usual is None else {each["name"]: each for each in usual["steps"]},
        "least": LEAST_COUNTED,
        "failed": last_step(row),
        "steps_pull": f"{address(row)}/-/steps",
        "live": row["status"] in _UNFINISHED,
    }


async def _log_values(visit: Visit, row: DeploymentRow, lines: Row | Unknown) -> Mapping[str, object]:
    path, shown = address(row), _shown_log(row)
    # Who looks for something, or at a line, is shown that until they go back: the end is pulled without either.
    is_at_end = not {"find", "line"} & {name for name, text in visit.query.items() if text}
    return {
        "row": row,
        "log": None if isinstance(lines, Unknown) else window_of(lines, shown),
        "log_unknown": lines if isinstance(lines, Unknown) else None,
        "found": await finds(visit, shown),
        "search": shown.search(visit),
        "here": path,
        "tools": _tools(visit, row),
        "log_live": is_at_end and row["status"] in _UNFINISHED,
        "log_pull": f"{path}/-/log",
        "log_operations": shown.operations,
    }


def _shown_log(row: DeploymentRow) -> ShownLog:
    given = {"deploymentId": row["deploymentId"]}
    return ShownLog(path=address(row), lines=LINES, find=FIND, takes_regex=True, follow=_FOLLOW, given=given)


def _actions(visit: Visit, row: DeploymentRow, service: ServiceOverviewRow | None) -> Sequence[Mapping[str, object]]:
    """Links to the questions of what the caller may do with it as it stands."""
    path, status, left = address(row), row["status"], row["rollback"]
    offered: list[Mapping[str, object]] = []
    if service is not None and status not in _UNFINISHED and row["kind"].endswith(DEPLOYS):
        if left is not None and left["serves"] and _is_broken(row, service):
            offered += rollback_of(visit, service, service["releases"], before=left["version"], main=True)
        offered += redeploy_of(visit, service, serves=left is not None and left["serves"])
        if left is not None and _is_offered(left, service) and visit.may("rollback.rollback"):
            to = f"/services/{service['serviceId']}/rollback/{left['rollbackId']}"
            offered.append({"label": "Roll back to this", "href": to, "icon": "roll-back"})
    offered += ends_of(visit, row)
    if status != "running" and visit.may("deployment.removeDeployment"):
        offered.append({"label": "Remove", "href": f"{path}/remove", "icon": "remove", "danger": True})
    return offered


def _is_broken(row: DeploymentRow, service: ServiceOverviewRow) -> bool:
    """Whether what it released, which serves, was found to be unstable, or does not run although it is to."""
    serving = service["serving"]
    return row["unstable"] or (serving is not None and serving["downSince"] is not None)


def _is_offered(left: LeftRow, service: ServiceOverviewRow) -> bool:
    """Whether the page of going back shows this release: of databases none, of others the newest ones."""
    is_listed = any(each["rollbackId"] == left["rollbackId"] for each in service["releases"])
    return left["usable"] and service["kind"] != "database" and is_listed


def _tools(visit: Visit, row: DeploymentRow) -> Sequence[Mapping[str, str]]:
    tools = [*_shown_log(row).downloads(visit, _DOWNLOAD)]
    if visit.may(CREATE_LINK):
        tools.append({"label": "Share by a link", "href": f"{address(row)}/links", "icon": "copy"})
    return tools


def last_step(row: DeploymentRow) -> str | None:
    """The step that a deployment which ended in an error had come to; None for any other."""
    return row["steps"][-1]["name"] if row["status"] == "error" and row["steps"] else None


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"heading": heading, "state": state, "steps": steps, "changes": changes, "facts": facts, "log": log},
    forms={
        "cancel": deployment_forms.CANCEL,
        "kill": deployment_forms.KILL,
        "remove": deployment_forms.REMOVE,
    },
    topics=lambda visit: (f"deployment:{visit.path['deploymentId']}",),
)
