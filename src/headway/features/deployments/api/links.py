"""``deployment.createLink``, ``links`` and ``removeLink``: links to a deployment; ``allLinks``: those to all; and what
is read by one, without a key: ``shared``, ``sharedLines`` and ``followSharedLines``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Empty, Input
from headway.api.operation import Call, Stream
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.status import ON_REQUEST
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.log_lines import Generation, LinesRow, Number, asked_of, line_rows, lines_row
from headway.features.deployments.api.operations import DeploymentById
from headway.features.deployments.api.rows import (
    AnswersRow,
    CommitRow,
    EnvironmentNameRow,
    StepRow,
    deployment_row,
    environment_name,
)
from headway.features.deployments.links import DeploymentLinks
from headway.features.deployments.model import (
    LONGEST,
    SHORTEST,
    USUAL,
    DeploymentLink,
    ListedLink,
    SharedDeployment,
)
from headway.features.projects.service import ProjectService
from headway.infra.logs.line_pieces import LinesFollowed
from headway.infra.logs.lines import MOST_LINES, LinePlace
from headway.kernel.dataclass import dataclass

FindPlace = Callable[[int], Awaitable[LinePlace | None]]
_SECOND = timedelta(seconds=1)
# What ended because somebody wanted it to: its sentence may name them, or another deployment.


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentLinksNeeds:
    """What these operations need. ``follow`` opens a follower of the lines of a deployment's log for who reads it by a
    link of somebody's; ``seat`` is one of the few for those who read so: by which link it is taken.
    """

    links: DeploymentLinks
    projects: ProjectService
    follow: Callable[[Actor, Actor, str, FindPlace, LinesFollowed], Awaitable[Stream]]
    seat: Callable[[str], AbstractAsyncContextManager[None]]


router = Router[DeploymentLinksNeeds]("deployment", resource=Noun.DEPLOYMENT)

Token = Annotated[str, Field(min_length=1, max_length=128)]


class CreateDeploymentLink(DeploymentById):
    """``expiresIn`` is in seconds: an hour to thirty days, a day where it is not sent."""

    expires_in: Annotated[int, Field(ge=SHORTEST // _SECOND, le=LONGEST // _SECOND)] = USUAL // _SECOND


class DeploymentLinkById(DeploymentById):
    link_id: Annotated[str, Field(min_length=1)]


class ByLink(Input):
    token: Token


class SharedLinesInput(ByLink):
    """As ``deployment.lines`` takes it."""

    generation: Generation | None = None
    start: Annotated[Number | None, Field(alias="from")] = None
    around: Number | None = None
    count: Annotated[int, Field(ge=1, le=MOST_LINES)] = 500


class FollowSharedLinesInput(ByLink):
    """As ``deployment.followLines`` takes it."""

    generation: Generation | None = None
    start: Annotated[Number, Field(alias="from")] = 1


class DeploymentLinkRow(TypedDict):
    """A link to a deployment. It is not ``open`` once who made it may not see the deployment any more, or the key that
    made it is none.
    """

    linkId: str
    deploymentId: str
    madeBy: str
    createdAt: str
    endsAt: str
    open: bool


class NewDeploymentLinkRow(DeploymentLinkRow):
    """A new one. Its ``token`` is told this once; the page is ``/shared/`` and the token."""

    token: str


class DeploymentLinksRow(TypedDict):
    """The links to a deployment, the newest first. Where links are not ``allowed``, none opens anything."""

    allowed: bool
    links: list[DeploymentLinkRow]


class ListedLinkRow(DeploymentLinkRow):
    """A link among all of them, with the title of the deployment that it opens, and the service which that is of, None
    where it is of none or that is gone.
    """

    title: str
    serviceId: str | None
    serviceName: str | None
    environment: EnvironmentNameRow | None


class AllLinksRow(TypedDict):
    """The links to all deployments, the newest first. Where links are not ``allowed``, none opens anything."""

    allowed: bool
    links: list[ListedLinkRow]


class SharedCommitRow(TypedDict):
    """The commit that was deployed, without who wrote it."""

    hash: str
    message: str | None
    branch: str | None


class SharedDeploymentRow(TypedDict):
    """A deployment as a link shows it, until ``linkEndsAt``. Who asked for it, where it runs and what it waits for are
    not told.
    """

    title: str
    kind: str
    service: str | None
    status: Literal["pending", "running", "done", "error"]
    reason: str | None
    errorMessage: str | None
    createdAt: str
    startedAt: str | None
    finishedAt: str | None
    killRequestedAt: str | None
    outOfReachSince: str | None
    unstable: bool
    commit: SharedCommitRow | None
    answers: AnswersRow | None
    steps: list[StepRow]
    linkEndsAt: str


@router.mutation("createLink", least=Role.MEMBER, scope=Scope.READ)
async def create_link(needs: DeploymentLinksNeeds, call: Call[CreateDeploymentLink]) -> NewDeploymentLinkRow:
    """A link by which anybody reads the deployment; its token is shown once.

    Whoever has it reads state, steps and log of this one deployment until it ends, without a key. It ends earlier with
    the deployment, with the key that made it, or when who made it may not see the deployment any more.
    """
    given = call.input
    lasting = given.expires_in * _SECOND
    made, token = await needs.links.create(call.actor, call.permission, given.deployment_id, lasting)
    return {**_link_row(made, is_open=True), "token": token}


@router.query("links", least=Role.MEMBER, scope=Scope.READ)
async def links(needs: DeploymentLinksNeeds, call: Call[DeploymentById]) -> DeploymentLinksRow:
    """The links to a deployment that have not ended."""
    found = await needs.links.all(call.actor, call.permission, call.input.deployment_id)
    return {
        "allowed": needs.links.are_allowed,
        "links": [_link_row(each, is_open=is_open) for each, is_open in found],
    }


@router.query("allLinks", least=Role.MEMBER, scope=Scope.READ)
async def all_links(needs: DeploymentLinksNeeds, call: Call[Empty]) -> AllLinksRow:
    """The links that have not ended to all deployments that the caller may see: 200 at most."""
    found = await needs.links.everywhere(call.actor, needs.projects.places_of)
    return {"allowed": needs.links.are_allowed, "links": [_listed_link_row(each) for each in found]}


@router.mutation("removeLink", least=Role.MEMBER, scope=Scope.READ)
async def remove_link(needs: DeploymentLinksNeeds, call: Call[DeploymentLinkById]) -> DeploymentLinkRow:
    """Revoke a link: it opens nothing any more, whoever made it."""
    given = call.input
    removed = await needs.links.remove(call.actor, call.permission, given.deployment_id, given.link_id)
    return _link_row(removed, is_open=False)


@router.query("shared", least=Role.GUEST, scope=None)
async def shared(needs: DeploymentLinksNeeds, call: Call[ByLink]) -> SharedDeploymentRow:
    """A deployment by a link to it; needs no key."""
    return _shared_row(await needs.links.shared(call.input.token))


@router.query("sharedLines", least=Role.GUEST, scope=None)
async def shared_lines(needs: DeploymentLinksNeeds, call: Call[SharedLinesInput]) -> LinesRow:
    """Lines of a deployment's log by a link to it; needs no key."""
    given = call.input
    asked = asked_of(given.generation, given.start, given.around, given.count)
    reader = await needs.links.reader(given.token)
    async with needs.seat(reader.reader.user_id):
        deployment, steps, found = await needs.links.lines(given.token, asked)
    return lines_row(found, steps, asked, ended=deployment.status.ended)


@router.query("followSharedLines", least=Role.GUEST, scope=None)
async def follow_shared_lines(needs: DeploymentLinksNeeds, call: Call[FollowSharedLinesInput]) -> Stream:
    """Lines of a deployment's log, its steps and status, by a link to it, as server-sent events; needs no key."""
    given = call.input
    reader = await needs.links.reader(given.token)
    followed = LinesFollowed(start=given.start, generation=given.generation or "", rows=line_rows)
    find = partial(needs.links.line_place, given.token)
    async with needs.seat(reader.reader.user_id):  # where it begins may have to be counted
        return await needs.follow(reader.reader, reader.maker, reader.deployment_id, find, followed)


def _link_row(link: DeploymentLink, *, is_open: bool) -> DeploymentLinkRow:
    return {
        "linkId": link.link_id,
        "deploymentId": link.deployment_id,
        "madeBy": link.maker_name,
        "createdAt": moment(link.created_at),
        "endsAt": moment(link.ends_at),
        "open": is_open,
    }


def _listed_link_row(found: ListedLink) -> ListedLinkRow:
    service, place = found.service or (None, None)
    return {
        **_link_row(found.link, is_open=found.is_open),
        "title": found.deployment.title,
        "serviceId": None if service is None else service.service_id,
        "serviceName": None if service is None else service.name,
        "environment": None if place is None else environment_name(place),
    }


def _shared_row(found: SharedDeployment) -> SharedDeploymentRow:
    row = deployment_row(Listed.of(found.deployment), None, found.steps)
    commit = row["commit"]
    return {
        "title": row["title"],
        "kind": row["kind"],
        "service": found.service_name,
        "status": row["status"],
        "reason": row["reason"],
        "errorMessage": None if row["reason"] in ON_REQUEST else row["errorMessage"],
        "createdAt": row["createdAt"],
        "startedAt": row["startedAt"],
        "finishedAt": row["finishedAt"],
        "killRequestedAt": row["killRequestedAt"],
        "outOfReachSince": row["outOfReachSince"],
        "unstable": row["unstable"],
        "commit": None if commit is None else _commit_row(commit),
        "answers": row["answers"],
        "steps": row["steps"],
        "linkEndsAt": moment(found.link.ends_at),
    }


def _commit_row(commit: CommitRow) -> SharedCommitRow:
    return {"hash": commit["hash"], "message": commit["message"], "branch": commit["branch"]}
