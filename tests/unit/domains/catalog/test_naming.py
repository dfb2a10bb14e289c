"""Names of applications: any printable text, and a host name that nothing else has."""

from __future__ import annotations

import pytest

from headway.domains.catalog.naming import app_name_for, check_name
from headway.kernel.errors import InvalidInput


@pytest.mark.parametrize("name", ["shop", "My Shop", "$(rm -rf /)", "a;b|c", "café", "x" * 255])
def test_any_printable_text_is_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31m", "x" * 256])
def test_empty_long_and_unprintable_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_name(name)


@pytest.mark.parametrize(("name", "host"), [("My Shop", "my-shop"), ("$(rm -rf /)", "rm-rf"), ("x" * 80, "x" * 40)])
def test_the_host_name_is_made_of_letters_digits_and_hyphens(name: str, host: str) -> None:
    assert app_name_for(name, lambda _candidate: False) == host


def test_a_taken_host_name_gets_an_ending() -> None:
    assert app_name_for("shop", lambda candidate: candidate == "shop").startswith("shop-")


def test_a_name_without_a_letter_gives_no_host_name() -> None:
    with pytest.raises(InvalidInput, match="at least one letter"):
        app_name_for("!!!", lambda _candidate: False)
