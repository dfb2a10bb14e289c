"""Thousands of calls that follow the OpenAPI document, and that do not: no 5xx, no answer that breaks its schema, no
call that hangs, with a key and without one; on a panel that builds and serves meanwhile.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.fuzz.fuzz import furnish, fuzz
from tests.support.panel.panel import KEY, git_repository, panel, web

EXAMPLES = os.environ.get("EXAMPLES", "40")  # of each procedure


@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "without a key"])
def test_no_call_breaks_the_panel_or_its_word(tmp_path: Path, key: str | None) -> None:
    with panel(tmp_path / "data", HEADWAY_CONCURRENCY="2") as running:
        furnish(running, git_repository(tmp_path / "repository", web("fuzzed")))
        options = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES)
        tried = fuzz(running, tmp_path, *options, key=key, seconds=1800)
        print(f"{tried} calls {'with' if key else 'without'} a key")
        mistakes = [line for line in running.log().splitlines() if "incident" in line or "Traceback" in line]
        assert mistakes == []
