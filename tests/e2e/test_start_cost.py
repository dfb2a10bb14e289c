"""What a start of the panel costs: processor time until it answers, the memory that is its own, and what it loads."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, panel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MOST_STARTS = 8
RESTS_SECONDS = 2.0
MOST_MEMORY_MB = 96.0
# In times of what the libraries that every start needs take to be loaded on the same machine in the same minute: that
# measure is as slow as the machine is.
MOST_OF_THE_LIBRARIES = 3.3
LIBRARIES = "import sqlalchemy, pydantic, starlette.applications, uvicorn, cryptography.fernet"
# What most panels never need, or not before somebody asks for it.
LATE = (
    "alembic",
    "apprise",
    "asyncssh",
    "cryptography.x509",
    "fido2",
    "httpx",
    "idna",
    "jinja2",
    "joserfc",
    "packaging",
    "psycopg",
    "pygments",
    "rich",
    "segno",
    "yaml",
    "headway.core.access.ceremonies",
    "headway.core.deployments.history",
    "headway.drivers.builders.registry",
    "headway.drivers.buildplan.toolchains.provision",
    "headway.drivers.edge.custom_traefik",
    "headway.features.notifications.service",
    "headway.features.rollbacks.comparison",
    "headway.features.schedules.service",
    "headway.features.services.application.release_container",
    "headway.features.services.compose.activation",
    "headway.features.services.compose.file_policy",
    "headway.http.openapi",
    "headway.infra.openid",
    "headway.pages.page",
    "headway.web.app",
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of processor time until a panel answered, and the MB that nobody shares with it once it is at rest."""

    seconds: float
    memory_mb: float


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """A panel whose database is there, and which does not run; it loads itself at each start."""
    with panel(tmp_path_factory.mktemp("cost") / "data") as started:
        started.stop()
        started.loaded = False
        yield started


def test_a_start_is_cheap_and_the_panel_rests_small(stopped: Panel) -> None:
    """Whatever else the machine does can only add to it, so the cheapest of some starts counts."""
    costs, told = list[tuple[float, Cost]](), ""
    for _ in range(MOST_STARTS):
        measure = seconds_of(LIBRARIES)  # a processor is faster in one second than in the next: each start has its own
        cost = cost_of_a_start(stopped)
        costs.append((cost.seconds / measure, cost))
        times, cheapest = min(costs, key=itemgetter(0))
        memory = min(each.memory_mb for _, each in costs)
        told = f"{cheapest.seconds:.2f} s of processor ({times:.2f} of the libraries); at rest: {memory:.1f} MB"
        print(f"start: {told}")
        if times < MOST_OF_THE_LIBRARIES and memory < MOST_MEMORY_MB:
            return
    pytest.fail(told)


def test_a_panel_loads_what_its_start_needs_and_no_more() -> None:
    serving = "import headway.foreground; from headway.cli.main import build; build('serve')"
    code = f"import sys; {serving}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in LATE if name in ended.stdout.split()] == []


def cost_of_a_start(stopped: Panel) -> Cost:
    """Starts the panel, lets it come to rest, and stops it."""
    stopped.start()
    assert stopped.process is not None
    seconds = processor_seconds(stopped.process.pid)
    time.sleep(RESTS_SECONDS)
    memory = private_mb(stopped.process.pid)
    stopped.stop()
    return Cost(seconds=seconds, memory_mb=memory)


def seconds_of(code: str) -> float:
    """The processor time of an interpreter that runs this."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def processor_seconds(pid: int) -> float:
    """What a process has used so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_mb(pid: int) -> float:
    """The memory of a process that is not shared with any other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return kib / 1024
