"""Measures a native redeploy against the bare commands, the way from request to running and to the first log line, and
the panel at rest. Prints milliseconds and MB; fails where a figure is over its bound.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

from tests.support.panel.panel import KEY, Panel, free_port, git_repository, web

ROUNDS = int(os.environ.get("ROUNDS", "30"))
BOUNDS = {"request to running": 10.0, "request to first log line": 60.0, "redeploy over bare commands": 250.0}


def main() -> int:
    """Runs all measurements on one panel; the exit status."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data")
        try:
            return report(measure(panel, Path(folder)))
        finally:
            panel.clean_up()


def measure(panel: Panel, folder: Path) -> dict[str, float]:
    """Every figure, by its name."""
    began = time.perf_counter()
    panel.start()
    health = (time.perf_counter() - began) * 1000
    time.sleep(3)
    at_rest = memory(panel)
    application_id = panel.application(git_repository(folder / "repository", web("x")))
    panel.done(panel.deploy(application_id))
    starts = [request_to_start(panel, application_id) for _ in range(ROUNDS)]
    redeploys = [redeploy(panel, application_id) for _ in range(ROUNDS)]
    floors = [bare(panel, application_id, folder / f"bare{number}") for number in range(ROUNDS)]
    figures = {
        "health after the start": health,
        "memory at rest": at_rest,
        "memory after the deploys": memory(panel),
        "request to running": statistics.median(start[0] for start in starts),
        "request to first log line": statistics.median(start[1] for start in starts),
        "redeploy": statistics.median(redeploys),
        "bare commands": statistics.median(floors),
    }
    figures["redeploy over bare commands"] = figures["redeploy"] - figures["bare commands"]
    return figures


def request_to_start(panel: Panel, application_id: str) -> tuple[float, float]:
    """Milliseconds from sending the request until the row has started, by its own clock, and until the first log bytes
    reach a follower.
    """
    sent = time.time()
    began = time.perf_counter()
    deployment_id = panel.deploy(application_id, "application.redeploy")
    first_line = 0.0
    headers = {"x-api-key": KEY}
    url = f"http://127.0.0.1:{panel.port}/api/deployment.follow?deploymentId={deployment_id}"
    with httpx.stream("GET", url, headers=headers, timeout=30, trust_env=False) as stream:
        for line in stream.iter_lines():
            if line == "event: log":
                first_line = (time.perf_counter() - began) * 1000
                break
    row = panel.done(deployment_id)
    return (timestamp(row["startedAt"]) - sent) * 1000, first_line


def redeploy(panel: Panel, application_id: str) -> float:
    """Milliseconds from sending the request until the end, by the row's clock."""
    sent = time.time()
    deployment_id = panel.deploy(application_id, "application.redeploy")
    return (timestamp(panel.done(deployment_id)["finishedAt"]) - sent) * 1000


def bare(panel: Panel, application_id: str, target: Path) -> float:
    """Milliseconds that the same takes by hand: lay the commit out, close it, start it, wait until it answers."""
    mirror = panel.data_dir / "work" / "mirrors" / application_id
    port = free_port()
    began = time.perf_counter()
    target.mkdir()
    archive = subprocess.Popen(
        ["git", f"--git-dir={mirror}", "-c", "safe.directory=*", "archive", "refs/headway/source"],
        stdout=subprocess.PIPE,
    )
    subprocess.run(["tar", "--extract", f"--directory={target}"], stdin=archive.stdout, check=True)
    subprocess.run(["chmod", "-R", "u+rwX,g+rX,o-rwx,go-w", str(target)], check=True)
    subprocess.run(["chown", "-R", "-h", "0:0", str(target)], check=True)
    env = {"PATH": "/usr/bin:/bin", "PORT": str(port)}
    process = subprocess.Popen(["/usr/bin/python3", "app.py"], cwd=target, env=env)
    while not answers(port):
        time.sleep(0.005)
    took = (time.perf_counter() - began) * 1000
    process.kill()
    process.wait()
    archive.wait()
    shutil.rmtree(target)
    return took


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def memory(panel: Panel) -> float:
    """The panel's resident memory in MB."""
    assert panel.process is not None
    status = Path(f"/proc/{panel.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def timestamp(text: str) -> float:
    """Seconds since 1970 of a time on the wire."""
    return datetime.fromisoformat(text).timestamp()


def report(figures: dict[str, float]) -> int:
    """Prints the figures; 1 where one is over its bound."""
    bounds = {**BOUNDS, "health after the start": 2000.0, "memory at rest": 130.0}
    for name, value in figures.items():
        unit = "MB" if name.startswith("memory") else "ms"
        bound = f"  (at most {bounds[name]:.0f})" if name in bounds else ""
        sys.stdout.write(f"{name:32} {value:8.1f} {unit}{bound}\n")
    over = [name for name, bound in bounds.items() if figures[name] > bound]
    sys.stdout.write(json.dumps({"over": over}) + "\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
