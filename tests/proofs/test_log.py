"""Must show 6: logs of any size and content arrive complete, in little memory, to many followers, and soon."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.cli.sse import EventReader
from tests.support.panel.panel import KEY, Panel, git_repository, web

FOLLOWERS = int(os.environ.get("FOLLOWERS", "1000"))
SECONDS = int(os.environ.get("SECONDS", "20"))
CUTS = int(os.environ.get("CUTS", "100"))

LINES_A_SECOND = 200
MEGABYTES = 100
MOST_GROWTH_MIB = 30
MOST_LAG_MS = 200
MOST_TAIL_MS = 50
BEGIN, END = "== begin ==\n", "\n== end ==\n"

# Prints MEGABYTES of lines of many lengths, and leaves a hash of them beside.
MANY = """\
import hashlib, os, random, sys
generator = random.Random(int(sys.argv[1]))
words = [("%x" % generator.getrandbits(64))[:generator.randrange(1, 16)] for _ in range(5000)] + ["äöü", "漢字", "🔑"]
digest, size = hashlib.sha256(), 0
os.write(1, b"== begin ==\\n")
while size < 100 << 20:
    lines = (" ".join(generator.choices(words, k=generator.randrange(1, 30))) for _ in range(400))
    data = ("\\n".join(lines) + "\\n").encode()
    digest.update(data)
    size += len(data)
    while data:
        data = data[os.write(1, data):]
os.write(1, b"\\n== end ==\\n")
open(sys.argv[2], "w").write(f"{size} {digest.hexdigest()}")
"""

# Prints lines that say when they were printed, so many a second.
STEADY = """\
import sys, time
rate, seconds = int(sys.argv[1]), int(sys.argv[2])
begin = time.monotonic() + 0.05
for number in range(rate * seconds):
    time.sleep(max(0, begin + number / rate - time.monotonic()))
    print(f"line {number} of a build, which says what it does: @{time.monotonic_ns()}@", flush=True)
"""

# Waits for a file, so that followers can come first.
WAIT = "while [ ! -e {go} ]; do sleep 0.05; done; "

# Bytes that are no text, and a line that is longer than any buffer.
ODD = """\
import os, sys
os.write(1, b"== begin ==\\n")
data = open(sys.argv[1], "rb").read()
while data:
    data = data[os.write(1, data[:100_000]):]
os.write(1, b"\\n== end ==\\n")
"""


class Site:
    """A panel and an application with ten secrets, which prints what its build command says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        people = {"HEADWAY_STREAMS_PER_PERSON": str(2 * FOLLOWERS)}  # all followers are one person's, who may have 100
        self.panel = Panel(folder / "data", HEADWAY_CONCURRENCY="2", **people)
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.shared.chmod(0o777)
        self.application_id = ""

    def set_up(self) -> None:
        """Starts the panel and deploys once, so that all of it is loaded."""
        self.panel.start()
        url = git_repository(
            self.folder / "repository", web("x", **{"many.py": MANY, "steady.py": STEADY, "odd.py": ODD})
        )
        env = "".join(f"SECRET_{number}=a-secret-that-is-never-printed-{number}\n" for number in range(10))
        self.application_id = self.panel.application(url, env=env, buildCommand="echo warm")
        self.panel.done(self.panel.deploy(self.application_id))

    def deploy(self, build: str) -> str:
        """Queues a deploy with this build command; its id."""
        self.panel.post("application.update", applicationId=self.application_id, buildCommand=build)
        return self.panel.deploy(self.application_id, "application.redeploy")

    def log(self, deployment_id: str) -> bytes:
        """What lies on the disk."""
        return (self.panel.data_dir / "logs" / f"{deployment_id}.log").read_bytes()

    def printed(self, log: bytes) -> bytes:
        """What of a log the build printed between its marks."""
        return log.partition(BEGIN.encode())[2].rpartition(END.encode())[0]

    @contextlib.contextmanager
    def memory(self) -> Iterator[list[float]]:
        """How much memory the panel holds meanwhile, in MiB."""
        assert self.panel.process is not None
        status, over = Path(f"/proc/{self.panel.process.pid}/statm"), threading.Event()
        found = [_resident_mib(status)]

        def look() -> None:
            while not over.wait(0.02):
                found.append(_resident_mib(status))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="headway-log-") as folder:
        Path(folder).chmod(0o711)
        site = Site(Path(folder))
        try:
            site.set_up()
            yield site
        finally:
            site.panel.clean_up()


@pytest.mark.parametrize("followers", [0, 3])
def test_a_hundred_megabytes_arrive_complete_in_little_memory(site: Site, followers: int) -> None:
    result = site.shared / "result"
    with site.memory() as memory:
        began = time.monotonic()
        deployment_id = site.deploy(f"python3 many.py {followers} {result}")
        readers = [Reader(site.panel, deployment_id) for _ in range(followers)]
        threads = [threading.Thread(target=reader.read_all) for reader in readers]
        for thread in threads:
            thread.start()
        site.panel.done(deployment_id, 300)
        took = time.monotonic() - began
        for thread in threads:
            thread.join()
    size, digest = result.read_text().split()
    log = site.log(deployment_id)
    printed = site.printed(log)
    assert (len(printed), hashlib.sha256(printed).hexdigest()) == (int(size), digest)
    for reader in readers:
        assert reader.text == log, "a follower got something else"
    growth = max(memory) - memory[0]
    print(
        f"\n{int(size) >> 20} MiB with {followers} followers in {took:.1f} s; "
        f"the panel's memory grew by {growth:.1f} MiB from {memory[0]:.1f}"
    )
    check_tails(site, deployment_id, log)
    assert growth < MOST_GROWTH_MIB


def check_tails(site: Site, deployment_id: str, log: bytes) -> None:
    """The end of a large log is there at once."""
    for tail in (1, 100, 10_000):
        expected = b"".join(log.splitlines(keepends=True)[-tail:]).decode()
        times = []
        for _ in range(30):
            began = time.perf_counter()
            text = site.panel.get("deployment.readLogs", deploymentId=deployment_id, tail=tail)
            times.append((time.perf_counter() - began) * 1000)
            assert text == expected
        middle = statistics.median(times)
        print(f"last {tail} lines of {len(log) >> 20} MiB: median {middle:.1f} ms, most {max(times):.1f}")
        assert middle < MOST_TAIL_MS * (4 if tail == 10_000 else 1)


def test_a_thousand_followers_lag_little(site: Site) -> None:
    lags = []
    for followers in (1, FOLLOWERS):
        go = site.shared / f"go{followers}"
        deployment_id = site.deploy(WAIT.format(go=go) + f"exec python3 steady.py {LINES_A_SECOND} {SECONDS}")
        target = f"/api/deployment.follow?deploymentId={deployment_id}"
        program = Path(__file__).with_name("_followers.py")
        argv = [sys.executable, str(program), str(followers), target, KEY, str(site.panel.port)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as client, site.memory() as memory:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
            before = _processor_seconds(site.panel)
            go.touch()
            found = json.loads(client.stdout.readline())
            used = _processor_seconds(site.panel) - before
        site.panel.done(deployment_id)
        assert found["fewest"] == found["most"] == LINES_A_SECOND * SECONDS
        lags.append(found["lag"])
        late = {quantile: f"{lag:.0f}" for quantile, lag in found["lag"].items()}
        print(
            f"\n{followers} followers of {LINES_A_SECOND} lines a second for {SECONDS} s: lag {late['0.5']} ms at the "
            f"median, {late['0.9']} at p90, {late['0.99']} at p99, {late['1']} at most; panel at "
            f"{used / SECONDS * 100:.0f} % of a processor, {max(memory) - memory[0]:.0f} MiB more; "
            f"load {os.getloadavg()[0]:.1f}"
        )
    assert lags[-1]["0.99"] < MOST_LAG_MS


def test_followers_that_are_cut_off_reassemble_the_text(site: Site) -> None:
    generator = random.Random(6)
    deployment_id = site.deploy(f"python3 steady.py {LINES_A_SECOND} {SECONDS}; python3 odd.py {odd_file(site)}")
    live = Reader(site.panel, deployment_id)
    while live.cuts < CUTS // 2:
        live.read_some(generator.choice((1, 50, 500, 5_000, 50_000)) * generator.random(), generator.random())
    live.read_all()
    site.panel.done(deployment_id, 60)
    log = site.log(deployment_id)
    assert live.text == log
    assert live.cuts >= CUTS // 2
    ended = Reader(site.panel, deployment_id)
    while ended.cuts < CUTS // 2:
        ended.read_some(generator.choice((1, 500, 50_000, 500_000)) * generator.random(), 5)
    ended.read_all()
    assert ended.text == log
    print(
        f"\ncut off {live.cuts} times while {len(log)} bytes were written, and {ended.cuts} times afterwards: identical"
    )


def odd_file(site: Site) -> Path:
    """Everything that is no text: bytes at random, cut and overlong characters, NUL, carriage returns, 10 MB lines."""
    generator = random.Random(7)
    strange = [
        b"\x00",
        b"\r",
        b"\r\n",
        b"\xff",
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x94",
        "🔑".encode(),
        b"\n",
    ]
    pieces = [generator.choice([*strange, generator.randbytes(8), b"text"]) for _ in range(50_000)]
    line = bytes(generator.choice(b"abcdefghijklmnopqrstuvwxyz ") for _ in range(1000)) * 10_000
    path = site.shared / "odd"
    path.write_bytes(b"".join(pieces) + b"\n" + line + b"\n" + "漢字".encode() * 1_700_000 + b"\nlast\n")
    path.chmod(0o644)
    return path


def test_what_is_no_text_passes(site: Site) -> None:
    path = odd_file(site)
    with site.memory() as memory:
        deployment_id = site.deploy(f"python3 odd.py {path}")
        reader = Reader(site.panel, deployment_id)
        reader.read_all()
        site.panel.done(deployment_id, 60)
    log = site.log(deployment_id)
    printed = site.printed(log).decode()
    # NUL at the end of a line is how a host says that the line was cut off there; the line just ends.
    assert printed == path.read_bytes().decode(errors="replace").replace("\0\n", "\n")
    assert reader.text == log
    for tail in (1, 3, 6, 10):
        expected = b"".join(line + b"\n" for line in log.split(b"\n")[:-1][-tail:])[-(16 << 20) :]
        text = site.panel.get("deployment.readLogs", deploymentId=deployment_id, tail=tail)
        assert text == expected.decode(errors="ignore"), tail
    assert "\x00" in printed
    assert "\r" in printed
    assert "\ufffd" in printed
    print(
        f"\n{len(log) >> 20} MiB that are no text passed, the panel's memory grew by {max(memory) - memory[0]:.1f} MiB"
    )


class Reader:
    """A follower over a plain connection, which may be cut anywhere and goes on behind the last event that it got."""

    def __init__(self, panel: Panel, deployment_id: str) -> None:
        self._panel = panel
        self._deployment_id = deployment_id
        self._pieces: list[str] = []
        self._last_id: str | None = None
        self.cuts = 0
        self.ended = False

    @property
    def text(self) -> bytes:
        """The log so far."""
        return "".join(self._pieces).encode()

    def read_all(self) -> None:
        """Reads to the end."""
        while not self.ended:
            self._read(float("inf"), 300)

    def read_some(self, size: float, seconds: float) -> None:
        """Reads so many bytes, or for so long, and breaks the connection off."""
        self._read(size, seconds)
        self.cuts += not self.ended

    def _read(self, size: float, seconds: float) -> None:
        reader, deadline = EventReader(), time.monotonic() + seconds
        with socket.create_connection(("127.0.0.1", self._panel.port)) as connection, contextlib.suppress(TimeoutError):
            again = f"last-event-id: {self._last_id}\r\n" if self._last_id else ""
            target = f"/api/deployment.follow?deploymentId={self._deployment_id}"
            # Version 1.0, so that the answer comes as it is, without marks of its pieces.
            connection.sendall(f"GET {target} HTTP/1.0\r\nhost: x\r\nx-api-key: {KEY}\r\n{again}\r\n".encode())
            got, head = 0, b""
            while got < size and not self.ended:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                data = connection.recv(min(65536, int(min(size - got, 65536)) or 1))
                if not data:
                    return
                got += len(data)
                if b"\r\n\r\n" not in head:
                    head, _, data = (head + data).partition(b"\r\n\r\n")
                    head += b"\r\n\r\n" if data or _ else b""
                self._take(reader, data)

    def _take(self, reader: EventReader, data: bytes) -> None:
        for event in reader.feed(data):
            if event.kind == "log":
                self._pieces.append(json.loads(event.data))
                self._last_id = event.id
            self.ended = self.ended or event.kind == "end"


def _resident_mib(statm: Path) -> float:
    return int(statm.read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def _processor_seconds(panel: Panel) -> float:
    assert panel.process is not None
    fields = Path(f"/proc/{panel.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_bounds_of_open_files_do_not_bound_followers() -> None:
    """The panel raises its own soft limit, which is 1,024 on most machines."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with tempfile.TemporaryDirectory(prefix="headway-log-") as folder:
            panel = Panel(Path(folder) / "data")
            try:
                panel.start()
                assert panel.process is not None
                limits = Path(f"/proc/{panel.process.pid}/limits").read_text()
                limit = next(line.split() for line in limits.splitlines() if line.startswith("Max open files"))
                assert int(limit[3]) >= min(hard, 8192)
            finally:
                panel.clean_up()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
