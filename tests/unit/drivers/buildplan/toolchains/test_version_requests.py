"""What repositories ask for, as their files write it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains import releases
from headway.drivers.buildplan.toolchains.tools import TOOLS, Form
from headway.drivers.buildplan.toolchains.version_requests import newest, read_wish

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("tool", "wanted", "held", "not_held"),
    [
        ("node", "", "8.1.0 26.0.0", "27.0.0-rc.1"),
        ("node", "latest", "26.0.0", ""),
        ("node", "lts/*", "26.1.0", "24.1.0 27.0.0"),
        ("node", "lts/-1", "24.1.0", "26.0.0"),
        ("node", "lts/iron", "20.9.0", "22.0.0"),
        ("node", "lts/Jod", "22.9.0", "20.0.0"),
        ("node", "v20.11.1", "20.11.1", "20.11.2"),
        ("node", "node-18", "18.1.0", "20.0.0"),
        ("python", "3.12", "3.12.0 3.12.9", "3.13.0 3.1.2 3.12.0rc1"),
        ("python", "3", "3.13.1", "2.7.18"),
        ("python", "3.12.*", "3.12.4", "3.13.0"),
        ("python", "python-3.11.4", "3.11.4", "3.11.5"),
        ("python", "cpython@3.11", "3.11.4", "3.12.0"),
        ("python", ">=3.10,<3.13", "3.10.0 3.12.9", "3.13.0 3.9.1"),
        ("python", ">= 3.10, < 3.13", "3.12.9", "3.13.0"),
        ("python", ">=3.10 <3.13", "3.12.9", "3.13.0"),
        ("python", "~=3.11", "3.11.0 3.13.0", "3.10.0 4.0.0"),
        ("python", "!=3.11.*,>=3.10", "3.10.0 3.12.0", "3.11.3"),
        ("python", "^3.11", "3.11.0 3.13.0", "3.10.9 4.0.0"),
        ("python", "~3.11", "3.11.9", "3.12.0"),
        ("python", "^3.8 || ^2.7", "3.8.0 2.7.18", "3.7.0 2.6.0"),
        ("python", "3.13-dev", "3.13.1", "3.12.0"),
        ("poetry", "1.8", "1.8.5", "2.0.0"),
        ("uv", ">=0.5,<1", "0.9.9", "1.0.0"),
        ("go", "1.22", "1.22.0 1.22.9", "1.23.0 1.22rc1"),
        ("go", "go1.22.3", "1.22.3", "1.22.4"),
        ("go", ">=1.22", "1.22 1.27.3", "1.21.9"),
        ("yarn", "4.1.0+sha512.0abc", "4.1.0", "4.1.1"),
        ("pnpm", "9", "9.15.9", "10.0.0"),
        ("bun", "1.x", "1.2.3", "2.0.0"),
    ],
)
def test_a_wish_holds(tool: str, wanted: str, held: str, not_held: str) -> None:
    wish = read_wish(Need(tool=tool, wanted=wanted), TODAY)
    assert [each for each in held.split() if not wish.holds(each)] == []
    assert [each for each in not_held.split() if wish.holds(each)] == []


@pytest.mark.parametrize(
    ("tool", "wanted", "exact"),
    [
        ("node", "v20.11.1", "20.11.1"),
        ("python", "3.11.4", "3.11.4"),
        ("python", "3.11", None),
        ("go", "1.22.3", "1.22.3"),
    ],
)
def test_an_exact_version_is_known_for_one(tool: str, wanted: str, exact: str | None) -> None:
    assert read_wish(Need(tool=tool, wanted=wanted), TODAY).exact == exact


def test_another_mend_of_the_same_python_is_near() -> None:
    near = read_wish(Need(tool="python", wanted="3.11.4"), TODAY).nearby
    assert near is not None
    assert (near("3.11.7"), near("3.12.4")) == (True, False)
    assert read_wish(Need(tool="node", wanted="20.11.4"), TODAY).nearby is None


@pytest.mark.parametrize(
    ("tool", "wanted"),
    [
        ("python", "pypy3.9"),
        ("node", "$(touch /tmp/x)"),
        ("node", "lts/atlantis"),
        ("go", "tip"),
        ("python", "3.12\nls"),
    ],
)
def test_what_is_no_version_is_refused_with_an_example(tool: str, wanted: str) -> None:
    with pytest.raises(BuildError) as refused:
        read_wish(Need(tool=tool, wanted=wanted, source=".tool-versions"), TODAY)
    assert "(.tool-versions) is no version of" in refused.value.message
    assert releases.EXAMPLES[tool] in refused.value.message


@given(st.sampled_from(sorted(TOOLS)), st.text(max_size=30))
def test_any_text_is_a_wish_or_refused(tool: str, wanted: str) -> None:
    try:
        wish = read_wish(Need(tool=tool, wanted=wanted), TODAY)
    except BuildError:
        return
    for version in ("1.2.3", "3.13.0", "20.11.1", "nonsense"):
        wish.holds(version)


def test_the_newest_is_found() -> None:
    assert newest(Form.NPM, ["9.0.0", "10.0.0", "10.0.0-rc.1", "x"]) == "10.0.0"
    assert newest(Form.PYTHON, ["3.9.1", "3.13.0rc1", "3.12.9"]) == "3.13.0rc1"
    assert newest(Form.GO, ["1.9", "1.22rc1", "1.22"]) == "1.22"
    assert newest(Form.NPM, []) is None


@pytest.mark.parametrize(
    ("tool", "version", "said"),
    [
        ("node", "18.20.1", "18 has had no security fixes since April 2025; move to a newer one."),
        ("node", "21.0.0", "21 has had no security fixes since June 2024; move to a newer one."),
        ("node", "24.1.0", ""),
        ("python", "3.9.18", "3.9 has had no security fixes since October 2025; move to a newer one."),
        ("python", "3.13.5", ""),
        ("pnpm", "1.0.0", ""),
    ],
)
def test_the_end_of_a_line_is_told(tool: str, version: str, said: str) -> None:
    assert releases.told_end(tool, version, TODAY) == said


def test_beside_a_node_comes_the_npm_that_it_is_published_with() -> None:
    lines = {
        version: releases.npm_range(version) for version in ("14.21.3", "20.20.2", "22.23.3", "24.16.0", "26.12.1")
    }
    assert lines == {"14.21.3": "6", "20.20.2": "10", "22.23.3": "10", "24.16.0": "11", "26.12.1": "11"}
