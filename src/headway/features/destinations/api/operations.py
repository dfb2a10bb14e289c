"""``destination.*``: where backups lie."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from headway.api.inputs import Empty, Ids, Input, Keyed
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.drivers.storages.rclone_policy import S3
from headway.features.backups.api.rows import DestinationRow, destination_row
from headway.features.destinations.model import StorageConfig
from headway.features.destinations.service import DestinationService
from headway.features.servers.service import ServerService
from headway.features.services.api.relations import SERVER
from headway.kernel.dataclass import dataclass

Line = Annotated[str, Field(max_length=1_024)]
Secret = Annotated[str, Field(max_length=65_536)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationNeeds:
    """What these operations need."""

    destinations: DestinationService
    servers: ServerService


router = Router[DestinationNeeds](
    "destination",
    "Where backups lie: folders of this machine, S3 and other storages",
    resource=Noun.DESTINATION,
    in_project=False,
)


class DestinationById(Input):
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

    def reach(self, default: str = S3) -> StorageConfig:
        """How the storage is reached."""
        return StorageConfig(
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


class UpdateDestination(Described, DestinationById):
    """With a name alone the rest stays; with anything else all of it is as it is sent, but for secrets."""

    @property
    def renames(self) -> bool:
        """Whether nothing but the name is sent."""
        return self.model_fields_set <= {"destination_id", "name"}


class TestDestination(Described):
    destination_id: Line | None = None


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(needs: DestinationNeeds, call: Call[Empty]) -> list[DestinationRow]:
    """Every destination, without its secrets."""
    return [destination_row(each) for each in await needs.destinations.all(call.actor, call.permission)]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(needs: DestinationNeeds, call: Call[DestinationById]) -> DestinationRow:
    """One destination, without its secrets."""
    return destination_row(await needs.destinations.one(call.actor, call.permission, call.input.destination_id))


async def _require_server(needs: DestinationNeeds, call: Call[Any]) -> None:
    """A server that is named is the organisation's. Raises Missing."""
    if call.input.server_id:
        await needs.servers.one(call.actor, SERVER, call.input.server_id)


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: DestinationNeeds, call: Call[Described]) -> DestinationRow:
    """Keep a destination and what opens it."""
    given = call.input
    await _require_server(needs, call)
    return destination_row(await needs.destinations.create(call.actor, call.permission, given.name, given.reach()))


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: DestinationNeeds, call: Call[UpdateDestination]) -> DestinationRow:
    """Change a destination; empty secrets stay."""
    given = call.input
    await _require_server(needs, call)
    reach = None if given.renames else given.reach("")
    changed = await needs.destinations.update(call.actor, call.permission, given.destination_id, given.name, reach)
    return destination_row(changed)


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(needs: DestinationNeeds, call: Call[DestinationById]) -> DestinationRow:
    """Forget a destination; what lies there stays."""
    return destination_row(await needs.destinations.remove(call.actor, call.permission, call.input.destination_id))


@router.mutation("testConnection", least=Role.ADMIN, scope=Scope.ADMIN)
async def test(needs: DestinationNeeds, call: Call[TestDestination]) -> bool:
    """Write there, read back, compare, delete."""
    given = call.input
    await _require_server(needs, call)
    await needs.destinations.test(call.actor, call.permission, given.reach(), given.destination_id or None)
    return True
