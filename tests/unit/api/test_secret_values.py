"""Answers without their secrets: made once for each body, however many ask for it."""

from __future__ import annotations

from pydantic_core import from_json, to_json

from headway.api.secret_values import encoded_for
from headway.core.access.model import Actor, Credential, Role, Scope, Terms
from headway.kernel.veil import MARK


def actor(*scopes: Scope, role: Role = Role.OWNER) -> Actor:
    terms = Terms(scopes=frozenset(scopes))
    return Actor(user_id="u", organization_id="o", role=role, credential=Credential.of_key("k"), name="", terms=terms)


READER, KEEPER = actor(Scope.READ), actor(Scope.READ, Scope.SECRETS)


def test_a_body_is_looked_through_once() -> None:
    body = to_json([{"env": f"WORD=hidden{number}", "title": "shown"} for number in range(100)])
    veiled = encoded_for(READER, body)
    assert from_json(veiled)[0] == {"env": f"WORD={MARK}", "title": "shown"}
    assert encoded_for(READER, body) is veiled
    assert encoded_for(KEEPER, body) is body
    assert encoded_for(actor(Scope.SECRETS, role=Role.MEMBER), body) is veiled


def test_a_body_that_holds_nothing_to_hide_stays_what_it_is() -> None:
    body = to_json({"title": "shown"})
    assert encoded_for(READER, body) is body


def test_other_bodies_are_other_answers() -> None:
    bodies = [to_json({"env": f"NAME{number}=hidden"}) for number in range(40)]
    for _ in range(2):
        assert [encoded_for(READER, each) for each in bodies] == [
            to_json({"env": f"NAME{number}={MARK}"}) for number in range(40)
        ]
