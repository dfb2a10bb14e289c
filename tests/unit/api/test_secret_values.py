"""Answers without their secrets: made once for each body, however many ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import from_json, to_json

from headway.api.inputs import Input
from headway.api.secret_values import encoded_for, unveiled
from headway.core.access.model import Actor, Credential, Role, Scope, Terms
from headway.kernel.veil import MARK, MarkUnknown


def actor(*scopes: Scope, role: Role = Role.OWNER) -> Actor:
    terms = Terms(scopes=frozenset(scopes))
    return Actor(user_id="u", organization_id="o", role=role, credential=Credential.of_key("k"), name="", terms=terms)


READER, KEEPER = actor(Scope.READ), actor(Scope.READ, Scope.SECRETS)


async def test_a_body_is_looked_through_once() -> None:
    body = to_json([{"env": f"WORD=hidden{number}", "title": "shown"} for number in range(100)])
    veiled = await encoded_for(READER, body)
    assert from_json(veiled)[0] == {"env": f"WORD={MARK}", "title": "shown"}
    assert await encoded_for(READER, body) is veiled
    assert await encoded_for(KEEPER, body) is body
    assert await encoded_for(actor(Scope.SECRETS, role=Role.MEMBER), body) is veiled


async def test_a_body_that_holds_nothing_to_hide_stays_what_it_is() -> None:
    body = to_json({"title": "shown"})
    assert await encoded_for(READER, body) is body


async def test_other_bodies_are_other_answers() -> None:
    bodies = [to_json({"env": f"NAME{number}=hidden"}) for number in range(40)]
    for _ in range(2):
        assert [await encoded_for(READER, each) for each in bodies] == [
            to_json({"env": f"NAME{number}={MARK}"}) for number in range(40)
        ]


class Inner(Input):
    install: str | None = None


class Change(Input):
    start: str | None = None
    args: list[str] | None = None
    inner: Inner | None = None


KEPT = {"start": "run a://u:p@h/1", "args": ["a://u:p@h", "a://v:q@h"], "inner": {"install": "a://u:p@h"}}


async def _kept() -> dict[str, Any]:
    return KEPT


async def test_what_addresses_in_any_text_are_opened_with_comes_back() -> None:
    marked = f"a://{MARK}@h"
    sent = {"start": f"run {marked}/1", "args": ["-v", marked, marked], "inner": {"install": marked}}
    found = await unveiled(Change.model_validate(sent), sent, _kept)
    assert found.start == KEPT["start"]
    assert found.args == ["-v", *KEPT["args"]], "those that are alike by their order"
    assert found.inner == Inner(install="a://u:p@h")


@pytest.mark.parametrize("sent", [{"start": f"run a://{MARK}@evil/1"}, {"args": [f"b://{MARK}@h"]}])
async def test_what_stands_for_no_address_that_is_kept_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(MarkUnknown):
        await unveiled(Change.model_validate(sent), sent, _kept)
