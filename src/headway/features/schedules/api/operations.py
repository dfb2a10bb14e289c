"""``schedule.*``: scripts that run at their times inside services, or on the panel's machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from headway.api.inputs import MOST, Empty, Input
from headway.api.operation import Call, Ready, queued_as
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.core.deployments.status import Status
from headway.core.engine.scheduler.timer import CatchUp, Overlap, Policy
from headway.features.deployments.api.lists import rows_of
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.schedules.api.listed_rows import ListedScheduleRow, listed_schedule_row
from headway.features.schedules.api.rows import (
    CatchUpName,
    OverlapName,
    ScheduleDetails,
    ScheduleRelations,
    ScheduleRow,
    ScheduleType,
    ShellType,
    StartedRow,
    schedule_details,
    schedule_row,
)
from headway.features.schedules.model import Schedule, ScheduleOverview, ScheduleTarget, Shell, Text
from headway.features.schedules.service import ScheduleRequest, ScheduleService
from headway.features.services.api.related_rows import related_row
from headway.features.services.api.relations import Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleNeeds:
    """What these operations need."""

    deployment_reads: DeploymentReader
    relations: Relations
    schedules: ScheduleService


router = Router[ScheduleNeeds](
    "schedule", "Scripts that run at their times, inside services or on the panel's machine", resource=Noun.SCHEDULE
)


Words = Annotated[str, Field(max_length=1_024)]
Script = Annotated[str, Field(max_length=1 << 19)]
Whole = Annotated[int, Field(ge=0, le=MOST)]


class ScheduleById(Input):
    schedule_id: Annotated[str, Field(min_length=1)]


class Of(Input):
    """``id`` is that of the application or compose service; on the panel's machine it says nothing."""

    id: str = ""
    schedule_type: ScheduleType


class ScheduleFields(Input):
    """What may be said of a schedule. What is sent as null goes back to its default."""

    name: Words | None = None
    description: Words | None = None
    cron_expression: Words | None = None
    timezone: Words | None = None
    service_name: Words | None = None
    shell_type: ShellType | None = None
    command: Script | None = None
    script: Script | None = None
    enabled: bool | None = None
    overlap: OverlapName | None = None
    catch_up: CatchUpName | None = None
    catch_up_limit: Whole | None = None
    jitter_seconds: Whole | None = None
    timeout_seconds: Annotated[float, Field(ge=0)] | None = None
    retries: Whole | None = None
    retry_delay_seconds: Whole | None = None
    keep_deployments: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    keep_days: Annotated[float, Field(gt=0, le=36_500)] | None = None

    def applied(self, wish: ScheduleRequest) -> ScheduleRequest:
        """``wish`` with what was sent. Raises InvalidInput."""
        sent = self.model_fields_set
        changed: dict[str, Any] = {
            _PLAIN[name]: _or_default(_PLAIN[name], getattr(self, name)) for name in sent & _PLAIN.keys()
        }
        if "shell_type" in sent:
            changed["shell"] = Shell(self.shell_type or Shell.BASH)
        texts = {name: getattr(self, name) or "" for name in sent & {"command", "script"}}
        return replace(wish, **changed, text=replace(wish.text, **texts), policy=self._policy(wish.policy))

    def _policy(self, policy: Policy) -> Policy:
        default, sent = Policy(), self.model_fields_set
        values: dict[str, Any] = {
            name: getattr(default, name) if getattr(self, name) is None else kind(getattr(self, name))
            for name, kind in _OF_POLICY.items()
            if name in sent
        }
        for name, attribute in (("jitter_seconds", "jitter"), ("retry_delay_seconds", "backoff")):
            if name in sent:
                seconds = getattr(self, name)
                values[attribute] = getattr(default, attribute) if seconds is None else _time(name, seconds)
        return replace(policy, **values)


class PlaceOfSchedule(ScheduleFields):
    """Beside what it is told of a schedule: where it runs."""

    application_id: str | None = None
    compose_id: str | None = None
    server_id: str | None = None

    def others(self, target: ScheduleTarget, target_id: str | None) -> list[str]:
        """The fields in which another place is named than this one."""
        named = {
            (ScheduleTarget.APPLICATION, self.application_id): "applicationId",
            (ScheduleTarget.COMPOSE, self.compose_id): "composeId",
            (ScheduleTarget.SERVER, self.server_id): "serverId",
        }
        return [name for each, name in named.items() if each[1] and each != (target, target_id)]


class CreateSchedule(PlaceOfSchedule):
    name: Annotated[str, Field(min_length=1, max_length=1_024)]
    cron_expression: Annotated[str, Field(min_length=1, max_length=1_024)]
    schedule_type: ScheduleType = "application"

    def wish(self) -> ScheduleRequest:
        """The schedule that is asked for. Raises InvalidInput."""
        target = ScheduleTarget(self.schedule_type)
        named = {
            ScheduleTarget.APPLICATION: "application_id",
            ScheduleTarget.COMPOSE: "compose_id",
            ScheduleTarget.SERVER: "server_id",
        }
        field = named.get(target)
        target_id = None if field is None else getattr(self, field)
        if field is not None and not target_id:
            wanted = f"{field.removesuffix('_id')}Id"
            raise InvalidInput(f"Say where it is to run: a schedule of the type {target} needs {wanted}.")
        if others := self.others(target, target_id):
            raise InvalidInput(
                f"A schedule of the type {target} does not run in what {' and '.join(others)} names: leave that out, "
                "or make another schedule there."
            )
        bare = ScheduleRequest(
            target=target, target_id=target_id, name=self.name, text=Text(), cron=self.cron_expression
        )
        return self.applied(bare)


class UpdateSchedule(PlaceOfSchedule):
    """What it runs in is decided when it is made: it may be sent again, and no other."""

    schedule_id: Annotated[str, Field(min_length=1)]
    schedule_type: ScheduleType | None = None

    def require_same(self, schedule: Schedule) -> None:
        """Raises InvalidInput where another target is named than it has."""
        others = self.others(schedule.target, schedule.target_id)
        if others or self.schedule_type not in {None, schedule.target.value}:
            raise InvalidInput("What a schedule runs in is decided when it is made: make another one there.")


@router.query("list", least=Role.MEMBER, scope=Scope.READ)
async def list_(needs: ScheduleNeeds, call: Call[Of]) -> list[ScheduleRow]:
    """The schedules of a service, or of the panel's machine."""
    target = ScheduleTarget(call.input.schedule_type)
    return await _rows(needs, call, await needs.schedules.of_target(call.actor, call.permission, target, call.input.id))


@router.query("overview", least=Role.MEMBER, scope=Scope.READ)
async def overview(needs: ScheduleNeeds, call: Call[Empty]) -> list[ListedScheduleRow]:
    """Every schedule that the caller may see, by name, with when it is due and its newest run."""
    return [listed_schedule_row(*each) for each in await needs.schedules.all(call.actor)]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: ScheduleNeeds, call: Call[ScheduleById]) -> ScheduleDetails:
    """A schedule and its latest due times."""
    seen, ticks = await needs.schedules.one(call.actor, call.permission, call.input.schedule_id)
    (row,) = await _rows(needs, call, [seen])
    return schedule_details(row, ticks)


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: ScheduleNeeds, call: Call[CreateSchedule]) -> ScheduleRow:
    """A new schedule."""
    return await _row(needs, call, await needs.schedules.create(call.actor, call.permission, call.input.wish()))


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: ScheduleNeeds, call: Call[UpdateSchedule]) -> ScheduleRow:
    """Change a schedule; what is not sent stays."""
    given = call.input
    seen, _ = await needs.schedules.one(call.actor, call.permission, given.schedule_id)
    given.require_same(seen.schedule)
    return await _row(
        needs, call, await needs.schedules.update(call.actor, call.permission, given.schedule_id, given.applied)
    )


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(needs: ScheduleNeeds, call: Call[ScheduleById]) -> ScheduleRow:
    """End its runs and forget it."""
    seen, _ = await needs.schedules.one(call.actor, call.permission, call.input.schedule_id)
    last = await _row(needs, call, seen)
    await needs.schedules.delete(call.actor, call.permission, call.input.schedule_id)
    return last


async def _row(needs: ScheduleNeeds, call: Call[Any], seen: ScheduleOverview) -> ScheduleRow:
    (row,) = await _rows(needs, call, [seen])
    return row


async def _rows(needs: ScheduleNeeds, call: Call[Any], found: Sequence[ScheduleOverview]) -> list[ScheduleRow]:
    """The schedules with what they run in, for whoever was let through to them already."""
    places = await needs.relations.services([each.schedule.target_id for each in found])
    return [schedule_row(each, await _relations(needs, call, each, places)) for each in found]


async def _relations(
    needs: ScheduleNeeds,
    call: Call[Any],
    seen: ScheduleOverview,
    places: Mapping[str, tuple[ListedService, ServicePlace]],
) -> ScheduleRelations:
    schedule, target = seen.schedule, seen.schedule.target
    inside = places.get(schedule.target_id or "")
    part = await needs.deployment_reads.rows_of_service(SubjectType.SCHEDULE, schedule.schedule_id)
    return {
        "application": related_row(inside, "application") if target is ScheduleTarget.APPLICATION else None,
        "compose": related_row(inside, "compose") if target is ScheduleTarget.COMPOSE else None,
        "server": await needs.relations.server(call.actor, schedule.target_id)
        if target is ScheduleTarget.SERVER
        else None,
        "deployments": rows_of(part, pending_as_running=call.actor.terms.pending_as_running),
    }


@router.starter("runManually", least=Role.MEMBER, scope=Scope.DEPLOY)
async def run(needs: ScheduleNeeds, call: Call[ScheduleById]) -> Ready[StartedRow]:
    """Queue a run now."""
    queued, deployment = await needs.schedules.run(call.actor, call.permission, call.input.schedule_id, once=call.once)
    status = Status.PENDING if deployment is None else deployment.status
    if status is Status.PENDING and call.actor.terms.pending_as_running:
        status = Status.RUNNING
    answer: StartedRow = {
        "status": status.value,
        "deploymentId": queued.deployment_id,
        "logPath": None if deployment is None else deployment.log_path,
    }
    return queued_as(queued, answer)


def _or_default(attribute: str, value: object) -> object:
    """What a field that was sent as null or as an empty text goes back to."""
    return getattr(_BARE, attribute) if value is None or value == "" else value


def _time(name: str, seconds: int) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise InvalidInput(f"{name} is too long.") from None


_BARE = ScheduleRequest(name="", text=Text(), cron="")
_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "name": "name",
        "description": "description",
        "cron_expression": "cron",
        "timezone": "timezone",
        "service_name": "service_name",
        "enabled": "enabled",
        "timeout_seconds": "timeout_seconds",
        "keep_deployments": "keep_deployments",
        "keep_days": "keep_days",
    }
)
_OF_POLICY: Mapping[str, Any] = MappingProxyType(
    {"overlap": Overlap, "catch_up": CatchUp, "catch_up_limit": int, "retries": int}
)
