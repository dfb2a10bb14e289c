"""A work site for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.worksite import Worksite, open_worksite


@pytest.fixture
async def site() -> AsyncIterator[Worksite]:
    async with open_worksite() as opened:
        yield opened
