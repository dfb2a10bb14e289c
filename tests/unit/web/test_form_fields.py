"""What was typed, as values of an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from headway.api.problems import Problem
from headway.pages.forms import Form, Kind, Question
from headway.web.form_fields import (
    NOT_EMPTIED,
    ONE_OF_BOTH,
    kept_of,
    returned_of,
    told_of,
    values_of,
    with_emptied,
    with_taken_away,
)

FIELDS = {"title": Kind.TEXT, "keep": Kind.WHOLE, "force": Kind.FLAG, "paths": Kind.LINES}
NEVER = cast("Any", None)
FORM = Form(operation=NEVER, given=NEVER, asks=NEVER, did=NEVER, then=NEVER, fields=FIELDS)


def test_each_kind_becomes_its_value() -> None:
    typed = {"title": " a\r\nb ", "keep": "7", "force": "true", "paths": "src/\r\n\r\n docs/ \n"}
    assert values_of(FORM, typed) == {"title": "a\nb", "keep": 7, "force": True, "paths": ["src/", "docs/"]}


def test_nothing_else_is_taken_from_a_form() -> None:
    typed = {"deploymentId": "of somebody else", "form_token": "x", "once": "y", "title": "t"}
    assert values_of(FORM, typed) == {"title": "t", "force": False}


def test_what_is_empty_is_not_given_and_what_is_no_number_is_told_by_the_operation() -> None:
    assert values_of(FORM, {"title": "  ", "keep": "", "paths": "\n"}) == {"force": False}
    assert values_of(FORM, {"keep": "-3"})["keep"] == -3
    assert values_of(FORM, {"keep": "seven"})["keep"] == "seven"
    assert values_of(FORM, {"keep": "9" * 5_000})["keep"] == "9" * 5_000


def test_what_is_cleared_is_given_as_nothing_and_a_dot_makes_an_object() -> None:
    fields = {
        "name": Kind.TEXT,
        "keepDays": Kind.WHOLE,
        "connection.host": Kind.TEXT,
        "connection.password": Kind.SECRET,
    }
    form = Form(
        operation=NEVER, given=NEVER, asks=NEVER, did=NEVER, then=NEVER, fields=fields, clears=frozenset({"keepDays"})
    )
    assert values_of(form, {"connection.host": "db"}) == {"keepDays": None, "connection": {"host": "db"}}
    assert values_of(form, {"keepDays": "3"}) == {"keepDays": 3}
    assert "connection.password" not in kept_of(form, {"connection.password": "told once"})
    at, _ = told_of(
        [{"path": ["connection", "host"], "message": "No"}, {"path": ["name", 3], "message": "Nor"}], fields
    )
    assert at == {"connection.host": "No.", "name": "Nor."}


def test_a_block_is_one_text_with_its_lines() -> None:
    form = Form(operation=NEVER, given=NEVER, asks=NEVER, did=NEVER, then=NEVER, fields={"script": Kind.BLOCK})
    assert values_of(form, {"script": "set -e\r\n  true\r\n"}) == {"script": "set -e\n  true"}


def test_what_was_typed_is_kept() -> None:
    assert kept_of(FORM, {"title": "<b>", "form_token": "x"}) == {"title": "<b>", "keep": "", "force": "", "paths": ""}


def test_issues_stand_at_their_fields() -> None:
    issues = (
        {"path": ["keep"], "message": "Invalid input: expected number, received string"},
        {"path": ["deploymentId"], "message": "Too small: expected string to have >=1 characters"},
        {"path": [], "message": "Not together"},
    )
    at, rest = told_of(issues, FIELDS)
    assert at == {"keep": "Expected number, received string."}
    assert rest == "deploymentId: Too small: expected string to have >=1 characters. Not together."


def test_lines_of_names_and_values_are_pairs_and_numbers_may_have_a_fraction() -> None:
    fields = {"versions": Kind.PAIRS, "scale": Kind.COUNTS, "seconds": Kind.NUMBER}
    form = Form(operation=NEVER, given=NEVER, asks=NEVER, did=NEVER, then=NEVER, fields=fields)
    typed = {"versions": "node=20\r\n python = 3.12 ", "scale": "web=2\nworker=many", "seconds": "1.5"}
    assert values_of(form, typed) == {
        "versions": {"node": "20", "python": "3.12"},
        "scale": {"web": 2, "worker": "many"},
        "seconds": 1.5,
    }
    assert values_of(form, {"seconds": "soon"}) == {"seconds": "soon"}


def test_what_was_shown_and_is_emptied_is_taken_away_or_refused() -> None:
    question = Question(title="", consequences=(), button="", values={"title": "t", "keep": "3", "force": "true"})
    form = replace(FORM, empties={"title": ""})
    assert with_emptied(form, question, {"title": " ", "keep": "4"}, {"keep": 4}, ()) == {"keep": 4, "title": ""}
    assert with_emptied(form, question, {}, {}, ()) == {}, "what was not sent was not emptied"
    assert with_emptied(form, question, {"paths": ""}, {}, ()) == {}, "and what was empty before was not, either"
    assert with_emptied(replace(form, suggests=True), question, {"keep": ""}, {}, ()) == {}
    with pytest.raises(Problem) as refused:
        with_emptied(form, question, {"keep": ""}, {}, ())
    assert [dict(each) for each in refused.value.issues] == [
        {"code": "custom", "path": ["keep"], "message": NOT_EMPTIED}
    ]


def test_what_is_never_shown_is_taken_away_by_a_tick_beside_it() -> None:
    fields = {"token": Kind.SECRET, "headers.authorization": Kind.SECRET}
    away: Mapping[str, Mapping[str, object]] = {
        "token": {"token": ""},
        "headers.authorization": {"headers": {}},
    }
    form = Form(operation=NEVER, given=NEVER, asks=NEVER, did=NEVER, then=NEVER, fields=fields, away=away)

    def given(typed: Mapping[str, str]) -> Mapping[str, object]:
        return with_taken_away(form, typed, values_of(form, typed))

    assert given({"token": "", "headers.authorization": ""}) == {}, "empty, they stay"
    assert given({"away.token": "true", "token": " "}) == {"token": ""}
    assert given({"away.headers.authorization": "true", "token": "new"}) == {"token": "new", "headers": {}}
    assert given({"away.else": "true"}) == {}
    with pytest.raises(Problem) as told:
        given({"away.headers.authorization": "true", "headers.authorization": "Bearer new"})
    assert told_of(told.value.issues, fields)[0] == {"headers.authorization": ONE_OF_BOTH}
    assert "away.token" in returned_of(form, {"away.token": "true", "token": "secret"})
