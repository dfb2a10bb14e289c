"""``deployment.search``: deployments of every type by what is known of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from headway.api.inputs import Input
from headway.api.instants import instant
from headway.api.operation import Call, Ready
from headway.api.problems import invalid
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.list_queries import MOST_ROWS, Page
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.queries import DeploymentReader, View
from headway.core.deployments.search import Filters, Found
from headway.core.deployments.status import Reason, Status
from headway.features.deployments.api.encoded_rows import EncodedRows, as_list, widened
from headway.features.deployments.api.lists import Cursor, SubjectTypeName, central_rows, ready
from headway.features.deployments.api.rows import SearchPage, search_rest
from headway.features.projects.service import ProjectService
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

E = TypeVar("E", bound=StrEnum)

_LONGEST_TEXT = 200
Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]
Moment = Annotated[str, Field(min_length=1, max_length=40)]

_MOST_WORDS = 8
_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSearchNeeds:
    """What these operations need."""

    deployment_reads: DeploymentReader
    projects: ProjectService
    rows: EncodedRows


router = Router[DeploymentSearchNeeds]("deployment", resource=Noun.DEPLOYMENT)


def _some_of(words: type[StrEnum]) -> str:
    """The pattern of one or several of the words, separated by commas."""
    each = f"({'|'.join(words)})"
    return f"^{each}(,{each})*$"


class SearchDeployment(Input):
    """What is not given lets all through. ``status``, ``reason``, ``trigger`` and ``kind`` take several, separated by
    commas; of ``text`` each word must stand in the title, the description, the commit's message or hash, or the error
    message. ``branch`` is that of the commit, ``triggeredBy`` the id of a user or the name that they had then. ``from``
    is the first moment of creation, ``to`` the first that is too late: ISO 8601, UTC where no offset
    is given.
    """

    type: Literal[SubjectTypeName, "database", "run"] | None = None
    id: Id | None = None
    status: Annotated[str, Field(pattern=_some_of(Status))] | None = None
    reason: Annotated[str, Field(pattern=_some_of(Reason))] | None = None
    trigger: Annotated[str, Field(pattern=_some_of(Trigger))] | None = None
    kind: Annotated[str, Field(pattern=r"^[A-Za-z.]{1,64}(,[A-Za-z.]{1,64}){0,15}$")] | None = None
    branch: Name | None = None
    triggered_by: Name | None = None
    server_id: Id | None = None
    project_id: Id | None = None
    environment_id: Id | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    text: Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)] | None = None
    counts: bool = False
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = _PAGE
    cursor: Cursor | None = None

    @property
    def filters(self) -> Filters:
        """What is searched for. Raises Problem."""
        if self.id is not None and self.type is None:
            raise invalid([_issue("type", "Invalid input: an id needs the type of what it names")])
        words = (self.text or "").split()
        if len(words) > _MOST_WORDS:
            raise invalid([_issue("text", f"Invalid input: at most {_MOST_WORDS} words")])
        return Filters(
            subject_type=None if self.type is None else SubjectType(self.type),
            subject_id=self.id,
            statuses=_among(Status, self.status),
            reasons=_among(Reason, self.reason),
            triggers=_among(Trigger, self.trigger),
            kinds=frozenset(self.kind.split(",") if self.kind else ()),
            branch=self.branch,
            asker=self.triggered_by,
            server_id=self.server_id,
            project_id=self.project_id,
            environment_id=self.environment_id,
            since=instant("from", self.since),
            until=instant("to", self.until),
            words=tuple(sorted(set(words))),
        )


@router.query("search", least=Role.MEMBER, scope=Scope.READ)
async def search(needs: DeploymentSearchNeeds, call: Call[SearchDeployment]) -> Ready[SearchPage]:
    """Deployments of every type, by filters."""
    given, projects, encoded = call.input, needs.projects, needs.rows
    masked = call.actor.terms.pending_as_running

    def encode(tx: Tx, found: Found) -> bytes:
        rows = central_rows(tx, found, projects, encoded, pending_as_running=masked)
        return widened(b'{"rows":%s}' % as_list(rows), search_rest(found))

    page = Page(limit=given.limit, before=None if given.cursor is None else int(given.cursor))
    view = View(name=("search", masked), encode=encode)
    return ready(await needs.deployment_reads.search(call.actor, given.filters, page, view, counted=given.counts))


def _among(words: type[E], given: str | None) -> frozenset[E]:
    return frozenset(words(word) for word in given.split(",")) if given else frozenset()


def _issue(name: str, message: str) -> dict[str, object]:
    return {"code": "custom", "path": [name], "message": message}
