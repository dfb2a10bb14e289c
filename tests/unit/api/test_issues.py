"""The validator's errors in the words that the wire's clients know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, field_validator

from headway.api.inputs import Ids, Input, from_body, from_query, from_value
from headway.api.issues import Issue, type_name, zod_error
from headway.api.problems import Problem


class Sample(Input):
    some_text: Annotated[str, Field(min_length=2, max_length=4)] = "text"
    some_kind: Literal["one", "two"] = "one"
    count: Annotated[int, Field(ge=1, le=10)] = 5
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool | None = None
    names: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(default=["a"])
    labels: dict[str, str] | None = None
    code: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    even: int = 2
    counts: dict[str, int] | None = None
    ids: Ids | None = None

    @field_validator("even")
    @classmethod
    def check_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an even number is wanted")
        return value


class Needy(Input):
    some_text: str
    some_kind: Literal["one", "two"]
    count: int
    flag: bool
    names: list[str]
    labels: dict[str, str]


def refusal(input: type[Input], values: object) -> Problem:
    with pytest.raises(Problem) as caught:
        from_value(input, values)
    return caught.value


def only_issue(values: Mapping[str, object]) -> Mapping[str, Any]:
    (issue,) = refusal(Sample, values).issues
    return issue


@pytest.mark.parametrize(
    ("values", "issue"),
    [
        (
            {"someText": 1},
            {
                "expected": "string",
                "code": "invalid_type",
                "path": ["someText"],
                "message": "Invalid input: expected string, received number",
            },
        ),
        (
            {"someText": None},
            {
                "expected": "string",
                "code": "invalid_type",
                "path": ["someText"],
                "message": "Invalid input: expected string, received null",
            },
        ),
        (
            {"someText": "a"},
            {
                "origin": "string",
                "code": "too_small",
                "minimum": 2,
                "inclusive": True,
                "path": ["someText"],
                "message": "Too small: expected string to have >=2 characters",
            },
        ),
        (
            {"someText": "abcde"},
            {
                "origin": "string",
                "code": "too_big",
                "maximum": 4,
                "inclusive": True,
                "path": ["someText"],
                "message": "Too big: expected string to have <=4 characters",
            },
        ),
        (
            {"someKind": "three"},
            {
                "code": "invalid_value",
                "values": ("one", "two"),
                "path": ["someKind"],
                "message": 'Invalid option: expected one of "one"|"two"',
            },
        ),
        (
            {"count": 0},
            {
                "origin": "number",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["count"],
                "message": "Too small: expected number to be >=1",
            },
        ),
        (
            {"count": 11},
            {
                "origin": "number",
                "code": "too_big",
                "maximum": 10,
                "inclusive": True,
                "path": ["count"],
                "message": "Too big: expected number to be <=10",
            },
        ),
        (
            {"count": 1.5},
            {
                "expected": "int",
                "format": "safeint",
                "code": "invalid_type",
                "path": ["count"],
                "message": "Invalid input: expected int, received number",
            },
        ),
        (
            {"count": "5"},
            {
                "expected": "number",
                "code": "invalid_type",
                "path": ["count"],
                "message": "Invalid input: expected number, received string",
            },
        ),
        (
            {"count": math.nan},
            {
                "expected": "number",
                "code": "invalid_type",
                "received": "NaN",
                "path": ["count"],
                "message": "Invalid input: expected number, received NaN",
            },
        ),
        (
            {"share": 1},
            {
                "origin": "number",
                "code": "too_big",
                "maximum": 1.0,
                "inclusive": False,
                "path": ["share"],
                "message": "Too big: expected number to be <1.0",
            },
        ),
        (
            {"flag": "yes"},
            {
                "expected": "boolean",
                "code": "invalid_type",
                "path": ["flag"],
                "message": "Invalid input: expected boolean, received string",
            },
        ),
        (
            {"names": {}},
            {
                "expected": "array",
                "code": "invalid_type",
                "path": ["names"],
                "message": "Invalid input: expected array, received object",
            },
        ),
        (
            {"names": ["a", 2]},
            {
                "expected": "string",
                "code": "invalid_type",
                "path": ["names", 1],
                "message": "Invalid input: expected string, received number",
            },
        ),
        (
            {"names": []},
            {
                "origin": "array",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["names"],
                "message": "Too small: expected array to have >=1 items",
            },
        ),
        (
            {"labels": []},
            {
                "expected": "object",
                "code": "invalid_type",
                "path": ["labels"],
                "message": "Invalid input: expected object, received array",
            },
        ),
        (
            {"code": "x"},
            {
                "origin": "string",
                "code": "invalid_format",
                "format": "regex",
                "pattern": "/^[0-9]+$/",
                "path": ["code"],
                "message": "Invalid string: must match pattern /^[0-9]+$/",
            },
        ),
        ({"even": 3}, {"code": "custom", "path": ["even"], "message": "an even number is wanted"}),
    ],
)
def test_an_error_is_told_as_clients_know_it(values: dict[str, object], issue: dict[str, Any]) -> None:
    assert only_issue(values) == issue


def test_what_is_missing_is_told_by_what_is_expected_in_the_order_of_the_fields() -> None:
    assert [issue["message"] for issue in refusal(Needy, {}).issues] == [
        "Invalid input: expected string, received undefined",
        'Invalid option: expected one of "one"|"two"',
        "Invalid input: expected number, received undefined",
        "Invalid input: expected boolean, received undefined",
        "Invalid input: expected array, received undefined",
        "Invalid input: expected object, received undefined",
    ]


@pytest.mark.parametrize(("value", "received"), [([], "array"), ("x", "string"), (1, "number"), (None, "null")])
def test_an_input_is_an_object(value: object, received: str) -> None:
    (issue,) = refusal(Sample, value).issues
    assert (issue["path"], issue["message"]) == ([], f"Invalid input: expected object, received {received}")


def test_issues_are_gathered_by_field_and_those_of_the_whole_apart() -> None:
    issues: list[Issue] = [
        {"path": ["a", 1], "message": "one"},
        {"path": ["a"], "message": "two"},
        {"path": [], "message": "three"},
    ]
    assert zod_error(issues) == {"formErrors": ["three"], "fieldErrors": {"a": ["one", "two"]}}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (0, "number"),
        (0.5, "number"),
        (math.nan, "NaN"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_values_have_the_type_names_of_json(value: object, name: str) -> None:
    assert type_name(value) == name


@pytest.mark.parametrize("values", [{"someText": "a\x00b"}, {"labels": {"a": "\x00"}}, {"names": ["x", "\x00"]}])
def test_a_nul_character_is_refused_wherever_it_stands(values: dict[str, object]) -> None:
    assert "NUL" in only_issue(values)["message"]


@pytest.mark.parametrize(
    "body", [b'{"count":1e999}', b'{"unheard":-1e999}', b'{"names":[1e999]}', b'{"x":{"y":[1e999]}}']
)
def test_a_number_that_no_answer_could_give_back_is_refused_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        from_body(Sample, body)
    assert caught.value.issues[0]["message"].startswith("Invalid input: expected number")


def test_a_number_that_happens_to_be_whole_is_a_whole_number() -> None:
    assert from_value(Sample, {"count": 3.0}).count == 3
    assert from_value(Sample, {"counts": {"a": 4.0}}).counts == {"a": 4}


@pytest.mark.parametrize(
    ("sent", "ids"), [("a, b", ["a", "b"]), ('["a", "b"]', ["a", "b"]), (["a"], ["a"]), ("5", ["5"]), ("", [])]
)
def test_a_list_of_ids_may_come_as_a_text(sent: object, ids: list[str]) -> None:
    assert from_value(Sample, {"ids": sent}).ids == ids


def test_unknown_keys_are_not_looked_at_and_named() -> None:
    given = from_value(Sample, {"unheard": {"of": 1}})
    assert (given.model_dump(), given.unknown) == (Sample().model_dump(), ("unheard",))


@pytest.mark.parametrize(
    ("query", "count"),
    [("count=7", 7), ("count=%207%20", 7), ("count=7.0", 7), ("count=1e0", 1), ("count=", 5), ("count=2&count=3", 2)],
)
def test_numbers_are_read_from_a_query(query: str, count: int) -> None:
    assert from_query(Sample, query.encode()).count == count


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "1_0", "0x1", "--1", "1e"])
def test_what_is_no_number_in_a_query_is_none(text: str) -> None:
    with pytest.raises(Problem) as caught:
        from_query(Sample, f"count={text}".encode())
    assert caught.value.issues[0]["message"] == "Invalid input: expected number, received NaN"


def test_a_number_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        from_query(Sample, b"count=1e999")
    assert caught.value.issues[0]["message"].startswith("Invalid input: expected number")


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("1", True), ("false", False), ("0", False), ("", None)])
def test_booleans_are_read_from_a_query(text: str, *, flag: bool | None) -> None:
    assert from_query(Sample, f"flag={text}".encode()).flag is flag


def test_a_query_is_read_as_utf8_and_what_is_not_is_replaced() -> None:
    read = from_query(Sample, b"someText=%C3%A4%FF")
    assert read.some_text == "ä\ufffd"


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert from_body(Sample, body) == Sample()


@pytest.mark.parametrize(
    "body", [b"{oops", b'{"someText":"\\ud800"}', b'{"count":NaN}', b"\xff", b"{} {}", b"[" * 100_000]
)
def test_a_body_that_is_no_json_is_a_parse_error(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        from_body(Sample, body)
    assert (caught.value.status, caught.value.code) == (400, "PARSE_ERROR")


def test_what_was_read_of_a_query_is_kept_and_what_was_refused_is_not() -> None:
    assert from_query(Sample, b"count=7&flag=1") is from_query(Sample, b"count=7&flag=1")
    from_query(Sample, b"count=7")
    assert isinstance(from_query(Other, b"count=7"), Other)
    for _ in range(2):
        with pytest.raises(Problem):
            from_query(Sample, b"count=seven")


class Other(Input):
    count: int = 5
