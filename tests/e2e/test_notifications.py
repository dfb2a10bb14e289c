"""Notifications over a SIGKILL of the panel; ``script/prove notifications`` is the long form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.panel import Panel, panel
from tests.telling import assert_all_is_told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data") as started:
        yield started


def test_nothing_is_lost_and_all_comes_in_order(running: Panel, tmp_path: Path) -> None:
    assert_all_is_told(running, tmp_path, deployments=1)
