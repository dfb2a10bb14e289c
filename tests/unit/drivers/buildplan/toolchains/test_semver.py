"""Ranges hold what npm's own would: the cases are those that package.json files have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.buildplan.toolchains import semver


@pytest.mark.parametrize(
    ("wanted", "held", "not_held"),
    [
        ("", "0.0.1 20.11.1", "20.0.0-rc.1"),
        ("*", "20.11.1", "20.0.0-rc.1"),
        ("20", "20.0.0 20.99.9", "19.9.9 21.0.0 20.0.0-rc.1 21.0.0-0"),
        ("v20", "20.1.0", "2.0.0"),
        ("20.x", "20.1.0", "21.0.0"),
        ("20.11.x", "20.11.9", "20.12.0"),
        ("20.11.1", "20.11.1", "20.11.2 20.11.1-rc.1"),
        ("=20.11.1", "20.11.1", "20.11.2"),
        ("^20.9", "20.9.0 20.99.0", "20.8.9 21.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9.0", "1.0.0"),
        ("~20.9", "20.9.5", "20.10.0"),
        ("~20", "20.10.0", "21.0.0"),
        ("~>20.9.1", "20.9.1 20.9.9", "20.10.0"),
        (">=18 <21", "18.0.0 20.9.9", "17.9.9 21.0.0"),
        (">= 18", "18.0.0 30.0.0", "17.0.0"),
        (">18", "19.0.0", "18.9.9"),
        (">18.1.2", "18.1.3", "18.1.2"),
        ("<=18", "18.9.9", "19.0.0"),
        ("<18", "17.9.9", "18.0.0 18.0.0-rc.1"),
        ("18 - 20", "18.0.0 20.9.9", "21.0.0"),
        ("1.2.3 - 2.3.4", "1.2.3 2.3.4", "2.3.5"),
        ("18.x || >=20", "18.1.0 20.0.0", "19.0.0"),
        ("^18.18.0 || ^19.8.0 || >= 20.0.0", "18.18.0 19.9.0 22.0.0", "19.7.0"),
        (">=4.0.0-rc.1", "4.0.0-rc.2 4.0.0 5.0.0", "5.0.0-rc.1 4.0.0-alpha"),
        ("4.1.0+sha512.0a1b", "4.1.0", "4.1.1"),
    ],
)
def test_a_range_holds(wanted: str, held: str, not_held: str) -> None:
    found = semver.parse_range(wanted)
    assert found is not None
    assert [each for each in held.split() if not found.holds(_version(each))] == []
    assert [each for each in not_held.split() if found.holds(_version(each))] == []


@pytest.mark.parametrize("text", ["latest", "lts/*", "20..1", ">=", "20 || lts", "workspace:*", "20;ls", "x" * 2000])
def test_what_is_no_range_is_none(text: str) -> None:
    assert semver.parse_range(text) is None


def test_versions_are_sorted_as_semver_has_it() -> None:
    text = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"
    order = text.split()
    assert [str(each) for each in sorted(map(_version, reversed(order)), key=lambda each: each.key)] == order


@given(st.text(alphabet="0123456789.xX*^~<>=|- vrc", max_size=40))
def test_any_text_is_a_range_or_none(text: str) -> None:
    found = semver.parse_range(text)
    if found is not None:
        found.holds(semver.Version((1, 2, 3)))


def _version(text: str) -> semver.Version:
    found = semver.parse_version(text)
    assert found is not None
    return found
