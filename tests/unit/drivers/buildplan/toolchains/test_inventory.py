"""Which of what a machine has is used."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.inventory import Inventory, choose, parse
from headway.drivers.buildplan.toolchains.provision import merged, missing
from headway.drivers.buildplan.toolchains.version_requests import read_wish

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("", "3.13.5"),
        (">=3.9", "3.13.5"),
        (">=3.10,<3.13", "3.12.1"),
        ("3.11", "3.11.7"),
        ("3.11.2", "3.11.2"),
        ("3.9", None),
    ],
)
def test_the_one_on_path_is_used_where_it_will_do_and_else_the_newest(wanted: str, version: str | None) -> None:
    found = choose(read_wish(Need(tool="python", wanted=wanted), TODAY), _machine())
    assert (found and found.version) == version


def test_where_two_are_the_same_the_one_that_all_may_start_is_used() -> None:
    found = choose(read_wish(Need(tool="python", wanted="3.12.1"), TODAY), _machine())
    assert found is not None
    assert found.is_open


def test_what_is_missing_is_told_with_what_there_is() -> None:
    wish = read_wish(Need(tool="python", wanted="3.9", source=".python-version"), TODAY)
    said = missing(wish, _machine())
    assert said == ("Python 3.9 was asked for by .python-version; this machine has 3.13.5, 3.12.1, 3.11.7, 3.11.2.")
    none = missing(read_wish(Need(tool="deno"), TODAY), _machine())
    assert none == "Deno is needed; this machine has no Deno."


def test_an_entry_that_points_at_what_has_changed_meanwhile_is_not_there() -> None:
    machine = _machine()
    assert machine.has("python", "3.13.5") is not None
    assert machine.has("python", "3.13.4") is None
    assert machine.has("node", "22.1.0") is not None


def test_each_tool_is_needed_once_managers_first_and_node_never_without_npm() -> None:
    needs = [Need(tool="node", wanted="20"), Need(tool="python"), Need(tool="yarn"), Need(tool="node", wanted="22")]
    assert [(need.tool, need.wanted) for need in merged(needs)] == [
        ("yarn", ""),
        ("npm", ""),
        ("node", "20"),
        ("python", ""),
    ]
    assert [need.tool for need in merged([Need(tool="pnpm")])] == ["pnpm", "npm", "node"]
    assert [need.tool for need in merged([Need(tool="bun")])] == ["bun"]


def test_a_tool_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BuildError, match=r"'cobol' is no language or package manager that can be provided"):
        merged([Need(tool="cobol")])


def _machine() -> Inventory:
    kept = [
        {"tool": "python", "version": "3.13.5", "links": {"python3": "/usr/bin/python3"}},
        {"tool": "python", "version": "3.13.4", "links": {"python3": "/usr/bin/python3"}},
        {"tool": "node", "version": "22.1.0", "links": None},
    ]
    found = [
        _python("3.13.5", first=True),
        _python("3.11.2", path="/usr/bin/python3.11", first=True),
        _python("3.12.1", path="/root/.pyenv/versions/3.12.1/bin/python3", opened=False),
        _python("3.12.1", path="/opt/pyenv/versions/3.12.1/bin/python3"),
        _python("3.11.7", path="/opt/pyenv/versions/3.11.7/bin/python3"),
    ]
    return parse(json.dumps({"machine": "x86_64", "glibc": True, "avx2": True, "found": found, "kept": kept}).encode())


def _python(
    version: str, *, path: str = "/usr/bin/python3", first: bool = False, opened: bool = True
) -> dict[str, Any]:
    return {
        "tool": "python",
        "version": version,
        "label": "this machine" if first else "pyenv",
        "prefix": path.rpartition("/bin/")[0],
        "programs": {"python3": path},
        "open": opened,
        "first": first,
    }
