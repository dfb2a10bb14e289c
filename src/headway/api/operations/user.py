"""``user.*``: who the caller is, its keys, and the members of its organisation."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.core.access.keys import USUAL_RATE, Wish
from headway.core.access.model import Rate, Scope
from headway.domains.backups.model import Form
from headway.faces.http.inputs import Empty, Ids, Input, Keyed
from headway.faces.http.procedures.backup import backup_rows
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.access import (
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
from headway.faces.http.wire.backups import BackupDetails
from headway.kernel.errors import InvalidInput

ScopeWord = Literal["read", "deploy", "kill", "remove", "secrets", "admin"]

_TEN_YEARS = 10 * 366 * 24 * 3600
_DAY_MS = 24 * 3600 * 1000


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("user.get", "Who the caller is, with its keys", CallerRow, Empty, _get),
        query("user.getBackups", "The caller, with the backups of Headway itself", BackedUpRow, Empty, _backups),
        query("user.getMetricsToken", "What opens the peer's monitoring", MetricsTokenRow, Empty, _metrics_token),
        query("user.all", "Everybody in the organisation", list[MemberRow], Empty, _all),
        query("user.one", "Somebody in the organisation", MemberRow, ById, _one),
        mutation("user.assignPermissions", "What a member is given", MemberRow, Assign, _assign),
        mutation("user.remove", "Somebody belongs to it no more; their keys end", MemberRow, ById, _remove),
        query("user.apiKeys", "The caller's keys; for admins all", list[ApiKeyRow], Empty, _api_keys),
        mutation("user.createApiKey", "A key of the caller's, shown once", NewApiKeyRow, CreateKey, _create_key),
        mutation("user.updateApiKey", "Rename, disable or enable a key", ApiKeyRow, UpdateKey, _update_key),
        mutation("user.deleteApiKey", "A key works no more from now on", ApiKeyRow, ByKey, _delete_key),
    )


class BackedUpRow(PersonRow):
    """A person with the backups of Headway itself."""

    backups: list[BackupDetails]


class MetricsTokenRow(TypedDict):
    """Where the peer's monitoring would be asked, and that there is none here."""

    serverIp: str
    enabledFeatures: bool
    metricsConfig: None


class ById(Input):
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
    scopes: Annotated[list[ScopeWord], Field(min_length=1)] | None = None
    projects: Ids | None = None
    pending_as: Literal["pending", "running"] | None = None

    def wish(self) -> Wish:
        """What the key is to be good for. Raises InvalidInput for a bound that could not be kept."""
        if {self.remaining, self.refill_amount, self.refill_interval} != {None}:
            raise InvalidInput(
                "A key cannot be bound to a number of calls in all; rateLimitMax bounds those of each window."
            )
        return Wish(
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


async def _get(call: Call[Empty]) -> CallerRow:
    return caller_row(
        await call.platform.members.me(call.actor, call.permission), await call.platform.keys.of_caller(call.actor)
    )


async def _backups(call: Call[Empty]) -> BackedUpRow:
    member = member_row(await call.platform.members.me(call.actor, call.permission))
    found = [each for each in await call.platform.backups.all(call.actor) if each.form is Form.PANEL]
    return {**member["user"], "backups": await backup_rows(call, found)}


async def _metrics_token(call: Call[Empty]) -> MetricsTokenRow:
    address = await call.platform.servers.address(call.actor, call.permission, None)
    return {"serverIp": address, "enabledFeatures": False, "metricsConfig": None}


async def _all(call: Call[Empty]) -> list[MemberRow]:
    return [member_row(member) for member in await call.platform.members.all(call.actor, call.permission)]


async def _one(call: Call[ById]) -> MemberRow:
    return member_row(await call.platform.members.one(call.actor, call.permission, call.input.user_id))


async def _assign(call: Call[Assign]) -> MemberRow:
    given = call.input
    return member_row(
        await call.platform.members.assign(
            call.actor,
            call.permission,
            given.id,
            projects=None if given.accessed_projects is None else frozenset(given.accessed_projects),
            services=None if given.accessed_services is None else frozenset(given.accessed_services),
            passive=given.passive(),
        )
    )


async def _remove(call: Call[ById]) -> MemberRow:
    return member_row(await call.platform.members.remove(call.actor, call.permission, call.input.user_id))


async def _api_keys(call: Call[Empty]) -> list[ApiKeyRow]:
    return [api_key_row(key) for key in await call.platform.keys.all(call.actor, call.permission)]


async def _create_key(call: Call[CreateKey]) -> NewApiKeyRow:
    given = call.input
    made, key = await call.platform.keys.create(
        call.actor,
        call.permission,
        name=given.name,
        wish=given.wish(),
        prefix=given.prefix or "",
        organization_id=given.organization_id(),
    )
    return {**api_key_row(made), "key": key}


async def _update_key(call: Call[UpdateKey]) -> ApiKeyRow:
    given = call.input
    return api_key_row(
        await call.platform.keys.update(
            call.actor, call.permission, given.api_key_id, name=given.name, enabled=given.enabled
        )
    )


async def _delete_key(call: Call[ByKey]) -> ApiKeyRow:
    return api_key_row(await call.platform.keys.remove(call.actor, call.permission, call.input.api_key_id))
