"""Must show 6, as far as a log's bytes go: a large one arrives whole in flat memory, odd bytes pass, and a follower
that is cut off again and again reads the very same text.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.panel import KEY, Panel, git_repository, web

LINES = 1_000_000  # of 100 bytes each
MOST_GROWTH_MB = 30
CUTS = 100


@pytest.fixture
def site() -> Iterator[Panel]:
    with tempfile.TemporaryDirectory(prefix="headway-log-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data")
        try:
            yield panel.start()
        finally:
            panel.clean_up()


def test_100_mb_arrive_whole_while_the_panel_stays_small(site: Panel) -> None:
    line = "x" * 99
    build = f"yes {line} | head -n {LINES}"
    application_id = site.application(git_repository(site.data_dir.parent / "repo", web("x")), buildCommand=build)
    before = resident_mb(site)

    row = site.done(site.deploy(application_id), 300)

    log = Path(row["logPath"]).read_bytes()
    expected = hashlib.sha256((f"{line}\n" * LINES).encode()).hexdigest()
    begin = log.index(b"xxx")
    assert hashlib.sha256(log[begin : begin + LINES * 100]).hexdigest() == expected
    growth = resident_mb(site) - before
    print(f"\n100 MB of output: whole; the panel grew by {growth:.1f} MB")
    assert growth < MOST_GROWTH_MB


def test_odd_bytes_pass_and_a_follower_cut_off_reads_the_same_text(site: Panel) -> None:
    odd = "import sys; w = sys.stdout.buffer.write\n"
    odd += "w(b'bad \\xff\\xfe nul \\0 cr 10%\\r20%\\r\\n' + 'schön\\n'.encode()); w(b'y' * 10_000_000 + b'\\n')\n"
    odd += "[w(b'line %d\\n' % n) for n in range(20_000)]\n"
    files = {**web("x"), "odd.py": odd}
    url = git_repository(site.data_dir.parent / "repo", files)
    application_id = site.application(url, buildCommand="python3 odd.py")
    deployment_id = site.deploy(application_id)
    row = site.done(deployment_id, 120)
    whole = Path(row["logPath"]).read_text()
    assert "bad \ufffd\ufffd nul \0 cr 10%\r20%\r\nschön\n" in Path(row["logPath"]).read_bytes().decode()
    assert "y" * 10_000_000 in whole

    text, cuts = followed(site, deployment_id)

    assert text == Path(row["logPath"]).read_bytes().decode()
    print(f"\na follower cut off {cuts} times read the same {len(text)} characters")


def followed(panel: Panel, deployment_id: str) -> tuple[str, int]:
    """The text that a follower puts together which is cut off at random points, and how often it was."""
    dice = random.Random(7)
    pieces: list[str] = []
    last, cuts = "0", 0
    while True:
        left = dice.randint(1, 6) if cuts < CUTS else 1 << 30
        ended = False
        for kind, event_id, data in events(panel, deployment_id, last):
            if kind == "log":
                pieces.append(json.loads(data))
                last = event_id
                left -= 1
            ended = kind == "end"
            if ended or left == 0:
                break
        if ended:
            return "".join(pieces), cuts
        cuts += 1


def events(panel: Panel, deployment_id: str, last: str) -> Iterator[tuple[str, str, str]]:
    """(kind, id, data) of each event that comes after ``last``."""
    url = f"http://127.0.0.1:{panel.port}/api/deployment.follow?deploymentId={deployment_id}"
    headers = {"x-api-key": KEY, "last-event-id": last}
    with httpx.stream("GET", url, headers=headers, timeout=30, trust_env=False) as stream:
        event = {"event": "", "id": "", "data": ""}
        for line in stream.iter_lines():
            if not line and event["event"]:
                yield event["event"], event["id"], event["data"]
                event = {"event": "", "id": "", "data": ""}
            elif ": " in line:
                name, value = line.split(": ", 1)
                event[name] = value


def resident_mb(panel: Panel) -> float:
    """The panel's resident memory."""
    assert panel.process is not None
    return int(Path(f"/proc/{panel.process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
