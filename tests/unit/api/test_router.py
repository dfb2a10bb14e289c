"""Routers: what an operation is follows from the function that it is written as."""

from __future__ import annotations

from functools import partial

import pytest

from headway.api.inputs import Empty, Input
from headway.api.operation import Call, Kind, Nothing, Ready
from headway.api.router import Router, joined
from headway.core.access.model import Actor, Credential, Role, Scope
from headway.core.access.policy import Noun, Permission

OWNER = Actor(user_id="u", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k"), name="Owner")
router = Router[list[str]]("thing", "Things", resource=Noun.SERVER, in_project=False)


class Named(Input):
    thing_id: str


class Titled(Named):
    title: str = ""


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(things: list[str], call: Call[Named]) -> dict[str, str]:
    """One thing.

    It is shown with
    all that it has.
    """
    return {"thing": things[int(call.input.thing_id)]}


@router.starter("deploy", least=Role.ADMIN, scope=Scope.DEPLOY, resource=Noun.PORT, in_project=True, glimpse=True)
async def deploy(_things: list[str], _call: Call[Titled]) -> Nothing:
    """Queue a deploy."""
    return Nothing()


@router.uploader("drop", least=Role.ADMIN, scope=None)
async def drop(_things: list[str], _call: Call[Empty]) -> Ready[bool]:
    """Take a file."""
    return Ready(b"true")


async def made(word: str, things: list[str], call: Call[Named]) -> str:
    """What is made."""
    return f"{word} {things[0]} {call.input.thing_id}"


router.mutation("made", least=Role.OWNER, scope=None, input=Titled, summary="Made in a loop")(partial(made, "the"))


def test_what_it_takes_and_answers_are_the_types_of_the_function() -> None:
    found = {each.name: (each.kind, each.input, each.output) for each in router.over([]).operations}
    assert found == {
        "thing.one": (Kind.QUERY, Named, dict[str, str]),
        "thing.deploy": (Kind.MUTATION, Titled, None),
        "thing.drop": (Kind.MUTATION, Empty, bool),
        "thing.made": (Kind.MUTATION, Titled, str),
    }


def test_its_words_are_those_of_the_docstring() -> None:
    found = {each.name: (each.summary, each.description) for each in router.over([]).operations}
    assert found["thing.one"] == ("One thing", "It is shown with\nall that it has.")
    assert found["thing.deploy"] == ("Queue a deploy", "")
    assert found["thing.made"] == ("Made in a loop", "")


def test_its_rule_stands_beside_it_and_the_rest_is_the_routers() -> None:
    found = {each.name: each.permission for each in router.over([]).operations}
    assert found["thing.one"] == Permission(
        name="thing.one", noun=Noun.SERVER, least=Role.MEMBER, scope=Scope.READ, in_project=False
    )
    assert found["thing.deploy"] == Permission(
        name="thing.deploy", noun=Noun.PORT, least=Role.ADMIN, scope=Scope.DEPLOY, in_project=True, glimpse=True
    )


def test_starters_start_work_and_uploaders_take_a_file_for_it() -> None:
    found = {each.name: (each.starts_work, each.uploads) for each in router.over([]).operations}
    assert (found["thing.one"], found["thing.deploy"]) == ((False, False), (True, False))
    assert (found["thing.drop"], found["thing.made"]) == ((True, True), (False, False))


@pytest.mark.parametrize(("name", "answer"), [("thing.one", {"thing": "b"}), ("thing.made", "the a 1")])
async def test_it_is_called_over_what_its_router_needs(name: str, answer: object) -> None:
    (operation,) = (each for each in router.over(["a", "b"]).operations if each.name == name)
    call = Call(actor=OWNER, permission=operation.permission, input=Named.model_validate({"thingId": "1"}), headers={})
    assert await operation.answer(call) == answer


def test_a_function_that_takes_no_call_is_no_operation() -> None:
    async def wrong(_things: list[str], _given: Named) -> str:
        """It takes no call."""
        return ""

    with pytest.raises(TypeError, match="takes no call"):
        router.query("wrong", least=Role.MEMBER, scope=None)(wrong)  # type: ignore[arg-type]  # what is tried


def test_a_router_may_be_written_in_several_files() -> None:
    more = Router[None]("thing", resource=Noun.SERVER)
    whole = joined("thing", (more.over(None), router.over([])))
    assert (whole.name, whole.title, len(whole.operations)) == ("thing", "Things", 4)
