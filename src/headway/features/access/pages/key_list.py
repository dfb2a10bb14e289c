"""The page of API keys: the caller's own, for admins everybody's, and the way to make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from headway.core.access.model import Scope
from headway.features.access.pages.reach import chosen, projects_of
from headway.kernel.errors import InvalidInput
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.list_view import AFTER, part_of, view_values
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import moment

if TYPE_CHECKING:
    from headway.features.access.api.rows import ApiKeyRow, MemberRow, NewApiKeyRow

KEYS_PATH = "/keys"
ROWS = 50
KEYS: Asked[list[ApiKeyRow]] = Asked("user.apiKeys")
PEOPLE: Asked[list[MemberRow]] = Asked("user.all")
CREATE = "user.createApiKey"
_FOLDER = "features/access/pages"
_DAY = 24 * 3600
_MINUTE_MS = 60_000

SCOPES: Mapping[str, str] = {
    Scope.READ: "looks at what there is",
    Scope.DEPLOY: "deploys, starts and stops",
    Scope.KILL: "cancels and kills",
    Scope.REMOVE: "removes deployments that have ended",
    Scope.SECRETS: "is shown values that are secret, where you may change them",
    Scope.ADMIN: "all of these, and everything else that you may do",
}
LASTING: Mapping[str, str] = {
    str(7 * _DAY): "7 days",
    str(30 * _DAY): "30 days",
    str(90 * _DAY): "90 days",
    str(365 * _DAY): "a year",
    "": "until it is removed",
}


async def show(visit: Visit) -> View:
    """The keys, the last one that was made first; ``of`` in the address is somebody's id, ``after`` a key's."""
    found = await visit.ask(KEYS)
    keys = sorted(found, key=lambda each: (each["createdAt"], each["id"]), reverse=True)
    people = await people_of(visit)
    of = visit.query.get("of", "").strip()
    fitting = [each for each in keys if not of or each["userId"] == of]
    part = part_of(fitting, lambda each: each["id"], visit.query.get(AFTER, "").strip(), ROWS)
    places = view_values(KEYS_PATH, {"of": of} if of in people else {}, part)
    return View(
        template=f"{_FOLDER}/key_list.html",
        values={
            "rows": [key_values(each, visit, people) for each in part.rows],
            "sees_others": len(people) > 1,
            "people": [{"value": user_id, "label": name} for user_id, name in people.items()],
            "of": of,
            "newest": places["newest"],
            "older": places["older"],
            "actions": (CREATE_KEY,) if visit.may(CREATE) else (),
        },
        title="API keys",
    )


CREATE_KEY: Mapping[str, object] = {"label": "New API key", "href": f"{KEYS_PATH}/create", "icon": "new", "main": True}


async def people_of(visit: Visit) -> Mapping[str, str]:
    """What everybody is called whose keys the caller may see, by their ids."""
    if not visit.may(PEOPLE.name):
        return {visit.actor.user_id: visit.actor.name}
    return {each["userId"]: each["user"]["name"] or each["userId"] for each in await visit.ask(PEOPLE)}


def key_values(row: ApiKeyRow, visit: Visit, people: Mapping[str, str]) -> Mapping[str, object]:
    """A key as it is shown."""
    return {
        "row": row,
        "href": f"{KEYS_PATH}/{row['id']}",
        "state": state_of(row, visit),
        "holder": people.get(row["userId"], row["userId"]),
        "is_mine": row["userId"] == visit.actor.user_id,
        "reach": "all projects" if row["projects"] is None else f"{len(row['projects'])} of the projects",
    }


def state_of(row: ApiKeyRow, visit: Visit) -> Mapping[str, str]:
    """Whether a key opens anything: the key of a state, and its word."""
    if not row["enabled"]:
        return {"key": "cancelled", "word": "off"}
    if row["expiresAt"] and moment(row["expiresAt"]) <= visit.now:
        return {"key": "stopped", "word": "over"}
    return {"key": "done", "word": "on"}


async def _ask(visit: Visit) -> Question:
    return Question(
        title="New API key",
        consequences=(
            "Programs call the API with it in your name; it is never good for more than you are.",
            "You are shown it once.",
        ),
        button="Make it",
        values={"expiresIn": str(90 * _DAY), "pendingAs": "pending"},
        more={
            "scopes": [{"label": "", "options": _scopes()}],
            "projects": [{"label": "", "options": await projects_of(visit)}],
            "lasting": [{"value": value, "label": label} for value, label in LASTING.items() if value],
        },
    )


def _scopes() -> Sequence[Mapping[str, str]]:
    return [{"value": value, "label": value, "hint": hint} for value, hint in SCOPES.items()]


async def _take(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """The input of what was typed. Raises InvalidInput for a number that is none."""
    given: dict[str, object] = {"name": typed.get("name", "").strip(), "scopes": chosen(typed, "scopes")}
    if not given["scopes"]:
        raise InvalidInput("Choose what the key is good for: one scope at least.")
    if projects := chosen(typed, "projects"):
        given["projects"] = projects
    if lasting := typed.get("expiresIn", ""):
        given["expiresIn"] = _whole("The time", lasting)
    if calls := typed.get("rateLimitMax", "").strip():
        given |= {"rateLimitMax": _whole("The number of calls", calls), "rateLimitTimeWindow": _MINUTE_MS}
    if typed.get("pendingAs"):
        given["pendingAs"] = typed["pendingAs"]
    return given


def _whole(what: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise InvalidInput(f"{what} is a whole number.")
    return int(text)


def _show_made(_visit: Visit, answer: object) -> View:
    made = cast("NewApiKeyRow", answer)
    values = {"row": made, "key": made["key"], "href": f"{KEYS_PATH}/{made['id']}"}
    return View(template=f"{_FOLDER}/key_made.html", values=values, title="The key is made")


PAGE = Page(
    path=KEYS_PATH,
    permission=KEYS.name,
    show=show,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="The key is made."),
            then=lambda _visit, _answer: KEYS_PATH,
            fields=dict.fromkeys(("name", "scopes", "projects", "expiresIn", "rateLimitMax", "pendingAs"), Kind.TEXT),
            template=f"{_FOLDER}/key_fields.html",
            takes=_take,
            suggests=True,
            shows=_show_made,
        )
    },
)
