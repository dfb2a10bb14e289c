"""A work site, a store and a registry for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.worksite import Worksite, open_worksite
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, toolchain_registry


@pytest.fixture
async def site() -> AsyncIterator[Worksite]:
    async with open_worksite() as opened:
        yield opened


@pytest.fixture
def registry() -> Iterator[ToolchainRegistry]:
    with toolchain_registry() as opened:
        yield opened
