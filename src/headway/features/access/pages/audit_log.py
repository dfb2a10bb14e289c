"""The page of the audit log: who has done what to what, by which credential, when and from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.api.problems import Problem
from headway.pages.list_view import chips, filters_of, list_address, sentence_of
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
    "userEmail": "E-mail address",
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
    filters = filters_of(visit.query, LABELS)
    cursor = visit.query.get("cursor", "").strip()
    problem, found = "", None
    try:
        found = await visit.ask(LOG, **filters, limit=ROWS, cursor=cursor or None)
    except Problem as refused:
        problem = sentence_of(refused, LABELS)
    following = found["nextCursor"] if found else None
    return View(
        template="features/access/pages/audit_log.html",
        values={
            "filters": {name: filters.get(name, "") for name in LABELS},
            "chips": chips(PATH, LABELS, filters),
            "actions": [*ACTIONS, *([filters["action"]] if filters.get("action", "create") not in ACTIONS else [])],
            "rows": [_values(each, filters) for each in (found["logs"] if found else ())],
            "total": found["total"] if found else 0,
            "problem": problem,
            "newest": list_address(PATH, filters) if cursor else None,
            "older": list_address(PATH, {**filters, "cursor": following}) if following else None,
        },
        title="Audit log",
        status=400 if problem else 200,
    )


def _values(row: AuditRow, filters: Mapping[str, str]) -> Mapping[str, object]:
    """A row as it is shown."""
    what = {"label": row["procedure"], "href": list_address(PATH, {**filters, "procedure": row["procedure"]})}
    theirs = list_address(PATH, {**filters, "userId": row["userId"]})
    return {
        "row": row,
        "who": {"label": row["userName"] or row["userId"], "href": theirs},
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
    kind = {"deployment": "/deployments", "member": "/members/users", "apiKey": "/keys"}.get(row["subjectType"])
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


PAGE = Page(path=PATH, permission=LOG.name, show=show)
