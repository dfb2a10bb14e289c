"""Must show 1 of containers, for processes: deploys in a row lose no request, and none where every second one fails."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.support.applications.visitors import Visitors
from tests.support.panel.panel import commit, git_repository, panel, web

DEPLOYS = int(os.environ.get("DEPLOYS", "30"))
BUSY = 50
SECONDS = 120


@pytest.mark.parametrize("every_second_fails", [False, True])
def test_deploys_in_a_row_lose_no_request(*, every_second_fails: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="headway-natives-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        repository = folder / "repository"
        url = git_repository(repository, queued("v0"))
        with panel(folder / "data", HEADWAY_KEEP_RELEASES="2", HEADWAY_DRAIN_TIME="1") as running:
            application_id = running.application(url, name="served")
            running.done(running.deploy(application_id), SECONDS)
            with Visitors(running.edge_port, ["served"], kept=BUSY - 1, pause_seconds=0) as visitors:
                for number in range(1, DEPLOYS + 1):
                    fails = every_second_fails and number % 2 == 0
                    commit(repository, queued(f"v{number}"), f"version {number}")
                    if fails:
                        commit(repository, {"app.py": "raise SystemExit(3)\n"}, f"broken {number}")
                    row = running.ended(running.deploy(application_id), SECONDS)
                    assert row["status"] == ("error" if fails else "done"), row["errorMessage"]
    assert visitors.failures == []
    what = "every second one failing" if every_second_fails else "each of them done"
    print(f"\n{DEPLOYS} deploys of processes, {what}: {visitors.count} requests, {BUSY} in flight, none of them failed")


def queued(version: str) -> dict[str, str]:
    """An application that lets as many connections wait as there are visitors: of five the sixth would be refused."""
    files = web(version)
    files["app.py"] = f"import http.server\nhttp.server.ThreadingHTTPServer.request_queue_size = 256\n{files['app.py']}"
    return files
