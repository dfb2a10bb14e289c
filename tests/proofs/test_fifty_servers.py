"""Fifty servers with two quiet builds on each at once: what that costs the panel, what one server that hangs costs the
others, and that a kill always finds its way.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.infra.hosts import processes, procfs
from tests.e2e.test_schedules import run, schedule
from tests.support.machines.local_hosts import with_argument
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server
from tests.support.panel.panel import KEY, Panel, panel

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
Json = Any
SERVERS = int(os.environ.get("SERVERS", "50"))
BUILDS = 2  # on each server
SECONDS = int(os.environ.get("SECONDS", "120"))
LINES = SECONDS * 10
HANGS_SECONDS = min(60, SECONDS // 3)
KILLS = 20
MOST_CORES, MOST_MB, MOST_LIST_MS, MOST_LAG_SECONDS, MOST_KILL_SECONDS = 1.0, 250.0, 50.0, 2.0, 1.0
SSHD_SESSIONS = 10
# A sleeper that wakes ten times a second costs a machine less than a shell that starts ten.
QUIET = (
    "exec perl -MTime::HiRes=time,sleep -e '$|=1; print qq(ready\n); sleep 0.2 while !-e q(GO); $b=time; "
    f"for $n (1..{LINES}) {{ printf qq(line %d \\@%.3f\\@\\n), $n, time; $w=$b+$n/10-time; sleep $w if $w>0 }}'"
)


@dataclass(kw_only=True)
class Watch:
    """What the panel uses and how it answers, from its first list call to its last."""

    panel: Panel
    server_ids: list[str]
    lists: list[float] = field(default_factory=list)
    most_mb: float = 0.0
    most_sessions: int = 0
    cores: float = 0.0

    @contextmanager
    def over(self, servers: list[SshServer]) -> Iterator[None]:
        """Watches for as long as the block lasts."""
        stop = threading.Event()
        watching = threading.Thread(target=self._look, args=(stop, servers))
        began, used = time.monotonic(), self._cpu()
        watching.start()
        try:
            yield
        finally:
            stop.set()
            watching.join()
            self.cores = (self._cpu() - used) / (time.monotonic() - began)

    def _look(self, stop: threading.Event, servers: list[SshServer]) -> None:
        paths = [f"deployment.allByServer?serverId={server_id}" for server_id in self.server_ids]
        url = f"http://127.0.0.1:{self.panel.port}/api/"
        with httpx.Client(base_url=url, headers={"x-api-key": KEY}, timeout=60, trust_env=False) as client:
            for number in range(1 << 30):
                if stop.wait(0.1):
                    return
                began = time.perf_counter()
                assert client.get(paths[number % len(paths)]).status_code == 200
                self.lists.append((time.perf_counter() - began) * 1000)
                self.most_mb = max(self.most_mb, self._resident())
                if number % 20 == 0:  # it looks at every process of the machine
                    self.most_sessions = max(self.most_sessions, _sessions(servers[number // 20 % len(servers)]))

    def _cpu(self) -> float:
        """Seconds of processor time so far, those of children that have ended too."""
        assert self.panel.process is not None
        fields = Path(f"/proc/{self.panel.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def _resident(self) -> float:
        assert self.panel.process is not None
        status = Path(f"/proc/{self.panel.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_fifty_servers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(ssh_server(tmp_path / f"server{number}")) for number in range(SERVERS)]
        running = stack.enter_context(panel(tmp_path / "data"))
        ids = [added(running, server, number) for number, server in enumerate(servers)]
        stack.callback(lambda: [running.post("server.remove", serverId=each, force=True) for each in ids])
        watch = Watch(panel=running, server_ids=ids)
        with watch.over(servers):
            builds = begun(running, ids, QUIET.replace("GO", str(tmp_path / "go")), BUILDS)
        report("they begin", watch)
        with watch.over(servers):
            (tmp_path / "go").touch()
            for build in builds[:1]:
                running.running(build.deployment_id, "line 1 ", 60)
            printing = [each for each in builds if each.server_id != ids[0]]
            servers[0].hang()
            lags = lags_of(running, printing, HANGS_SECONDS)
            kills = killed(running, ids[1 : KILLS + 1])
            servers[0].go_on()
            for build in builds:
                ended_truly(running, build)
        report("they print", watch)
        told(lags, kills)
        assert watch.cores < MOST_CORES
        assert watch.most_mb < MOST_MB
        assert watch.most_sessions < SSHD_SESSIONS
        assert percentile(watch.lists, 0.99) < MOST_LIST_MS
        assert max(lags) < MOST_LAG_SECONDS
        assert max(kills) < MOST_KILL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A run on a server."""

    deployment_id: str
    server_id: str


def added(running: Panel, server: SshServer, number: int) -> str:
    """A server of the panel's, with room for one run more than there will be; its id."""
    key = running.post("sshKey.create", name=f"k{number}", privateKey=server.key.reveal())["sshKeyId"]
    given = {"name": f"s{number}", "ipAddress": server.address, "port": server.port, "concurrency": BUILDS + 1}
    server_id: str = running.post("server.create", sshKeyId=key, **given)["serverId"]
    return server_id


def begun(running: Panel, ids: list[str], script: str, count: int, said: str = "ready\n") -> list[Build]:
    """So many runs on each server, all of which have said that they are there."""
    where = [(each, {"scheduleType": "server", "serverId": each}) for each in ids for _ in range(count)]
    schedules = [(server_id, schedule(running, script, **given)) for server_id, given in where]
    builds = [Build(deployment_id=run(running, each), server_id=server_id) for server_id, each in schedules]
    for build in builds:
        running.running(build.deployment_id, said, 120)
    return builds


def lags_of(running: Panel, builds: list[Build], seconds: float) -> list[float]:
    """How old the newest line is that the log shows, build by build, again and again."""
    lags, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        for build in builds[:: max(1, len(builds) // 20)]:
            tail = running.get("deployment.readLogs", deploymentId=build.deployment_id, tail=1)
            (printed,) = re.findall(r"@([\d.]+)@", tail)[-1:] or ["0"]
            lags.append(time.time() - float(printed))
        time.sleep(0.5)
    return lags


def killed(running: Panel, ids: list[str]) -> list[float]:
    """Seconds that each kill of one more run takes, beside the builds."""
    took = []
    for build in begun(running, ids, "echo up; (setsid sleep 98765 &) ; exec sleep 98765", 1, "up\n"):
        began = time.monotonic()
        running.post("deployment.killProcess", deploymentId=build.deployment_id)
        took.append(time.monotonic() - began)
        assert running.one(build.deployment_id)["reason"] == "killed"
    assert with_argument("98765") == []
    return took


def ended_truly(running: Panel, build: Build) -> None:
    """The run is done, and its log has each line once."""
    row = running.done(build.deployment_id, SECONDS + 240)
    log = running.get("deployment.readLogs", deploymentId=row["deploymentId"], tail=LINES + 100)
    assert re.findall(r"^line (\d+) ", log, re.MULTILINE) == [str(number) for number in range(1, LINES + 1)]


def _sessions(server: SshServer) -> int:
    """How many sessions the server has under way: what its connections have started, be it once for several."""
    assert server.process is not None
    family = processes.with_descendants([server.process.pid])
    daemons = {pid for pid in family if procfs.name(pid).startswith("sshd")}
    return sum(_parent(pid) in daemons for pid in family - daemons)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return 0


def percentile(values: list[float], share: float) -> float:
    """The value that so many are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(when: str, watch: Watch) -> None:
    """Prints what the panel needed."""
    print(f"\n{SERVERS} servers, {BUILDS} builds on each, {LINES} lines a build, while {when}:")
    print(f"the panel: {watch.cores:.2f} cores on average, {watch.most_mb:.0f} MB at most so far")
    print(f"a list call: median {percentile(watch.lists, 0.5):.1f} ms, p99 {percentile(watch.lists, 0.99):.1f} ms")
    print(f"sessions on a server: {watch.most_sessions} at most, of {SSHD_SESSIONS}")


def told(lags: list[float], kills: list[float]) -> None:
    """Prints what came through beside a server that hangs."""
    print(f"a line is in the log of another server after {percentile(lags, 0.5):.2f} s, {max(lags):.2f} at most")
    print(f"kills there: median {percentile(kills, 0.5) * 1e3:.0f} ms, {max(kills) * 1e3:.0f} at most")
