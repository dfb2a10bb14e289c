"""A program that dies for good, long after its deployment was done, is told to be down, and no more once it is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
DIES = """
import pathlib, sys, threading, time
PLACE = pathlib.Path("PATH")
if PLACE.exists():
    sys.exit(7)
def watch():
    import os
    while not PLACE.exists():
        time.sleep(0.1)
    os._exit(7)
threading.Thread(target=watch, daemon=True).start()
"""


def _down_since(running: Panel) -> str | None:
    (service,) = running.get("service.all")
    since: str | None = service["serving"]["downSince"]
    return since


def test_what_has_died_for_good_is_told(tmp_path: Path) -> None:
    place = Path("/tmp") / f"dies-{tmp_path.name}"
    files = web("one")
    files["app.py"] = DIES.replace("PATH", str(place)) + files["app.py"]
    url = git_repository(tmp_path / "repository", files)
    try:
        with panel(tmp_path / "data", HEADWAY_WATCH_TIME="1s") as running:
            application_id = running.application(url, "shop")
            deployment_id = running.deploy(application_id)
            assert running.ended(deployment_id)["status"] == "done"
            assert running.get("service.down") == []
            place.touch()
            (row,) = until(lambda: running.get("service.down"), 60, what="it is told to be down")
            assert (row["serviceId"], row["names"], row["all"]) == (application_id, ["web"], True)
            assert (row["exits"] >= 1, row["lastExit"]) == (True, "exit status 7")
            (service,) = running.get("service.all")
            assert (service["status"], service["wanted"]) == ("done", "up"), "nobody else tells of it"
            since = until(lambda: _down_since(running), 90, what="since when is found out, whoever looks")
            (row,) = running.get("service.down")
            assert row["since"] == since
            place.unlink()
            running.post("application.reload", applicationId=application_id)
            until(lambda: running.get("service.down") == [], 60, what="it is up again")
    finally:
        place.unlink(missing_ok=True)
