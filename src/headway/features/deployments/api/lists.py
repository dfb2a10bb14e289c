"""``deployment.*``: the lists, each ready bytes that are made once for each state of the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field
from pydantic_core import to_json

from headway.api.inputs import Input
from headway.api.operation import Call, Ready
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.list_queries import MOST_ROWS, Page, Part
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader, Shown, View
from headway.core.deployments.subjects import SERVICES
from headway.features.deployments.api.encoded_rows import EncodedRows, as_list, widened
from headway.features.deployments.api.queue_rows import JobRow, job_row
from headway.features.deployments.api.rows import CentralRow, DeploymentRow, belongings, deployment_row
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.projects.service import ProjectService
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

NEXT_CURSOR = "x-next-cursor"  # a header, for the answer is the bare list that known clients expect
Rows = list[DeploymentRow]
# Those that clients know, who read of them in the refusal of another: databases are found by search.
SubjectTypeName = Literal["application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup"]
_SERVICES = frozenset(SERVICES)
Cursor = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentListsNeeds:
    """What these operations need."""

    deployment_reads: DeploymentReader
    projects: ProjectService
    rows: EncodedRows


router = Router[DeploymentListsNeeds]("deployment", resource=Noun.DEPLOYMENT)


class Paged(Input):
    """With ``limit`` a list comes in parts: the header ``x-next-cursor`` holds the ``cursor`` of the next one."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    cursor: Cursor | None = None

    @property
    def page(self) -> Page:
        """The part that is asked for."""
        return Page(limit=self.limit, before=None if self.cursor is None else int(self.cursor))


P = TypeVar("P", bound=Paged)


class DeploymentsOfApplication(Paged):
    application_id: Annotated[str, Field(min_length=1)]


class DeploymentsOfCompose(Paged):
    compose_id: Annotated[str, Field(min_length=1)]


class DeploymentsOfServer(Paged):
    server_id: Annotated[str, Field(min_length=1)]


class OfType(Paged):
    id: Annotated[str, Field(min_length=1)]
    type: SubjectTypeName


@router.query("all", least=Role.MEMBER, scope=Scope.READ, resource=Noun.APPLICATION)
async def all_(needs: DeploymentListsNeeds, call: Call[DeploymentsOfApplication]) -> Ready[Rows]:
    """Deployments of an application, newest first."""
    return await _of_subject(needs, call, SubjectType.APPLICATION, call.input.application_id)


@router.query("allByCompose", least=Role.MEMBER, scope=Scope.READ, resource=Noun.COMPOSE)
async def all_by_compose(needs: DeploymentListsNeeds, call: Call[DeploymentsOfCompose]) -> Ready[Rows]:
    """Deployments of a compose service."""
    return await _of_subject(needs, call, SubjectType.COMPOSE, call.input.compose_id)


@router.query("allByType", least=Role.MEMBER, scope=Scope.READ)
async def all_by_type(needs: DeploymentListsNeeds, call: Call[OfType]) -> Ready[Rows]:
    """Deployments of whatever has deployments."""
    return await _of_subject(needs, call, SubjectType(call.input.type), call.input.id)


async def _of_subject(needs: DeploymentListsNeeds, call: Call[P], subject: SubjectType, subject_id: str) -> Ready[Rows]:
    reads, view = needs.deployment_reads, _plain_view(needs.rows, call.actor)
    page = call.input.page
    return ready(await reads.all_of(call.actor, call.permission, subject, subject_id, page=page, view=view))


@router.query("allByServer", least=Role.MEMBER, scope=Scope.READ, resource=Noun.SERVER, in_project=False)
async def all_by_server(needs: DeploymentListsNeeds, call: Call[DeploymentsOfServer]) -> Ready[Rows]:
    """Everything that ran on a server."""
    reads, view = needs.deployment_reads, _plain_view(needs.rows, call.actor)
    return ready(await reads.on_server(call.actor, call.permission, call.input.server_id, call.input.page, view))


@router.query("allCentralized", least=Role.MEMBER, scope=Scope.READ)
async def all_centralized(needs: DeploymentListsNeeds, call: Call[Paged]) -> Ready[list[CentralRow]]:
    """The newest deployments of all."""
    masked, projects, encoded = _hides_pending(call.actor), needs.projects, needs.rows

    def encode(tx: Tx, part: Part) -> bytes:
        return as_list(central_rows(tx, part, projects, encoded, pending_as_running=masked))

    view = View(name=("central", masked), encode=encode)
    return ready(await needs.deployment_reads.central(call.actor, call.input.page, view))


@router.query("queueList", least=Role.MEMBER, scope=Scope.READ)
async def queue_list(needs: DeploymentListsNeeds, call: Call[Paged]) -> Ready[list[JobRow]]:
    """What waits and what runs, newest first."""
    projects = needs.projects

    def encode(tx: Tx, part: Part) -> bytes:
        places = {service_id: place for service_id, (_, place) in _places(tx, part, projects).items()}
        return to_json([job_row(row, part.works[row.deployment_id], places.get(row.subject_id)) for row in part.rows])

    view = View(name="queue", encode=encode)
    return ready(await needs.deployment_reads.queue(call.actor, call.input.page, view))


def rows_of(part: Part, *, pending_as_running: bool) -> Rows:
    """The rows of a part."""
    waits, steps = part.waits, part.steps
    return [
        deployment_row(
            row, waits.get(id_), steps.get(id_, ()), part.left.get(id_), pending_as_running=pending_as_running
        )
        for row, id_ in ((row, row.deployment_id) for row in part.rows)
    ]


def central_rows(
    tx: Tx, part: Part, projects: ProjectService, encoded: EncodedRows, *, pending_as_running: bool
) -> list[bytes]:
    """The rows of a part, encoded, each with what it belongs to."""
    places = _places(tx, part, projects)
    rows = encoded.of(tx, part, pending_as_running=pending_as_running)
    return [
        widened(body, belongings(SubjectType(row.subject_type), places.get(row.subject_id)))
        for row, body in zip(part.rows, rows, strict=True)
    ]


def ready(shown: Shown) -> Ready[Any]:
    """The answer of a part of a list."""
    return Ready(shown.body, shown.tag, {} if shown.next is None else {NEXT_CURSOR: str(shown.next)})


def _places(tx: Tx, part: Part, projects: ProjectService) -> Mapping[str, tuple[ListedService, ServicePlace]]:
    ids = {row.subject_id for row in part.rows if row.subject_type in _SERVICES}
    return projects.places_of(tx, ids)


def _hides_pending(actor: Actor) -> bool:
    return actor.terms.pending_as_running


def _plain_view(encoded: EncodedRows, actor: Actor) -> View[Part]:
    masked = _hides_pending(actor)
    return View(
        name=("rows", masked),
        encode=lambda tx, part: as_list(encoded.of(tx, part, pending_as_running=masked)),
    )
