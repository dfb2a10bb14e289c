"""``registry.*``: where images are fetched from with credentials."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.domains.catalog.registries import Change
from headway.domains.catalog.registries_model import Credentials
from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.containers import RegistryRow, registry_row
from headway.kernel.secret import Secret

Text = Annotated[str, Field(min_length=1, max_length=1_024)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("registry.all", "Every registry, without its password", list[RegistryRow], Empty, _all),
        query("registry.one", "One registry, without its password", RegistryRow, ById, _one),
        mutation("registry.create", "Keep a registry and what opens it", RegistryRow, Create, _create),
        mutation("registry.update", "Change a registry", bool, Update, _update),
        mutation("registry.remove", "Forget a registry", RegistryRow, ById, _remove),
        mutation("registry.testRegistry", "Ask a registry whether it knows credentials", bool, Test, _test),
        mutation("registry.testRegistryById", "The same with those that are kept", bool, ById, _test_one),
    )


class ById(Input):
    registry_id: Text


class Test(Input):
    registry_url: Annotated[str, Field(max_length=1_024)]
    username: Text
    password: Annotated[str, Field(min_length=1, max_length=65_536)] = Field(repr=False)
    registry_type: Literal["cloud"] = "cloud"


class Create(Test):
    registry_name: Text
    image_prefix: Annotated[str, Field(max_length=1_024)] | None = None


class Update(ById):
    registry_name: Text | None = None
    registry_url: Annotated[str, Field(max_length=1_024)] | None = None
    image_prefix: Annotated[str, Field(max_length=1_024)] | None = None
    username: Text | None = None
    password: Annotated[str, Field(max_length=65_536)] | None = Field(default=None, repr=False)


async def _all(call: Call[Empty]) -> list[RegistryRow]:
    return [registry_row(each) for each in await call.platform.registries.all(call.actor, call.permission)]


async def _one(call: Call[ById]) -> RegistryRow:
    return registry_row(await call.platform.registries.one(call.actor, call.permission, call.input.registry_id))


async def _create(call: Call[Create]) -> RegistryRow:
    given = call.input
    return registry_row(
        await call.platform.registries.create(
            call.actor,
            call.permission,
            _credentials(given),
            name=given.registry_name,
            image_prefix=given.image_prefix or None,
        )
    )


async def _update(call: Call[Update]) -> bool:
    given = call.input
    change = Change(
        name=given.registry_name,
        url=given.registry_url,
        image_prefix=given.image_prefix,
        username=given.username,
        password=Secret(given.password) if given.password else None,
    )
    await call.platform.registries.update(call.actor, call.permission, given.registry_id, change)
    return True


async def _remove(call: Call[ById]) -> RegistryRow:
    return registry_row(await call.platform.registries.remove(call.actor, call.permission, call.input.registry_id))


async def _test(call: Call[Test]) -> bool:
    await call.platform.registries.test(call.actor, call.permission, _credentials(call.input))
    return True


async def _test_one(call: Call[ById]) -> bool:
    await call.platform.registries.test_one(call.actor, call.permission, call.input.registry_id)
    return True


def _credentials(given: Test) -> Credentials:
    return Credentials(url=given.registry_url, username=given.username, password=Secret(given.password))
