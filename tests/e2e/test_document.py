"""The OpenAPI document tells the truth: schemathesis calls what it tells, as it tells, and as it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fuzz.fuzz import fuzz
from tests.support.panel.panel import Panel, panel


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("document") / "data") as started:
        started.post("project.create", name="one")
        started.post("sshKey.create", name="one")
        yield started


@pytest.mark.slow
@pytest.mark.timeout(240)  # seconds on a machine that does nothing else
def test_what_is_answered_is_what_the_document_says(running: Panel, tmp_path: Path) -> None:
    """Without a key; `script/prove schemathesis` goes on with one, which takes minutes."""
    assert fuzz(running, tmp_path, "--phases", "fuzzing", "--max-examples", "3", key=None) > 100
