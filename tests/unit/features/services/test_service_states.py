"""The state of a service in a word: what is wanted goes before what serves, and that before what is under way."""

from __future__ import annotations

from typing import Any

import pytest

from headway.features.services.pages.service_states import state_of

SERVES = {"unstable": False}


@pytest.mark.parametrize(
    ("serving", "status", "wanted", "told"),
    [
        (None, "idle", "down", ("idle", "not deployed yet")),
        (None, "running", "down", ("starting", "first deployment")),
        (None, "error", "down", ("error", "never served")),
        (SERVES, "done", "up", ("serving", "serves")),
        (SERVES, "running", "up", ("starting", "serves, deploys")),
        (SERVES, "error", "up", ("error", "serves, error")),
        ({"unstable": True}, "done", "up", ("unstable", "unstable")),
        (SERVES, "idle", "down", ("stopped", "stopped")),
        ({"unstable": True}, "idle", "down", ("stopped", "stopped")),
        (SERVES, "idle", "held", ("stopped", "held for a backup")),
    ],
)
def test_a_service_is_told_in_a_word(
    serving: dict[str, bool] | None, status: str, wanted: str, told: tuple[str, str]
) -> None:
    row: Any = {"serving": serving, "status": status, "wanted": wanted}
    assert state_of(row) == told


def test_what_is_only_brought_up_is_not_deployed() -> None:
    row: Any = {"serving": SERVES, "status": "running", "wanted": "up"}
    assert state_of(row, is_deployed=False) == ("starting", "starting")
