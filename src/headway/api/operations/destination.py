"""``destination.*``: where backups lie."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from headway.domains.catalog.destinations_model import Reach
from headway.faces.http.inputs import Empty, Ids, Input, Keyed
from headway.faces.http.procedures.relations import SERVER
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.backups import DestinationRow, destination_row
from headway.seams.storages.judged import S3

Line = Annotated[str, Field(max_length=1_024)]
Secret = Annotated[str, Field(max_length=65_536)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("destination.all", "Every destination, without its secrets", list[DestinationRow], Empty, _all),
        query("destination.one", "One destination, without its secrets", DestinationRow, ById, _one),
        mutation("destination.create", "Keep a destination and what opens it", DestinationRow, Described, _create),
        mutation("destination.update", "Change a destination; empty secrets stay", DestinationRow, Update, _update),
        mutation("destination.remove", "Forget a destination; what lies there stays", DestinationRow, ById, _remove),
        mutation("destination.testConnection", "Write there, read back, compare, delete", bool, Test, _test),
    )


class ById(Input):
    destination_id: Annotated[str, Field(min_length=1)]


def _flags(value: object) -> object:
    """The official command line sends an empty text for none."""
    return [] if value == "" else value


class Described(Input):
    """A destination as a client describes it. ``provider`` is whose S3 it is, or ``local``; ``type`` is rclone's name
    of another kind of storage, with its ``options``.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    provider: Line | None = None
    access_key: Line = ""
    secret_access_key: Secret = Field(default="", repr=False)
    bucket: Line = ""
    region: Line = ""
    endpoint: Line = ""
    additional_flags: Annotated[Ids | None, BeforeValidator(_flags)] = None
    server_id: Line | None = None
    type: Line | None = None
    options: Keyed | None = Field(default=None, repr=False)

    def reach(self, default: str = S3) -> Reach:
        """How the storage is reached."""
        return Reach(
            type=self.type or default,
            provider=self.provider or None,
            access_key=self.access_key,
            secret_access_key=self.secret_access_key,
            bucket=self.bucket,
            region=self.region,
            endpoint=self.endpoint,
            additional_flags=tuple(self.additional_flags or ()),
            options={name: str(value) for name, value in (self.options or {}).items()},
            server_id=self.server_id or None,
        )


class Update(Described, ById):
    """With a name alone the rest stays; with anything else all of it is as it is sent, but for secrets."""

    @property
    def renames(self) -> bool:
        """Whether nothing but the name is sent."""
        return self.model_fields_set <= {"destination_id", "name"}


class Test(Described):
    destination_id: Line | None = None


async def _all(call: Call[Empty]) -> list[DestinationRow]:
    return [destination_row(each) for each in await call.platform.destinations.all(call.actor, call.permission)]


async def _one(call: Call[ById]) -> DestinationRow:
    return destination_row(await call.platform.destinations.one(call.actor, call.permission, call.input.destination_id))


async def _require_server(call: Call[Any]) -> None:
    """A server that is named is the organisation's. Raises Missing."""
    if call.input.server_id:
        await call.platform.servers.one(call.actor, SERVER, call.input.server_id)


async def _create(call: Call[Described]) -> DestinationRow:
    given = call.input
    await _require_server(call)
    return destination_row(
        await call.platform.destinations.create(call.actor, call.permission, given.name, given.reach())
    )


async def _update(call: Call[Update]) -> DestinationRow:
    given = call.input
    await _require_server(call)
    reach = None if given.renames else given.reach("")
    changed = await call.platform.destinations.update(
        call.actor, call.permission, given.destination_id, given.name, reach
    )
    return destination_row(changed)


async def _remove(call: Call[ById]) -> DestinationRow:
    return destination_row(
        await call.platform.destinations.remove(call.actor, call.permission, call.input.destination_id)
    )


async def _test(call: Call[Test]) -> bool:
    given = call.input
    await _require_server(call)
    await call.platform.destinations.test(call.actor, call.permission, given.reach(), given.destination_id or None)
    return True
