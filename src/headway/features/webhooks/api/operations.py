"""``webhook.*``, and the addresses at which services are told: what came, what was done, and what would be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Ids, Input
from headway.api.instants import instant
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.forges.events import ChangedFiles, DeployRequest, Event, ImagePush, Push, RefType
from headway.features.webhooks.api.rows import (
    AnswerRow,
    DecisionRow,
    DeliveriesFound,
    DeliveryDetails,
    answer_row,
    decision_row,
    delivery_details,
    delivery_row,
)
from headway.features.webhooks.model import Outcome, Wanted
from headway.features.webhooks.service import WebhookService
from headway.kernel.errors import InvalidInput

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=4_096)]
Moment = Annotated[str, Field(min_length=1, max_length=40)]


webhook_router = Router[WebhookService](
    "webhook", "What forges and registries have told, what was done about it, and what would be", resource=Noun.DELIVERY
)
application_router = Router[WebhookService]("application", resource=Noun.APPLICATION)
compose_router = Router[WebhookService]("compose", resource=Noun.COMPOSE)


class WebhookById(Input):
    delivery_id: Id


class WebhookOfService(Input):
    application_id: Id | None = None
    compose_id: Id | None = None

    def subject(self) -> tuple[SubjectType, str]:
        """The service that is named. Raises InvalidInput for none or both."""
        match self.application_id, self.compose_id:
            case str() as application_id, None:
                return SubjectType.APPLICATION, application_id
            case None, str() as compose_id:
                return SubjectType.COMPOSE, compose_id
        raise InvalidInput("Name one service: give applicationId or composeId.")


class ListedDeliveries(WebhookOfService):
    outcome: Literal["queued", "skipped", "refused", "removed"] | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SearchedDeliveries(WebhookOfService):
    """What is not given lets all through. ``from`` is the first moment at which one came, ``to`` the first that is too
    late: ISO 8601, UTC where no offset is given.
    """

    outcome: Literal["queued", "skipped", "refused", "removed"] | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @property
    def wanted(self) -> Wanted:
        """What is looked for. Raises Problem, InvalidInput."""
        return Wanted(
            subject=None if self.application_id is None and self.compose_id is None else self.subject(),
            outcome=None if self.outcome is None else Outcome(self.outcome),
            since=instant("from", self.since),
            until=instant("to", self.until),
        )


class Simulated(WebhookOfService):
    """A delivery that is kept, or a push to a service: of a branch or tag with the files that it changes and the
    message of its newest commit, or of an image; of nothing it is a plain call.
    """

    delivery_id: Id | None = None
    branch: Text | None = None
    tag: Text | None = None
    files: Ids | None = None
    message: Text | None = None
    image: Text | None = None

    def event(self) -> Event:
        """What is to be thought of as having happened."""
        if self.image is not None:
            name, colon, tag = self.image.rpartition(":")
            split = (name, tag) if colon and "/" not in tag else (self.image, "latest")
            return ImagePush(repository=split[0].lower(), tag=split[1])
        if self.branch is None and self.tag is None:
            return DeployRequest()
        unknown = "no files were given" if self.files is None else None
        return Push(
            ref_type=RefType.BRANCH if self.branch else RefType.TAG,
            name=self.branch or self.tag or "",
            after=None,
            changed=ChangedFiles(files=tuple(self.files or ()), unknown=unknown),
            message=self.message,
            author="",
            default_branch=None,
        )


class WebhookOfApplication(Input):
    """``refreshToken`` is for one that is brought along; without it a random one is made."""

    application_id: Id
    refresh_token: str | None = None


class WebhookOfCompose(Input):
    """As that of applications."""

    compose_id: Id
    refresh_token: str | None = None


@webhook_router.query("deliveries", least=Role.MEMBER, scope=Scope.READ)
async def deliveries(webhooks: WebhookService, call: Call[ListedDeliveries]) -> DeliveriesFound:
    """What a service was told, and what was done."""
    given = call.input
    outcome = None if given.outcome is None else Outcome(given.outcome)
    found = await webhooks.deliveries(
        call.actor, call.permission, *given.subject(), outcome=outcome, before=given.before, limit=given.limit
    )
    before = found[-1].delivery_id if len(found) == given.limit else None
    return {"items": [delivery_row(each) for each in found], "before": before}


@webhook_router.query("search", least=Role.MEMBER, scope=Scope.READ)
async def search(webhooks: WebhookService, call: Call[SearchedDeliveries]) -> DeliveriesFound:
    """What any service was told, and what was done."""
    given = call.input
    found = await webhooks.search(call.actor, call.permission, given.wanted, before=given.before, limit=given.limit)
    before = found[-1].delivery_id if len(found) == given.limit else None
    return {"items": [delivery_row(each) for each in found], "before": before}


@webhook_router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(webhooks: WebhookService, call: Call[WebhookById]) -> DeliveryDetails:
    """A delivery with what came."""
    return delivery_details(*await webhooks.one(call.actor, call.permission, call.input.delivery_id))


@webhook_router.query("simulate", least=Role.MEMBER, scope=Scope.READ)
async def simulate(webhooks: WebhookService, call: Call[Simulated]) -> DecisionRow:
    """What a push would do, and why."""
    given = call.input
    if given.delivery_id is not None:
        return decision_row(await webhooks.simulate_again(call.actor, call.permission, given.delivery_id))
    return decision_row(await webhooks.simulate(call.actor, call.permission, *given.subject(), [given.event()]))


@webhook_router.mutation("replay", least=Role.MEMBER, scope=Scope.DEPLOY)
async def replay(webhooks: WebhookService, call: Call[WebhookById]) -> AnswerRow:
    """Take a delivery again, as if it came now."""
    return answer_row(await webhooks.replay(call.actor, call.permission, call.input.delivery_id))


@application_router.mutation("refreshToken", least=Role.ADMIN, scope=Scope.ADMIN)
async def of_application(webhooks: WebhookService, call: Call[WebhookOfApplication]) -> bool:
    """Give it another webhook address."""
    given = call.input
    await webhooks.renew_address(
        call.actor, call.permission, SubjectType.APPLICATION, given.application_id, given.refresh_token
    )
    return True


@compose_router.mutation("refreshToken", least=Role.ADMIN, scope=Scope.ADMIN)
async def of_compose(webhooks: WebhookService, call: Call[WebhookOfCompose]) -> bool:
    """Give it another webhook address."""
    given = call.input
    await webhooks.renew_address(
        call.actor, call.permission, SubjectType.COMPOSE, given.compose_id, given.refresh_token
    )
    return True
