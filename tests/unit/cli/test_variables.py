"""How `--env` changes the variables of an application that somebody else may have written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.variable_text import merged
from headway.kernel.variables import parse_variables

TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


def test_a_variable_that_is_set_replaces_its_lines_and_leaves_the_rest() -> None:
    before = "# ours\nA=1\nexport B='two\nlines'\nA=3\n\nC=4"
    assert merged(before, {"A": "5"}) == "# ours\nexport B='two\nlines'\n\nC=4\nA='5'\n"


def test_setting_the_same_again_changes_nothing() -> None:
    once = merged("A=1\n", {"B": "it's\n2", "C": ""})
    assert merged(once, {"B": "it's\n2", "C": ""}) == once


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "#no", "'", '"', "\\", "\\n", "\\'", "$HOME", "${A}", "a\nb", "a\r\nb", "`x`"]
)
def test_odd_values_arrive_as_they_are(value: str) -> None:
    assert parse_variables(merged("", {"KEY": value})) == {"KEY": value}


@given(TEXTS, TEXTS)
def test_any_value_arrives_as_it_is(first: str, second: str) -> None:
    text = merged(merged("KEEP='me'\n", {"A": first}), {"B": second})
    assert parse_variables(text) == {"KEEP": "me", "A": first, "B": second}
