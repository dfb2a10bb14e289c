"""``deployment.*``: the lists, each ready bytes that are made once for each state of the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field
from pydantic_core import to_json

from headway.core.access.model import Actor
from headway.core.deployments.listing import MOST_ROWS, Page, Part
from headway.core.deployments.model import SubjectType
from headway.core.deployments.reading import Shown, View
from headway.core.deployments.subjects import SERVICES
from headway.domains.projects.model import Place, Service
from headway.domains.projects.service import ProjectService
from headway.faces.http.inputs import Input
from headway.faces.http.platform import Platform
from headway.faces.http.registry import Call, Procedure, Ready, query
from headway.faces.http.wire.deployments import (
    CentralRow,
    DeploymentRow,
    belongings,
    deployment_row,
)
from headway.faces.http.wire.encoded import as_list, widened
from headway.faces.http.wire.queue import JobRow, job_row
from headway.infra.db.transaction import Tx

NEXT_CURSOR = "x-next-cursor"  # a header, for the answer is the bare list that known clients expect
Rows = list[DeploymentRow]
# Those that clients know, who read of them in the refusal of another: databases are found by search.
SubjectTypeName = Literal["application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup"]
_SERVICES = frozenset(SERVICES)
Cursor = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


def procedures() -> tuple[Procedure, ...]:
    """The lists of the router."""
    return (
        query("deployment.all", "Deployments of an application, newest first", Rows, OfApplication, _all),
        query("deployment.allByCompose", "Deployments of a compose service", Rows, OfCompose, _all_by_compose),
        query("deployment.allByServer", "Everything that ran on a server", Rows, OfServer, _all_by_server),
        query("deployment.allByType", "Deployments of whatever has deployments", Rows, OfType, _all_by_type),
        query("deployment.allCentralized", "The newest deployments of all", list[CentralRow], Paged, _all_centralized),
        query("deployment.queueList", "What waits and what runs, newest first", list[JobRow], Paged, _queue_list),
    )


class Paged(Input):
    """With ``limit`` a list comes in parts: the header ``x-next-cursor`` holds the ``cursor`` of the next one."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    cursor: Cursor | None = None

    @property
    def page(self) -> Page:
        """The part that is asked for."""
        return Page(limit=self.limit, before=None if self.cursor is None else int(self.cursor))


P = TypeVar("P", bound=Paged)


class OfApplication(Paged):
    application_id: Annotated[str, Field(min_length=1)]


class OfCompose(Paged):
    compose_id: Annotated[str, Field(min_length=1)]


class OfServer(Paged):
    server_id: Annotated[str, Field(min_length=1)]


class OfType(Paged):
    id: Annotated[str, Field(min_length=1)]
    type: SubjectTypeName


async def _all(call: Call[OfApplication]) -> Ready:
    return await _of_subject(call, SubjectType.APPLICATION, call.input.application_id)


async def _all_by_compose(call: Call[OfCompose]) -> Ready:
    return await _of_subject(call, SubjectType.COMPOSE, call.input.compose_id)


async def _all_by_type(call: Call[OfType]) -> Ready:
    return await _of_subject(call, SubjectType(call.input.type), call.input.id)


async def _of_subject(call: Call[P], subject: SubjectType, subject_id: str) -> Ready:
    reads, view = call.platform.deployment_reads, _plain_view(call.platform, call.actor)
    page = call.input.page
    return ready(await reads.all_of(call.actor, call.permission, subject, subject_id, page=page, view=view))


async def _all_by_server(call: Call[OfServer]) -> Ready:
    reads, view = call.platform.deployment_reads, _plain_view(call.platform, call.actor)
    return ready(await reads.on_server(call.actor, call.permission, call.input.server_id, call.input.page, view))


async def _all_centralized(call: Call[Paged]) -> Ready:
    masked, platform = _hides_pending(call.actor), call.platform

    def encode(tx: Tx, part: Part) -> bytes:
        return as_list(central_rows(tx, part, platform, pending_as_running=masked))

    view = View(name=("central", masked), encode=encode)
    return ready(await call.platform.deployment_reads.central(call.actor, call.input.page, view))


async def _queue_list(call: Call[Paged]) -> Ready:
    projects = call.platform.projects

    def encode(tx: Tx, part: Part) -> bytes:
        places = {service_id: place for service_id, (_, place) in _places(tx, part, projects).items()}
        return to_json([job_row(row, part.works[row.deployment_id], places.get(row.subject_id)) for row in part.rows])

    view = View(name="queue", encode=encode)
    return ready(await call.platform.deployment_reads.queue(call.actor, call.input.page, view))


def rows_of(part: Part, *, pending_as_running: bool) -> Rows:
    """The rows of a part."""
    waits, steps = part.waits, part.steps
    return [
        deployment_row(
            row, waits.get(id_), steps.get(id_, ()), part.left.get(id_), pending_as_running=pending_as_running
        )
        for row, id_ in ((row, row.deployment_id) for row in part.rows)
    ]


def central_rows(tx: Tx, part: Part, platform: Platform, *, pending_as_running: bool) -> list[bytes]:
    """The rows of a part, encoded, each with what it belongs to."""
    places = _places(tx, part, platform.projects)
    encoded = platform.rows.of(tx, part, pending_as_running=pending_as_running)
    return [
        widened(body, belongings(SubjectType(row.subject_type), places.get(row.subject_id)))
        for row, body in zip(part.rows, encoded, strict=True)
    ]


def ready(shown: Shown) -> Ready:
    """The answer of a part of a list."""
    return Ready(shown.body, shown.tag, {} if shown.next is None else {NEXT_CURSOR: str(shown.next)})


def _places(tx: Tx, part: Part, projects: ProjectService) -> Mapping[str, tuple[Service, Place]]:
    ids = {row.subject_id for row in part.rows if row.subject_type in _SERVICES}
    return projects.places_of(tx, ids)


def _hides_pending(actor: Actor) -> bool:
    return actor.terms.pending_as_running


def _plain_view(platform: Platform, actor: Actor) -> View[Part]:
    masked = _hides_pending(actor)
    return View(
        name=("rows", masked),
        encode=lambda tx, part: as_list(platform.rows.of(tx, part, pending_as_running=masked)),
    )
