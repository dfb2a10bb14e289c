"""Names of applications: any printable text, and a host name that nothing else has."""

from __future__ import annotations

import re

import pytest

from headway.kernel.errors import InvalidInput
from headway.kernel.service_names import app_name_for, check_name, free_name, host_name_for


@pytest.mark.parametrize("name", ["shop", "My Shop", "$(rm -rf /)", "a;b|c", "café", "x" * 255])
def test_any_printable_text_is_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31m", "x" * 256])
def test_empty_long_and_unprintable_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_name(name)


@pytest.mark.parametrize(("name", "host"), [("My Shop", "my-shop"), ("$(rm -rf /)", "rm-rf"), ("x" * 80, "x" * 40)])
def test_names_on_the_machine_and_of_hosts_are_made_of_letters_digits_and_hyphens(name: str, host: str) -> None:
    called = app_name_for(name, lambda _candidate: False)
    assert re.fullmatch(f"{host}-[a-z0-9]{{6}}", called)
    assert host_name_for(name, called, lambda _candidate: True) == host
    assert free_name(name, lambda _candidate: True) == host


def test_what_is_taken_is_not_given_again() -> None:
    refused: list[str] = []

    def is_taken(candidate: str) -> bool:
        refused.append(candidate)
        return len(refused) < 3

    assert app_name_for("shop", is_taken) == refused[-1]
    assert len(set(refused)) == 3
    assert host_name_for("shop", "shop-abc123", lambda candidate: candidate != "shop") == "shop-abc123"
    assert re.fullmatch("shop-[a-z0-9]{6}", free_name("shop", lambda candidate: candidate != "shop"))


def test_a_name_without_a_letter_gives_no_host_name() -> None:
    with pytest.raises(InvalidInput, match="at least one letter"):
        app_name_for("!!!", lambda _candidate: False)
