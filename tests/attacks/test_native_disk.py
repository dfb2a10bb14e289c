"""Filling the machine's disk from an application of processes, in one file and in many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.root, pytest.mark.slow]

BOUND = 64 << 20
LARGE = "one(os.environ['HOME'] + '/large', 3000)"
FILLER = """\
import http.server, os, threading, time, urllib.parse

def one(path, megabytes):
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
            file.flush()

def many(folder, megabytes, pause=0.02, left=0):
    os.makedirs(folder, exist_ok=True)
    for number in range(megabytes):
        seen = os.statvfs(folder)
        little = seen.f_bavail * seen.f_frsize < left  # it goes on, and some stays free however late it is looked at
        with open(f"{folder}/{number}", "wb") as file:
            file.write(bytes(1 << 12 if little else 1 << 20))
        time.sleep(pause)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.unquote(self.path[1:])
        if asked:
            threading.Thread(target=lambda: eval(asked)).start()
        self.send_response(200)
        said = str(os.getpid()).encode()
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
FILES = {"app.py": FILLER, "Procfile": "web: python3 app.py\n", "requirements.txt": ""}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("disk")
    panel = Panel(folder / "data", HEADWAY_APPLICATION_DISK="64MiB").start()
    try:
        url = git_repository(folder / "filler", FILES)
        panel.done(panel.deploy(panel.application(url, name="filler")))
        yield panel
    finally:
        panel.clean_up()


def test_no_file_grows_beyond_the_bound(panel: Panel) -> None:
    application_id = panel.get("application.search", name="filler")["items"][0]["applicationId"]
    panel.visit("filler", f"/{quote(LARGE)}")
    data = panel.work / "data" / application_id / "large"
    until(lambda: "File too large" in panel.get("application.readLogs", applicationId=application_id), 20)
    assert data.stat().st_size == BOUND
    data.unlink()


@pytest.mark.parametrize("place", ["os.environ['HOME'] + '/many'", "'/tmp/filler-' + str(os.getuid())"])
def test_whoever_fills_the_disk_with_many_files_is_ended(panel: Panel, place: str) -> None:
    application_id = panel.get("application.search", name="filler")["items"][0]["applicationId"]
    before = pid_of(panel)
    panel.visit("filler", f"/{quote(f'many({place}, 3000)')}")
    slowest = 0.0

    def is_another() -> bool:
        nonlocal slowest
        began = time.monotonic()
        httpx.get(f"http://127.0.0.1:{panel.port}/api/health", timeout=10, trust_env=False)
        slowest = max(slowest, time.monotonic() - began)
        return pid_of(panel) not in {None, before}

    until(is_another, 30, what="it is ended, and started again")
    data = panel.work / "data" / application_id
    held = sum(each.stat().st_size for each in data.rglob("*") if each.is_file())
    print(f"{held >> 20} MiB were written, health took {slowest * 1000:.0f} ms at most")
    assert held < 6 * BOUND
    said = panel.get("application.readLogs", applicationId=application_id, tail=1000)
    assert "where it may have 64 MiB (let it keep less, or raise HEADWAY_APPLICATION_DISK)" in said
    for left in [*data.glob("*/*"), *Path("/tmp").glob("filler-*/*")]:
        left.unlink()
    until(lambda: pid_of(panel), 20, what="it serves again")


def pid_of(panel: Panel, name: str = "filler") -> str | None:
    """The process that serves."""
    answer = panel.visit(name)
    return answer.text if answer.status_code == 200 else None
