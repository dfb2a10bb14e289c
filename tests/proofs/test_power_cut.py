"""A deploy is done: if the power goes in that moment, the next start of the machine finds the row and the release."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from tests.support.machines.power_cut import forgetful_disk, lacks_loop_devices
from tests.support.panel.panel import commit, git_repository, panel, web

DEPLOYS = int(os.environ.get("DEPLOYS", "3"))
PAGES = {f"page {number}.txt": f"{number}" * 20_000 for number in range(60)}


@pytest.mark.skipif(bool(lacks_loop_devices()), reason=lacks_loop_devices())
def test_what_is_done_is_there_after_a_power_cut(tmp_path: Path) -> None:
    url = git_repository(tmp_path / "repository", web("v0", **PAGES))
    with forgetful_disk(1024) as disk, panel(disk.mounted / "data", HEADWAY_SETTLE_TIME="0.1") as running:
        application_id = running.application(url, name="kept")
        for number in range(DEPLOYS):
            commit(tmp_path / "repository", {"version": f"{number}"}, f"version {number}")
            began = time.monotonic()
            row = running.done(running.deploy(application_id), 120)
            took = time.monotonic() - began
            with disk.after_a_power_cut() as left:
                lost = lost_of(disk.mounted / "data" / "work" / "releases", left / "data" / "work" / "releases")
                assert lost == []
                assert (left / "data" / "logs").exists()
                assert status_of(left / "data" / "headway.db", row["deploymentId"]) == "done"
            print(f"deploy {number}: done after {took:.2f} s, and whole after a power cut in that moment")


def lost_of(live: Path, left: Path) -> list[str]:
    """What of a folder is not as it was."""
    assert live.exists()
    files = [path for path in live.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > len(PAGES)
    names = [path.relative_to(live) for path in files]
    return [str(name) for name in names if not same(live / name, left / name)]


def same(live: Path, left: Path) -> bool:
    """Whether a file is there with all that is in it."""
    return left.is_file() and left.read_bytes() == live.read_bytes()


def status_of(database: Path, deployment_id: str) -> str:
    """What the row says that the power cut has left."""
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT status FROM deployments WHERE deployment_id = ?", (deployment_id,))
        (status,) = found.fetchone()
        return str(status)
