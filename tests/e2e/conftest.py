"""The clients of npm, installed once for all tests that drive them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.npm_clients import installed


@pytest.fixture(scope="session")
def clients(request: pytest.FixtureRequest) -> Path:
    """Where the two clients are installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm on the PATH")
    assert request.config.cache is not None
    return installed(request.config.cache)
