"""What is saved of a service and not in effect, field by field, and the way to have it taken up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import (
    APPLICATION,
    ONE,
    address,
    deploy_of,
    did_queue,
    router_of,
    to_deployment,
)
from headway.features.services.pages.settings_topics import TOPICS
from headway.kernel.errors import Conflict
from headway.pages.forms import Form, Question
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import cut, label, plural

if TYPE_CHECKING:
    from headway.features.rollbacks.api.rows import DifferenceRow
    from headway.features.rollbacks.api.saved_changes import PendingRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PENDING: Asked[PendingRow] = Asked("service.pending")
RESTART = "restart-application"
_SECONDS = 2.0
_MOST_SAID = 12
_OF_SETTINGS = frozenset({"setting", "limit"})
_LABELS: Mapping[str, str] = {
    name: each.label for topics in TOPICS.values() for topic in topics.values() for name, each in topic.fields.items()
}


async def pending_values(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """What differs, with what takes it up; nothing of what does not serve yet."""
    found = await visit.ask_within(_SECONDS, PENDING, serviceId=service["serviceId"])
    told = {"service": service, "pending_pull": f"{address(service)}/-/pending", "pending_unknown": None}
    if isinstance(found, Unknown):
        return {**told, "changes": (), "needs": None, "pending_actions": (), "pending_unknown": found}
    why = found["unknown"]
    return {
        **told,
        "changes": [{**each, "label": named(each)} for each in found["changes"]],
        "needs": found["needs"],
        "pending_actions": _actions(visit, service, found),
        "pending_unknown": Unknown(why=why) if why else None,
    }


async def waiting_of(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object] | None:
    """How much is saved and not in effect, and what takes it up; None where nothing is known to be."""
    found = await visit.ask_within(_SECONDS, PENDING, serviceId=service["serviceId"])
    if isinstance(found, Unknown) or not found["changes"]:
        return None
    return {
        "words": plural(len(found["changes"]), "change") + (" is" if len(found["changes"]) == 1 else " are"),
        "needs": found["needs"],
        "actions": _actions(visit, service, found),
    }


def _actions(visit: Visit, service: ServiceOverviewRow, found: PendingRow) -> list[Mapping[str, object]]:
    if found["needs"] is None:
        return []
    is_restart = found["needs"] == "restart" and router_of(service) == APPLICATION and visit.may("rollback.rollback")
    href = f"{address(service)}/{RESTART}"
    offered: list[Mapping[str, object]] = []
    if is_restart:
        offered = [{"label": "Restart with them", "href": href, "icon": "redeploy", "main": True}]
    return [*offered, *deploy_of(visit, service, main=not is_restart)]


def restart() -> Form:
    """The form that starts what was built once more, with what is set now."""

    async def ask(visit: Visit) -> Question:
        service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
        found = await visit.ask(PENDING, serviceId=visit.path["serviceId"])
        said = [told(each) for each in found["changes"] if each["needs"] == "restart"]
        if len(said) > _MOST_SAID:
            said = [*said[:_MOST_SAID], f"{plural(len(said) - _MOST_SAID, 'further change')}."]
        return Question(
            title=f"Restart “{cut(service['name'], 120)}” with what is set now?",
            consequences=(
                "What was built is started again beside what serves, and takes over when it answers; nothing is built.",
                *said,
                "What waits and what runs of its deployments is superseded.",
            ),
            button="Restart it",
        )

    async def take(visit: Visit, _typed: Mapping[str, str]) -> Mapping[str, object]:
        found = await visit.ask(PENDING, serviceId=visit.path["serviceId"])
        if found["releaseId"] is None:
            raise Conflict("Nothing of it serves that could be restarted: deploy it.")
        return {"rollbackId": found["releaseId"], "keepConfiguration": True}

    return Form(
        operation=lambda _visit: "rollback.rollback",
        given=lambda _visit: {},
        asks=ask,
        did=did_queue,
        then=to_deployment,
        takes=take,
    )


def told(each: DifferenceRow) -> str:
    """A change as a sentence."""
    what = f"{each['what'].capitalize()} {cut(named(each), 80)}".strip()
    if each["secret"]:
        return f"{what} has another value."
    before, after = each["before"], each["after"]
    if before is None:
        return f"{what} is new: {cut(after, 120)}"
    return f"{what} goes: {cut(before, 120)}" if after is None else f"{what}: {cut(before, 80)} → {cut(after, 80)}"


def named(each: DifferenceRow) -> str:
    """What a change is of; settings by words."""
    return _LABELS.get(each["name"]) or label(each["name"]) if each["what"] in _OF_SETTINGS else each["name"]
