"""An input with ever so many wrong values costs little more than one with a hundred."""

from __future__ import annotations

import json
import tracemalloc
from typing import Annotated

import pytest
from pydantic import Field

from headway.api.inputs import MOST_ISSUES, MOST_ITEMS, Ids, Input, Keyed, from_body
from headway.api.problems import Problem
from headway.features.access.api.users import CreateKey


class Sent(Input):
    scopes: list[Annotated[str, Field(max_length=4)]] | None = None
    ids: Ids | None = None
    held: Keyed | None = None


@pytest.mark.parametrize("number", [MOST_ITEMS - 10, 500_000])
def test_what_is_wrong_is_told_of_the_first_alone(number: int) -> None:
    body = b'{"scopes":[%s0]}' % (b"0," * number)
    tracemalloc.start()
    with pytest.raises(Problem) as refused:
        from_body(Sent, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < len(refused.value.issues) <= MOST_ISSUES
    assert peak < 48 << 20


def test_the_scopes_of_a_key_are_few() -> None:
    with pytest.raises(Problem) as refused:
        from_body(CreateKey, b'{"name":"x","scopes":[%s0]}' % (b"0," * 20_000))
    assert len(refused.value.issues) <= MOST_ISSUES


@pytest.mark.parametrize("text", ['{"a":NaN}', '{"a":1e999}', '{"a":"b\\u0000"}'])
def test_texts_within_texts_are_looked_at_too(text: str) -> None:
    with pytest.raises(Problem):
        from_body(Sent, json.dumps({"held": text}).encode())


def test_what_a_text_may_hold_is_taken() -> None:
    assert from_body(Sent, b'{"held":"{\\"a\\": 1.5}"}').held == {"a": 1.5}
    assert from_body(Sent, b'{"ids":"a, b"}').ids == ["a", "b"]
