"""Which package of a registry has a version of a tool."""

from __future__ import annotations

import pytest

from headway.drivers.buildplan.toolchains.inventory import Inventory
from headway.drivers.buildplan.toolchains.packages import sources_of

MACHINE = Inventory(machine="x86_64", has_glibc=True, has_avx2=True, found=(), kept=())


@pytest.mark.parametrize(
    ("version", "packages"),
    [
        ("1.22.22", ["yarn"]),
        ("2.4.1", ["@yarnpkg/cli-dist"]),
        ("2.4.3", ["@yarnpkg/cli-dist", "yarn"]),
        ("3.6.1", ["@yarnpkg/cli-dist"]),
        ("4.9.1", ["@yarnpkg/cli-dist"]),
    ],
)
def test_yarn_is_asked_of_the_packages_that_may_have_it(version: str, packages: list[str]) -> None:
    assert [source.name for source in sources_of("yarn", MACHINE) if source.has(version)] == packages
