"""Notifications over a SIGKILL of the panel; ``script/prove notifications`` is the long form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_compose_cli import typed
from tests.support.notifications.receivers import receiver
from tests.support.notifications.telling import assert_all_is_told
from tests.support.panel.panel import Panel, git_repository, panel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data") as started:
        yield started


def test_nothing_is_lost_and_all_comes_in_order(running: Panel, tmp_path: Path) -> None:
    assert_all_is_told(running, tmp_path, deployments=1)


def test_a_channel_is_made_bound_tried_and_removed_by_command(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "app", {"Procfile": "web: true\n"}), "shop")
    with receiver() as heard:
        assert "ops is told from now on" in typed(running, "notifications", "create", "ops", heard.url)[1]
        bound = (
            "notifications",
            "update",
            "ops",
            "--app",
            "shop",
            "--event",
            "application.*",
            "--quiet",
            "0",
            "--json",
        )
        row = json.loads(typed(running, *bound)[1])
        assert (row["serviceIds"], row["events"], row["quietSeconds"]) == ([application_id], ["application.*"], 0)
        assert typed(running, "notifications", "test", "ops")[:2] == (0, "ops has taken it\n")
        assert "There is no application none" in typed(running, "notifications", "update", "ops", "--app", "none")[2]
        off = ("notifications", "update", "ops", "--app", "", "--off", "--json")
        row = json.loads(typed(running, *off)[1])
        assert (row["serviceIds"], row["enabled"]) == ([], False)
        assert "ops" in typed(running, "notifications", "list")[1]
    assert [each.told["type"] for each in heard.posted] == ["channel.test"]
    assert typed(running, "notifications", "remove", "ops")[0] == 0
