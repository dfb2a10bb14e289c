"""Schedules through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_compose_cli import typed
from tests.support.panel.panel import panel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_schedule_is_made_run_shown_switched_and_deleted(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        script = tmp_path / "tidy.sh"
        script.write_text("echo tidy\nexit ${STATUS:-0}\n")
        made = ("schedules", "create", "tidy", "--machine", "--cron", "0 3 * * 0", "--file", str(script))
        assert typed(running, *made)[1].startswith("tidy is made (")
        status, out, err = typed(running, "schedules", "run", "tidy")
        assert (status, "tidy\n" in out) == (0, True), out + err
        (row,) = json.loads(typed(running, "schedules", "list", "--json")[1])
        assert (row["name"], row["scheduleType"], row["enabled"]) == ("tidy", "dokploy-server", True)
        assert "this machine" in typed(running, "schedules", "list")[1]
        assert "0 3 * * 0 (UTC)" in typed(running, "schedules", "show", "tidy")[1]
        assert typed(running, "schedules", "disable", "tidy")[:2] == (0, "tidy is off\n")
        assert typed(running, "schedules", "enable", row["scheduleId"])[1].startswith("tidy is on; it is due next at")
        assert typed(running, "schedules", "delete", "tidy", "--yes")[:2] == (0, "tidy is deleted\n")
        assert json.loads(typed(running, "schedules", "list", "--json")[1]) == []


def test_what_is_wrong_is_said_and_a_failure_has_a_status(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        make = ("schedules", "create", "broken", "--machine", "--cron")
        assert "never due" in typed(running, *make, "0 0 31 2 *", "--command", "true")[2]
        assert "either --command, or --file" in typed(running, *make, "@daily")[2]
        assert "Say where" in typed(running, "schedules", "create", "x", "--cron", "@daily", "--command", "true")[2]
        assert typed(running, *make, "@daily", "--command", "echo why; exit 4")[0] == 0
        status, _, err = typed(running, "schedules", "run", "broken")
        assert (status, "ended with exit status 4: why" in err) == (1, True), err
        assert "There is no schedule nobody." in typed(running, "schedules", "show", "nobody")[2]
