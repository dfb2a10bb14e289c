"""The OpenAPI document tells the truth: schemathesis calls what it tells, as it tells, and as it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.core.access.model import Role
from tests.support.fuzz.fuzz import fuzz
from tests.support.panel.panel import Panel, panel
from tests.support.panel.permissions import PERMISSIONS
from tests.support.panel.today import today, turn

DAYS = 12


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("document") / "data") as started:
        started.post("project.create", name="one")
        started.post("sshKey.create", name="one")
        yield started


@pytest.mark.slow
@pytest.mark.timeout(240)  # seconds on a machine that does nothing else
def test_what_is_answered_is_what_the_document_says(running: Panel, tmp_path: Path) -> None:
    """Without a key: what needs none, and of the rest, whose answers are alike, what has its turn today; `script/prove
    schemathesis` goes on with all of it, and with a key, which takes minutes.
    """
    open_to_all = {name for name, permission in PERMISSIONS.items() if permission.least is Role.GUEST}
    procedures = sorted({*open_to_all, *turn(PERMISSIONS, DAYS)})
    print(f"{today()}: {', '.join(procedures)}")
    tried = fuzz(running, tmp_path, "--phases", "fuzzing", "--max-examples", "3", key=None, procedures=procedures)
    assert tried >= len(procedures) > len(open_to_all) > 0
