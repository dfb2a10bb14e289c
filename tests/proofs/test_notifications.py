"""Must show 5: through a real SMTP server and a receiver that fails half of the time, each event is told at least once
under one id, in order per deployment; none is lost over a SIGKILL between the end of a deployment and the sending, and
repeats come only where the answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.notifications.telling import assert_all_is_told
from tests.support.panel.panel import Panel, panel


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data") as started:
        yield started


def test_nothing_is_lost_over_many_kills(running: Panel, tmp_path: Path) -> None:
    assert_all_is_told(running, tmp_path, deployments=12)
