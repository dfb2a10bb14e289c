"""The form that tRPC's clients put values in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headway.http.trpc import UNDEFINED, unwrapped, wrapped

Json = Any


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"json": {"a": 1}}, {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ({"json": 1, "other": 2}, {"json": 1, "other": 2}),
        ({"json": [1]}, [1]),
        ({"json": None}, {}),
        (None, {}),
        (json.loads(UNDEFINED), {}),
        ({"json": {"a": None, "b": None}, "meta": {"values": {"a": ["undefined"]}}}, {"b": None}),
        ({"json": {"a": {"b": None, "c": 1}}, "meta": {"values": {"a.b": ["undefined"]}}}, {"a": {"c": 1}}),
        ({"json": {"a.b": None}, "meta": {"values": {"a\\.b": ["undefined"]}}}, {}),
        ({"json": {"a": "2026"}, "meta": {"values": {"a": ["Date"]}}}, {"a": "2026"}),
        ({"json": {"a": None}, "meta": {"values": {"x.y.z": ["undefined"], "a.b": ["undefined"]}}}, {"a": None}),
        ({"json": {"a": None}, "meta": "nonsense"}, {"a": None}),
        ({"json": [None], "meta": {"values": {"0": ["undefined"]}}}, [None]),
    ],
)
def test_an_input_is_taken_out_of_its_form(given: Json, value: Json) -> None:
    assert unwrapped(given) == value


def test_a_value_is_put_into_the_form() -> None:
    assert json.loads(wrapped(b'"x"')) == {"json": "x"}
