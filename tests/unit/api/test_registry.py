"""The registry: every operation by name and kind, loaded by need; and how one is performed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from headway.api.inputs import Empty
from headway.api.operation import Call, Kind
from headway.api.registry import Given, Performer, Registry
from headway.api.router import Routed, Router
from headway.core.access.model import GUEST, Actor, Credential, Role, Scope
from headway.core.access.policy import Noun
from headway.drivers.forges.base import ForgeName
from headway.features.git.providers import looks_at
from headway.features.projects.api import projects
from headway.features.services.api import relations
from headway.kernel.errors import Forbidden
from headway.operations import bare_registry

OWNER = Actor(user_id="u", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k"), name="Owner")
user = Router[list[str]]("user", "Who the caller is", resource=Noun.MEMBER)


@user.query("get", least=Role.MEMBER, scope=None)
async def get(seen: list[str], call: Call[Empty]) -> str:
    """Who the caller is."""
    seen.append(call.actor.name)
    return call.permission.name


def registry_of(seen: list[str], loaded: list[str]) -> Registry:
    def load() -> Routed:
        loaded.append("user")
        return user.over(seen)

    routers: Mapping[str, Callable[[], Routed]] = {"user": load}
    return Registry(routers)


def test_an_operation_is_found_by_its_name_and_kind() -> None:
    registry = registry_of([], [])
    assert registry.find("user.get", Kind.QUERY) is not None
    assert registry.find("user.get", Kind.MUTATION) is None
    assert registry.find("user.set", Kind.QUERY) is None
    assert registry.find("nobody.get", Kind.QUERY) is None


def test_a_router_is_loaded_when_one_of_its_operations_is_first_asked_for_and_once() -> None:
    loaded: list[str] = []
    registry = registry_of([], loaded)
    assert registry.named("nobody.get") is None
    assert loaded == []
    for name in ("user.get", "user.set", "user.get"):
        registry.named(name)
    assert [each.name for each in registry] == ["user.get"]
    assert loaded == ["user"]


def test_two_operations_of_one_name_are_refused() -> None:
    routed = user.over([])
    twice = Routed(name="user", title="", operations=(*routed.operations, *routed.operations))
    with pytest.raises(ValueError, match=r"user\.get"):
        Registry({"user": lambda: twice}).named("user.get")


def test_what_is_asked_of_a_name_before_anybody_is_let_in_loads_nothing() -> None:
    loaded: list[str] = []
    registry = registry_of([], loaded)
    assert registry.has_router("user.get")
    assert not any(registry.has_router(name) for name in ("user", "user.get/", "nobody.get", ""))
    assert not registry.is_open("user.get")
    assert registry.answered("rest", "user.get", 401, 0.1).procedure == "unknown"
    assert loaded == []
    registry.named("user.get")
    assert registry.answered("rest", "user.get", 200, 0.1).procedure == "user.get"
    assert registry.answered("rest", "user.made_up", 404, 0.1).procedure == "unknown"


def test_a_router_that_could_not_be_loaded_is_loaded_by_the_next_call() -> None:
    tries: list[int] = []

    def load() -> Routed:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(24, "Too many open files")
        return user.over([])

    registry = Registry({"user": load})
    with pytest.raises(OSError, match="open files"):
        registry.named("user.get")
    assert registry.answered("rest", "user.get", 500, 0.1).procedure == "unknown"
    assert registry.named("user.get") is not None


async def test_what_is_performed_is_let_in_first_then_read_then_done() -> None:
    seen: list[str] = []
    registry = registry_of(seen, [])
    operation = registry.named("user.get")
    assert operation is not None
    performer = Performer(registry, cast("Any", None), lambda _given: None)  # a query leaves nothing in the audit log

    async def read() -> Given:
        seen.append("read")
        return Given(Empty())

    with pytest.raises(Forbidden):
        await performer.perform(operation, GUEST, read, headers={})
    assert seen == []
    performed = await performer.perform(operation, OWNER, read, headers={})
    assert (performed.answer, performed.unknown, seen) == ("user.get", (), ["read", "Owner"])


def test_every_operation_says_what_it_does_and_has_schemas() -> None:
    for operation in bare_registry():
        assert operation.summary
        assert operation.input.model_json_schema()["type"] == "object"
        if operation.output is not None and not operation.streams:
            assert TypeAdapter(operation.output).json_schema()


def test_every_router_says_what_it_is_about() -> None:
    assert [each.name for each in bare_registry().routers() if not each.title] == []


def test_what_is_shown_beside_a_thing_takes_what_looking_at_it_takes() -> None:
    permissions = {each.name: each.permission for each in bare_registry()}
    beside = [each for each in vars(relations).values() if type(each) is type(relations.SERVER)]
    asked = [*beside, projects.CREATES, *(looks_at(forge) for forge in ForgeName)]
    assert len(beside) == 7
    assert {each.name: each for each in asked} == {each.name: permissions[each.name] for each in asked}


def test_who_may_change_what_holds_secrets_is_an_admin_at_least() -> None:
    changing = [each for each in bare_registry() if each.name.endswith((".update", ".saveEnvironment"))]
    assert {each.permission.least for each in changing if each.permission.in_project} == {Role.ADMIN}
    assert Scope.ADMIN in {each.permission.scope for each in changing}
