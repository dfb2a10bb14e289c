"""Several deployments at once: each is cancelled, killed, deployed again or removed by itself, and told by itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from headway.core.deployments.status import Status
from headway.features.deployments.pages.deployment_forms import (
    DEPLOYS,
    ONE,
    REMOVE_OPERATION,
    ended_words,
    has_ended,
    title_of,
)
from headway.features.services.pages.service_actions import ONE as SERVICE
from headway.features.services.pages.service_actions import ROUTERS, router_of
from headway.kernel.errors import InvalidInput, NotFound
from headway.pages.deployment_rows import CANCEL_OPERATION, KILL_OPERATION, address
from headway.pages.forms import Act, Became, Question, Several, Started, Thing
from headway.pages.page import Page, View, Visit
from headway.pages.words import deployment_state, plural

PATH = "/deployments/several"
MOST = 50
FIELD = "row-"  # and the id: a field of its own for each, as a browser sends it without scripts
_LIST = "/deployments"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Did = Callable[[Visit, str, object], Awaitable[Became]]


class NothingToRepeat(InvalidInput):
    """What was chosen deploys no service, or has not ended yet."""


class NothingToEnd(InvalidInput):
    """What was chosen has ended already."""


def chosen(visit: Visit) -> Sequence[str]:
    """The deployments that the address names."""
    named = [name.removeprefix(FIELD) for name in visit.query if name.startswith(FIELD)]
    return [each for each in named if _ID.fullmatch(each)]


def buttons_of(visit: Visit) -> Sequence[Mapping[str, object]]:
    """What the caller may do with several, as buttons of the form that they are chosen in."""
    offered: list[Mapping[str, object]] = []
    if visit.may(CANCEL_OPERATION):
        offered.append({"label": "Cancel", "action": f"{PATH}/cancel", "icon": "cancel"})
    if visit.may(KILL_OPERATION):
        offered.append({"label": "Kill", "action": f"{PATH}/kill", "icon": "kill", "danger": True})
    if any(visit.may(f"{router}.deploy") for router in ROUTERS):
        offered.append({"label": "Deploy again", "action": f"{PATH}/redeploy", "icon": "redeploy"})
    if visit.may(REMOVE_OPERATION):
        offered.append({"label": "Remove", "action": f"{PATH}/remove", "icon": "remove", "danger": True})
    return offered


def _question(
    verb: str, button: str, consequences: Sequence[str], *, danger: bool = False
) -> Callable[[Visit], Awaitable[Question]]:
    async def ask(visit: Visit) -> Question:
        ids = chosen(visit)
        if not ids or len(ids) > MOST:
            why = f"At most {MOST} at once: {len(ids)} are chosen." if ids else "Choose them in the list first."
            return Question(title=f"{verb} several deployments", consequences=(why,), button="")
        things = [await _thing(visit, each) for each in ids]
        return Question(
            title=f"{verb} {plural(len(ids), 'deployment')}?",
            consequences=(*consequences, "Each is done by itself, whatever becomes of the others."),
            button=button,
            danger=danger,
            things=things,
        )

    return ask


async def _thing(visit: Visit, deployment_id: str) -> Thing:
    """What is shown of one in the question, and where it is."""
    try:
        row = await visit.ask(ONE, deploymentId=deployment_id)
    except NotFound:
        return Thing(label=deployment_id, standing="it is not there any more")
    return Thing(label=title_of(row), standing=deployment_state(row).word, path=address(row))


def _operation(name: str, *, ends: bool) -> Callable[[Visit, str], Awaitable[Act]]:
    async def act(visit: Visit, deployment_id: str) -> Act:
        ended = has_ended(await visit.ask(ONE, deploymentId=deployment_id)) if ends else ""
        if ended:
            raise NothingToEnd(ended)
        return Act(operation=name, given={"deploymentId": deployment_id})

    return act


async def _redeploy(visit: Visit, deployment_id: str) -> Act:
    """What its own page offers: what serves is deployed as it is, of all else the newest state."""
    row = await visit.ask(ONE, deploymentId=deployment_id)
    service_id = row["applicationId"] or row["composeId"] or row["databaseId"]
    if service_id is None or not row["kind"].endswith(DEPLOYS):
        raise NothingToRepeat("It deploys no service, so that there is nothing to deploy again.")
    if not Status(row["status"]).ended:
        raise NothingToRepeat("It has not ended yet.")
    service = await visit.ask(SERVICE, serviceId=service_id)
    router, left = router_of(service), row["rollback"]
    serves = left is not None and left["serves"] and service["kind"] != "database"
    return Act(operation=f"{router}.{'redeploy' if serves else 'deploy'}", given={f"{router}Id": service_id})


def _ended(word: str) -> Did:
    async def did(visit: Visit, deployment_id: str, _answer: object) -> Became:
        return Became(text=ended_words(word, await visit.ask(ONE, deploymentId=deployment_id)))

    return did


async def _removed(_visit: Visit, _id: str, _answer: object) -> Became:
    return Became(text="Removed: its record and its log are gone. What it released stays as it is.", path=_LIST)


async def _queued(_visit: Visit, _id: str, answer: object) -> Became:
    if not isinstance(answer, Started):
        return Became(text="Queued.")
    text = "It was queued already." if answer.again else "Queued: it begins as soon as it may."
    return Became(text=text, path=f"{_LIST}/{answer.deployment_id}")


async def _show(_visit: Visit) -> View:
    """What stands where somebody comes without having chosen any."""
    return View(template="features/deployments/pages/deployment_selection.html", values={}, title="Several deployments")


_REMOVES_HALF_MADE = "What is half made of them is removed."
PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=_show,
    several={
        "cancel": Several(
            ids=chosen,
            asks=_question(
                "Cancel",
                "Cancel them",
                (
                    "What waits leaves the queue and never begins.",
                    "What runs is asked to end by itself (SIGTERM), and killed when its grace is over.",
                    _REMOVES_HALF_MADE,
                ),
            ),
            act=_operation(CANCEL_OPERATION, ends=True),
            did=_ended("Cancelled"),
            back=_LIST,
        ),
        "kill": Several(
            ids=chosen,
            asks=_question(
                "Kill",
                "Kill them",
                (
                    "All processes of what runs are ended now (SIGKILL), and it is looked that none is left.",
                    _REMOVES_HALF_MADE,
                    "What waits or has ended is not killed, and told so.",
                ),
                danger=True,
            ),
            act=_operation(KILL_OPERATION, ends=True),
            did=_ended("Killed"),
            back=_LIST,
            careful=True,
        ),
        "redeploy": Several(
            ids=chosen,
            asks=_question(
                "Deploy",
                "Deploy them again",
                (
                    "What serves is built once more from the same commit, with the settings as they are saved now.",
                    "Of all others the newest state of their service is deployed.",
                ),
            ),
            act=_redeploy,
            did=_queued,
            back=_LIST,
        ),
        "remove": Several(
            ids=chosen,
            asks=_question(
                "Remove",
                "Remove them",
                (
                    "Their records, their steps and their logs are gone for good.",
                    "What waits is cancelled first; what runs is not removed.",
                    "What they released stays as it is.",
                ),
                danger=True,
            ),
            act=_operation(REMOVE_OPERATION, ends=False),
            did=_removed,
            back=_LIST,
            careful=True,
        ),
    },
)
