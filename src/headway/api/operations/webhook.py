"""``webhook.*``, and the addresses at which services are told: what came, what was done, and what would be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.core.deployments.model import SubjectType
from headway.faces.http.inputs import Ids, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.webhooks import (
    AnswerRow,
    DecisionRow,
    DeliveriesFound,
    DeliveryDetails,
    answer_row,
    decision_row,
    delivery_details,
    delivery_row,
)
from headway.kernel.errors import InvalidInput
from headway.reactions.webhooks.events import Asked, Changed, Event, ImagePush, Push, RefType
from headway.reactions.webhooks.model import Outcome

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=4_096)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("webhook.deliveries", "What a service was told, and what was done", DeliveriesFound, Listed, _deliveries),
        query("webhook.one", "A delivery with what came", DeliveryDetails, ById, _one),
        query("webhook.simulate", "What a push would do, and why", DecisionRow, Simulated, _simulate),
        mutation("webhook.replay", "Take a delivery again, as if it came now", AnswerRow, ById, _replay),
        mutation("application.refreshToken", "Give it another webhook address", bool, OfApplication, _of_application),
        mutation("compose.refreshToken", "Give it another webhook address", bool, OfCompose, _of_compose),
    )


class ById(Input):
    delivery_id: Id


class OfService(Input):
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


class Listed(OfService):
    outcome: Literal["queued", "skipped", "refused", "removed"] | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Simulated(OfService):
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
            return Asked()
        unknown = "no files were given" if self.files is None else None
        return Push(
            ref_type=RefType.BRANCH if self.branch else RefType.TAG,
            name=self.branch or self.tag or "",
            after=None,
            changed=Changed(files=tuple(self.files or ()), unknown=unknown),
            message=self.message,
            author="",
            default_branch=None,
        )


class OfApplication(Input):
    """``refreshToken`` is for one that is brought along; without it a random one is made."""

    application_id: Id
    refresh_token: str | None = None


class OfCompose(Input):
    """As that of applications."""

    compose_id: Id
    refresh_token: str | None = None


async def _deliveries(call: Call[Listed]) -> DeliveriesFound:
    given = call.input
    outcome = None if given.outcome is None else Outcome(given.outcome)
    found = await call.platform.webhooks.deliveries(
        call.actor, call.permission, *given.subject(), outcome=outcome, before=given.before, limit=given.limit
    )
    before = found[-1].delivery_id if len(found) == given.limit else None
    return {"items": [delivery_row(each) for each in found], "before": before}


async def _one(call: Call[ById]) -> DeliveryDetails:
    return delivery_details(*await call.platform.webhooks.one(call.actor, call.permission, call.input.delivery_id))


async def _simulate(call: Call[Simulated]) -> DecisionRow:
    given = call.input
    if given.delivery_id is not None:
        return decision_row(await call.platform.webhooks.simulate_again(call.actor, call.permission, given.delivery_id))
    return decision_row(
        await call.platform.webhooks.simulate(call.actor, call.permission, *given.subject(), [given.event()])
    )


async def _replay(call: Call[ById]) -> AnswerRow:
    return answer_row(await call.platform.webhooks.replay(call.actor, call.permission, call.input.delivery_id))


async def _of_application(call: Call[OfApplication]) -> bool:
    given = call.input
    await call.platform.webhooks.renew_address(
        call.actor, call.permission, SubjectType.APPLICATION, given.application_id, given.refresh_token
    )
    return True


async def _of_compose(call: Call[OfCompose]) -> bool:
    given = call.input
    await call.platform.webhooks.renew_address(
        call.actor, call.permission, SubjectType.COMPOSE, given.compose_id, given.refresh_token
    )
    return True
