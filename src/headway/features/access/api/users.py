"""``user.*``: who the caller is, its keys, and the members of its organisation."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Empty, Ids, Input, Keyed
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.keys import USUAL_RATE, KeyRequest, KeyService
from headway.core.access.members import MemberService
from headway.core.access.model import Rate, Role, Scope
from headway.core.access.policy import Noun
from headway.features.access.api.rows import (
    FLAGS,
    LISTS,
    ApiKeyRow,
    CallerRow,
    MemberRow,
    NewApiKeyRow,
    PersonRow,
    api_key_row,
    caller_row,
    member_row,
)
from headway.features.backups.api.database import backup_rows
from headway.features.backups.api.rows import BackupDetails
from headway.features.backups.database.model import BackupForm
from headway.features.backups.database.service import DatabaseBackupService
from headway.features.servers.service import ServerService
from headway.features.services.api.relations import Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

ScopeWord = Literal["read", "deploy", "kill", "remove", "secrets", "admin"]

_TEN_YEARS = 10 * 366 * 24 * 3600
_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UserNeeds:
    """What these operations need."""

    backups: DatabaseBackupService
    keys: KeyService
    members: MemberService
    relations: Relations
    servers: ServerService


router = Router[UserNeeds](
    "user", "Who the caller is, its keys, and who else is there", resource=Noun.MEMBER, in_project=False
)


class BackedUpRow(PersonRow):
    """A person with the backups of Headway itself."""

    backups: list[BackupDetails]


class MetricsTokenRow(TypedDict):
    """Where the peer's monitoring would be asked, and that there is none here."""

    serverIp: str
    enabledFeatures: bool
    metricsConfig: None


class UserById(Input):
    user_id: Annotated[str, Field(min_length=1)]


class Assign(Input):
    """``id`` is the user's. What is not sent stays as it is."""

    id: Annotated[str, Field(min_length=1)]
    accessed_projects: Ids | None = None
    accessed_services: Ids | None = None
    accessed_environments: Ids | None = None
    accessed_git_providers: Ids | None = None
    accessed_servers: Ids | None = None
    can_create_projects: bool | None = None
    can_create_services: bool | None = None
    can_delete_projects: bool | None = None
    can_delete_services: bool | None = None
    can_access_to_docker: bool | None = None
    can_access_to_traefik_files: bool | None = None
    can_access_to_api: Annotated[bool | None, Field(alias="canAccessToAPI")] = None
    can_access_to_ssh_keys: Annotated[bool | None, Field(alias="canAccessToSSHKeys")] = None
    can_access_to_git_providers: bool | None = None
    can_delete_environments: bool | None = None
    can_create_environments: bool | None = None

    def passive(self) -> dict[str, Any]:
        """What is kept and decides nothing."""
        sent = self.model_dump(by_alias=True, exclude_none=True)
        return {name: sent[name] for name in (*LISTS, *FLAGS) if name in sent}


class CreateKey(Input):
    """What is not sent is as the calling key has it. ``expiresIn`` is in seconds, ``rateLimitTimeWindow`` in
    milliseconds.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,16}$")] | None = None
    expires_in: Annotated[int, Field(ge=1, le=_TEN_YEARS)] | None = None
    metadata: Keyed | None = None
    rate_limit_enabled: bool | None = None
    rate_limit_time_window: Annotated[int, Field(ge=1_000, le=_DAY_MS)] | None = None
    rate_limit_max: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    remaining: float | None = None
    refill_amount: float | None = None
    refill_interval: float | None = None
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=100)] | None = None
    projects: Ids | None = None
    pending_as: Literal["pending", "running"] | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names that came and that it does not know, those within ``metadata`` too, of which a key keeps one."""
        within = (f"metadata.{name}" for name in self.metadata or {} if name != "organizationId")
        return (*super().unknown, *within)

    def wish(self) -> KeyRequest:
        """What the key is to be good for. Raises InvalidInput for a bound that could not be kept."""
        if {self.remaining, self.refill_amount, self.refill_interval} != {None}:
            raise InvalidInput(
                "A key cannot be bound to a number of calls in all; rateLimitMax bounds those of each window."
            )
        return KeyRequest(
            scopes=None if self.scopes is None else frozenset(map(Scope, self.scopes)),
            projects=None if self.projects is None else frozenset(self.projects),
            lasting=None if self.expires_in is None else timedelta(seconds=self.expires_in),
            pending_as_running=None if self.pending_as is None else self.pending_as == "running",
            rate=self._rate(),
            unlimited=self.rate_limit_enabled is False,
        )

    def organization_id(self) -> str | None:
        """The organisation that the key is to open, where one is named."""
        named = (self.metadata or {}).get("organizationId")
        return str(named) if named else None

    def _rate(self) -> Rate | None:
        if self.rate_limit_max is None and self.rate_limit_time_window is None:
            return None
        window = self.rate_limit_time_window
        return Rate(
            calls=self.rate_limit_max or USUAL_RATE.calls,
            window=USUAL_RATE.window if window is None else timedelta(milliseconds=window),
        )


class ByKey(Input):
    api_key_id: Annotated[str, Field(min_length=1)]


class UpdateKey(ByKey):
    name: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    enabled: bool | None = None


@router.query("get", least=Role.MEMBER, scope=None)
async def get(needs: UserNeeds, call: Call[Empty]) -> CallerRow:
    """Who the caller is, with its keys."""
    return caller_row(await needs.members.me(call.actor, call.permission), await needs.keys.of_caller(call.actor))


@router.query("getBackups", least=Role.ADMIN, scope=Scope.READ)
async def backed_up(needs: UserNeeds, call: Call[Empty]) -> BackedUpRow:
    """The caller, with the backups of Headway itself."""
    member = member_row(await needs.members.me(call.actor, call.permission))
    found = [each for each in await needs.backups.all(call.actor) if each.form is BackupForm.PANEL]
    return {**member["user"], "backups": await backup_rows(needs.relations, call.actor, found)}


@router.query("getMetricsToken", least=Role.ADMIN, scope=Scope.READ)
async def metrics_token(needs: UserNeeds, call: Call[Empty]) -> MetricsTokenRow:
    """What opens the peer's monitoring."""
    address = await needs.servers.address(call.actor, call.permission, None)
    return {"serverIp": address, "enabledFeatures": False, "metricsConfig": None}


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(needs: UserNeeds, call: Call[Empty]) -> list[MemberRow]:
    """Everybody in the organisation."""
    return [member_row(member) for member in await needs.members.all(call.actor, call.permission)]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(needs: UserNeeds, call: Call[UserById]) -> MemberRow:
    """Somebody in the organisation."""
    return member_row(await needs.members.one(call.actor, call.permission, call.input.user_id))


@router.mutation("assignPermissions", least=Role.ADMIN, scope=Scope.ADMIN, careful=True)
async def assign(needs: UserNeeds, call: Call[Assign]) -> MemberRow:
    """What a member is given."""
    given = call.input
    return member_row(
        await needs.members.assign(
            call.actor,
            call.permission,
            given.id,
            projects=None if given.accessed_projects is None else frozenset(given.accessed_projects),
            services=None if given.accessed_services is None else frozenset(given.accessed_services),
            passive=given.passive(),
        )
    )


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN, careful=True)
async def remove(needs: UserNeeds, call: Call[UserById]) -> MemberRow:
    """Somebody belongs to it no more; their keys end."""
    return member_row(await needs.members.remove(call.actor, call.permission, call.input.user_id))


@router.query("apiKeys", least=Role.MEMBER, scope=Scope.READ, resource=Noun.API_KEY)
async def api_keys(needs: UserNeeds, call: Call[Empty]) -> list[ApiKeyRow]:
    """The caller's keys; for admins all."""
    return [api_key_row(key) for key in await needs.keys.all(call.actor, call.permission)]


@router.mutation("createApiKey", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.API_KEY, careful=True)
async def create_key(needs: UserNeeds, call: Call[CreateKey]) -> NewApiKeyRow:
    """A key of the caller's, shown once."""
    given = call.input
    made, key = await needs.keys.create(
        call.actor,
        call.permission,
        name=given.name,
        wish=given.wish(),
        prefix=given.prefix or "",
        organization_id=given.organization_id(),
    )
    return {**api_key_row(made), "key": key}


@router.mutation("updateApiKey", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.API_KEY, careful=True)
async def update_key(needs: UserNeeds, call: Call[UpdateKey]) -> ApiKeyRow:
    """Rename, disable or enable a key."""
    given = call.input
    return api_key_row(
        await needs.keys.update(call.actor, call.permission, given.api_key_id, name=given.name, enabled=given.enabled)
    )


@router.mutation("deleteApiKey", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.API_KEY, careful=True)
async def delete_key(needs: UserNeeds, call: Call[ByKey]) -> ApiKeyRow:
    """A key works no more from now on."""
    return api_key_row(await needs.keys.remove(call.actor, call.permission, call.input.api_key_id))
