"""``registry.*``: where images are fetched from with credentials."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.containers.api.rows import RegistryRow, registry_row
from headway.features.registries.model import Credentials
from headway.features.registries.service import RegistryChange, RegistryService
from headway.kernel.secret import Secret

Text = Annotated[str, Field(min_length=1, max_length=1_024)]


router = Router[RegistryService](
    "registry", "Where images are fetched from with credentials", resource=Noun.REGISTRY, in_project=False
)


class RegistryById(Input):
    registry_id: Text


class TestRegistry(Input):
    registry_url: Annotated[str, Field(max_length=1_024)]
    username: Text
    password: Annotated[str, Field(min_length=1, max_length=65_536)] = Field(repr=False)
    registry_type: Literal["cloud"] = "cloud"


class CreateRegistry(TestRegistry):
    registry_name: Text
    image_prefix: Annotated[str, Field(max_length=1_024)] | None = None


class UpdateRegistry(RegistryById):
    registry_name: Text | None = None
    registry_url: Annotated[str, Field(max_length=1_024)] | None = None
    image_prefix: Annotated[str, Field(max_length=1_024)] | None = None
    username: Text | None = None
    password: Annotated[str, Field(max_length=65_536)] | None = Field(default=None, repr=False)


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(registries: RegistryService, call: Call[Empty]) -> list[RegistryRow]:
    """Every registry, without its password."""
    return [registry_row(each) for each in await registries.all(call.actor, call.permission)]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(registries: RegistryService, call: Call[RegistryById]) -> RegistryRow:
    """One registry, without its password."""
    return registry_row(await registries.one(call.actor, call.permission, call.input.registry_id))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(registries: RegistryService, call: Call[CreateRegistry]) -> RegistryRow:
    """Keep a registry and what opens it."""
    given = call.input
    return registry_row(
        await registries.create(
            call.actor,
            call.permission,
            _credentials(given),
            name=given.registry_name,
            image_prefix=given.image_prefix or None,
        )
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(registries: RegistryService, call: Call[UpdateRegistry]) -> bool:
    """Change a registry."""
    given = call.input
    change = RegistryChange(
        name=given.registry_name,
        url=given.registry_url,
        image_prefix=given.image_prefix,
        username=given.username,
        password=Secret(given.password) if given.password else None,
    )
    await registries.update(call.actor, call.permission, given.registry_id, change)
    return True


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(registries: RegistryService, call: Call[RegistryById]) -> RegistryRow:
    """Forget a registry."""
    return registry_row(await registries.remove(call.actor, call.permission, call.input.registry_id))


@router.mutation("testRegistry", least=Role.ADMIN, scope=Scope.ADMIN)
async def test(registries: RegistryService, call: Call[TestRegistry]) -> bool:
    """Ask a registry whether it knows credentials."""
    await registries.test(call.actor, call.permission, _credentials(call.input))
    return True


@router.mutation("testRegistryById", least=Role.ADMIN, scope=Scope.ADMIN)
async def test_one(registries: RegistryService, call: Call[RegistryById]) -> bool:
    """The same with those that are kept."""
    await registries.test_one(call.actor, call.permission, call.input.registry_id)
    return True


def _credentials(given: TestRegistry) -> Credentials:
    return Credentials(url=given.registry_url, username=given.username, password=Secret(given.password))
