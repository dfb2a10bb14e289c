"""The page of the audit log: who has done what to what, by which credential, when and from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from headway.api.problems import Problem
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import label

if TYPE_CHECKING:
    from headway.features.access.api.rows import AuditPage, AuditRow

PATH = "/audit"
ROWS = 50
LOG: Asked[AuditPage] = Asked("auditLog.all")
LABELS: Mapping[str, str] = {
    "resourceName": "Name",
    "userId": "Who",
    "userEmail": "Mail address",
    "action": "Action",
    "procedure": "Operation",
    "resourceType": "Of",
    "resourceId": "ID",
    "projectId": "Project",
    "from": "From",
    "to": "To",
}
ACTIONS = ("create", "update", "delete", "deploy", "redeploy", "cancel", "login", "logout")
# What is written though it was in vain; what is refused otherwise changes nothing and stands in the panel's log.
_IN_VAIN = frozenset({"session.signInFailed", "session.codeFailed", "session.confirmFailed"})
_CREDENTIALS: Mapping[str, str] = {"session": "signed in", "key": "by the key", "machine": "on the machine"}
_LONGEST_DETAIL = 8  # fields that are told of what a call was given


async def show(visit: Visit) -> View:
    """The rows that the filters let through, newest first."""
    filters = {name: text for name in LABELS if (text := visit.query.get(name, "").strip())}
    cursor = visit.query.get("cursor", "").strip()
    problem, found = "", None
    try:
        found = await visit.ask(LOG, **filters, limit=ROWS, cursor=cursor or None)
    except Problem as refused:
        problem = _sentence(refused)
    following = found["nextCursor"] if found else None
    return View(
        template="features/access/pages/audit_log.html",
        values={
            "filters": {name: filters.get(name, "") for name in LABELS},
            "chips": [
                {"label": LABELS[name], "value": text, "href": _address({**filters, name: ""})}
                for name, text in filters.items()
            ],
            "actions": [*ACTIONS, *([filters["action"]] if filters.get("action", "create") not in ACTIONS else [])],
            "rows": [_values(each, filters) for each in (found["logs"] if found else ())],
            "total": found["total"] if found else 0,
            "problem": problem,
            "newest": _address(filters) if cursor else None,
            "older": _address({**filters, "cursor": following}) if following else None,
        },
        title="Audit log",
        status=400 if problem else 200,
    )


def _values(row: AuditRow, filters: Mapping[str, str]) -> Mapping[str, object]:
    """A row as it is shown."""
    what = {"label": row["procedure"], "href": _address({**filters, "procedure": row["procedure"]})}
    return {
        "row": row,
        "who": {"label": row["userName"] or row["userId"], "href": _address({**filters, "userId": row["userId"]})},
        "credential": _CREDENTIALS.get(row["credential"], row["credential"]),
        "what": what,
        "subject": row["resourceName"] or row["resourceId"] or "",
        "href": _href(row),
        "of": label(row["subjectType"]).lower(),
        "address": str(row["metadata"].get("address") or ""),
        "details": _details(row["metadata"]),
        "was_done": row["procedure"] not in _IN_VAIN,
    }


def _href(row: AuditRow) -> str | None:
    """The page of what it was done to, where it has one; it may be gone since."""
    if row["resourceId"] is None or row["action"] == "delete":
        return None
    kind = {"deployment": "/deployments", "member": "/members/users", "apiKey": "/keys/one"}.get(row["subjectType"])
    if row["resourceType"] == "service":
        kind = "/services"
    return None if kind is None else f"{kind}/{row['resourceId']}"


def _details(told: Mapping[str, Any]) -> Sequence[str]:
    """What the call was given, with what is told of it in full."""
    given = [str(each) for each in told.get("given", ()) if each != "address"]
    shown = [f"{name}: {_text(told[name])}" if name in told else name for name in given[:_LONGEST_DETAIL]]
    return [*shown, *([f"and {len(given) - _LONGEST_DETAIL} more"] if len(given) > _LONGEST_DETAIL else [])]


def _text(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _address(filters: Mapping[str, str]) -> str:
    text = urlencode({name: each for name, each in filters.items() if each})
    return f"{PATH}?{text}" if text else PATH


def _sentence(refused: Problem) -> str:
    """Which filter is none, and why."""
    told = []
    for issue in refused.issues:
        name = str(next(iter(issue.get("path") or ()), ""))
        message = str(issue.get("message", "")).removeprefix("Invalid input: ")
        told.append(f"{LABELS.get(name, name or 'Filter')}: {message}.")
    return " ".join(told) or refused.message


PAGE = Page(path=PATH, permission=LOG.name, show=show)
