"""What tests of access share."""

from __future__ import annotations

import pytest

from headway.infra.db.engine import SqlDatabase
from tests.integration.access.people import People


@pytest.fixture
async def people(database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> People:
    """People who sign in, on both databases."""
    return await People.on(database, monkeypatch)
