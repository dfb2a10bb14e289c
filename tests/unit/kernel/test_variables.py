"""Variables as users write them: read exactly, refused by line, masked where they are secret."""

from __future__ import annotations

import pytest

from headway.kernel.errors import InvalidInput
from headway.kernel.variables import parse_variables, secrets_among

CASES = {
    "A=1\nB=two words": {"A": "1", "B": "two words"},
    'KEY="line one\nline two"': {"KEY": "line one\nline two"},
    'KEY="a\\nb"': {"KEY": "a\nb"},
    "KEY='it costs $5 # really'": {"KEY": "it costs $5 # really"},
    "# a comment\n\nexport A=1": {"A": "1"},
    "A=1\nA=2": {"A": "2"},
    'JSON={"a": "b"}': {"JSON": '{"a": "b"}'},
    "EMPTY=": {"EMPTY": ""},
    "": {},
}


@pytest.mark.parametrize(("text", "variables"), CASES.items())
def test_variables_are_read_as_they_are_written(text: str, variables: dict[str, str]) -> None:
    assert parse_variables(text) == variables


@pytest.mark.parametrize(("text", "line"), [("A=1\n=x", 2), ("A=1\nB='open", 2), ("1A=x", 1), ("A-B=x", 1)])
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidInput, match=f"Line {line} "):
        parse_variables(text)


def test_a_refusal_does_not_repeat_what_may_be_a_line_of_a_key() -> None:
    with pytest.raises(InvalidInput, match="Line 2 ") as caught:
        parse_variables("KEY=-----BEGIN KEY-----\nMIIE/vQIBADANBg+kqhkiG9w0=\n-----END KEY-----\n")
    assert "MIIE" not in caught.value.message


def test_a_nul_is_refused_because_no_program_could_be_given_it() -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        parse_variables("A=x\0y")


def test_a_value_is_refused_that_is_longer_than_linux_gives_to_a_program() -> None:
    longest = "x" * (128 * 1024 - len("A=") - 1)
    assert parse_variables(f"A={longest}") == {"A": longest}
    with pytest.raises(InvalidInput, match="A is longer than the 128 KiB"):
        parse_variables(f"A={longest}x")


def test_short_values_and_open_names_are_not_secret() -> None:
    variables = {"TOKEN": "hunter22", "DEBUG": "enabled-everywhere", "N": "12345", "NODE_ENV": "production"}

    assert secrets_among(variables) == ("hunter22",)
