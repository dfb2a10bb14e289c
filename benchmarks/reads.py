"""What the Deployments API costs to read: lists, search, the queue and the end of a log, through the whole HTTP face.

A panel and its client each have a processor of their own. The list is compared with a bare Starlette application that
gives the very same bytes, measured turn by turn in the same run; a million rows with a thousand, likewise. "Made anew"
asks for another part or with other words each time, so that nothing which was kept helps.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headway.http.server import Server
from headway.infra.db.seat import Seat
from headway.infra.db.transaction import Tx
from headway.infra.panel.process import collect_rarely
from tests.integration.http.world import KEYS, open_world
from tests.support.databases.postgres import find_program, running_cluster

LISTED = 100
WAITING = 200
LOG_BYTES = 100 << 20
TURNS = 7
SECONDS = 1.0
SEARCHERS = 16
PAUSE = 0.05  # seconds that a client which polls lets pass, and few do so little
STEPS = ("source", "build", "release", "health", "route", "verify")

FILL = """
INSERT INTO deployments (deployment_id, kind, kind_version, subject_type, subject_id, organization_id, project_id,
    host_id, exclusive_key, lane, ready, title, title_given, description, status, reason, error_message, log_path,
    epoch, input, trigger, triggered_by, triggered_by_name, triggered_by_key, triggered_by_key_name,
    commit_hash, commit_message, commit_author, commit_branch, created_at,
    started_at, finished_at, unstable)
SELECT :prefix || n, 'application.deploy', 1, 'application', {subject}, :organization, :project, 'local', {key}, 1,
    false, 'Change the colour of button ' || n, false, 'Commit: 0123456789abcdef0123456789abcdef01234567', {status},
    CASE WHEN {status} = 'error' THEN 'failed' END, CASE WHEN {status} = 'error' THEN 'Step build: exit status 7' END,
    '/var/lib/headway/logs/' || :prefix || n || '.log', 1, '{{"type":"deploy"}}',
    CASE n % 7 WHEN 0 THEN 'manual' ELSE 'api' END, 'user', 'Ann', 'key', 'of Ann',
    '0123456789abcdef0123456789abcdef01234567',
    'Change the colour of button ' || n, 'Ann', 'main', {at}, {at} + 5000,
    CASE WHEN {status} IN ('done', 'error') THEN {at} + 900000 END, false
FROM numbers
"""
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, CAST(:number AS integer)) AS n)",
}
FILL_STEPS = """
INSERT INTO steps (deployment_id, name, epoch, started_at, finished_at, log_offset, result)
SELECT deployment_id, :name, 1, started_at, started_at + 1000, 0, 'null' FROM deployments WHERE started_at IS NOT NULL
    AND seq > (SELECT max(seq) FROM deployments) - 20000
"""
AT = "CAST(:begin AS bigint) + n * CAST(1000000 AS bigint)"
BEGIN = 1_600_000_000_000_000


# The served side.


async def serve(folder: Path, rows: int, url: str) -> None:
    """Serves a panel over so many rows, and the bare application; ends when its standard input does."""
    env = {"HEADWAY_DATABASE_URL": url} if url else {}
    async with open_world(folder, **env) as world:
        application_id = await world.application()
        await world.services.db.run(lambda tx: _fill(tx, application_id, rows))
        if url:
            with world.services.db.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE deployments"))
        (world.platform.data_dir.logs / "log1.log").write_bytes(
            b"a line of a build, as long as most are\n" * (LOG_BYTES // 39)
        )
        answer = await world.owner.get("/deployment.all", params={"applicationId": application_id})
        assert len(answer.json()) == LISTED
        panel, bare = Server(world.app, "127.0.0.1", 0), Server(_bare(answer.content), "127.0.0.1", 0)
        await panel.start()
        await bare.start()
        collect_rarely()  # as the panel does
        project_id = (await world.get("application.one", applicationId=application_id))["projectId"]
        print(panel.port, bare.port, application_id, project_id, flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(panel.run())
            group.create_task(bare.run())
            ended = asyncio.Event()
            group.create_task(_hold(world.platform.seat, ended))
            await asyncio.to_thread(sys.stdin.readline)
            panel.stop()
            bare.stop()
            ended.set()


async def _hold(seat: Seat, ended: asyncio.Event) -> None:
    """Keeps other panels away, as the panel does."""
    while seat.is_held and not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), await asyncio.to_thread(seat.hold))


def _bare(body: bytes) -> Starlette:
    async def answer(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/", answer)])
    app.state.close = lambda: None
    return app


def _fill(tx: Tx, application_id: str, rows: int) -> None:
    owner = tx.execute(text("SELECT organization_id, project_id FROM services")).one()
    numbers = NUMBERS["postgresql" if tx.postgres else "sqlite"]

    def fill(number: int, prefix: str, subject: str, status: str, key: str = "NULL") -> None:
        insert = FILL.format(subject=subject, status=status, key=key, at=AT)
        values = {"number": number, "prefix": prefix, "begin": BEGIN}
        values |= {"organization": owner.organization_id, "project": owner.project_id}
        tx.execute(text(numbers + insert), values)

    status = "CASE n % 50 WHEN 0 THEN 'error' ELSE 'done' END"
    fill(rows, "x", "'app' || (n % 500)", status)
    fill(LISTED, "m", f"'{application_id}'", status)
    fill(1, "log", "'logged'", "'done'")
    for name in STEPS:  # of the rows that pages show
        tx.execute(text(FILL_STEPS), {"name": name})
    fill(WAITING, "w", "'busy' || (n % 20)", "'pending'", "'application:busy' || (n % 20)")


# The asking side.


@dataclass(slots=True)
class Connection:
    """One client: sends a request when the answer of the one before is whole."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    expected: int = 0

    def send(self, request: bytes) -> None:
        """The next request."""
        self.received.clear()
        self.expected = 0
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def take(self) -> float | None:
        """Seconds of the answer once it is whole, None before."""
        self.received += self.socket.recv(1 << 18)
        if not self.expected:
            head = self.received.find(b"\r\n\r\n")
            if head < 0:
                return None
            assert self.received.startswith(b"HTTP/1.1 200"), bytes(self.received[:400])
            begin = self.received.index(b"content-length: ") + 16
            self.expected = head + 4 + int(self.received[begin : self.received.index(b"\r", begin)])
        return time.perf_counter() - self.sent_at if len(self.received) >= self.expected else None


def ask(port: int, paths: Sequence[str], clients: int, seconds: float = SECONDS, pause: float = 0.0) -> list[float]:
    """Seconds of each answer while so many clients ask for one path after the other, each after a pause."""
    requests = itertools.cycle(
        f"GET {path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {KEYS['owner']}\r\naccept: */*\r\n\r\n".encode()
        for path in paths
    )
    taken: list[float] = []
    with selectors.DefaultSelector() as selector:
        end = time.perf_counter() + seconds
        resting: deque[tuple[float, Connection]] = deque()
        for number in range(clients):
            connection = Connection(socket.create_connection(("127.0.0.1", port)))
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            resting.append((time.perf_counter() + pause * number / clients, connection))
        while (now := time.perf_counter()) < end:
            while resting and resting[0][0] <= now:
                resting.popleft()[1].send(next(requests))
            for key, _ in selector.select(max(0.0, resting[0][0] - now) if resting else 1):
                took = key.data.take()
                if took is not None:
                    taken.append(took)
                    resting.append((time.perf_counter() + pause, key.data))
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A served panel."""

    port: int
    bare: int
    application_id: str
    project_id: str

    @property
    def list(self) -> str:
        """The path of the list that is measured."""
        return f"/api/deployment.all?applicationId={self.application_id}"


@contextmanager
def served(rows: int, url: str = "") -> Iterator[Panel]:
    """A panel over so many rows, on a processor of its own."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        command = [sys.executable, __file__, "serve", folder, str(rows), url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin
            assert server.stdout
            _pin(server.pid, 0)
            port, bare, application_id, project_id = server.stdout.readline().split()
            yield Panel(port=int(port), bare=int(bare), application_id=application_id, project_id=project_id)
            server.stdin.close()


def compare(name: str, one: Callable[[], list[float]], other: Callable[[], list[float]]) -> float:
    """Requests per second of the one over those of the other, turn by turn; says both."""
    turns = [(one(), other()) for _ in range(TURNS)]
    mine = statistics.median(len(taken[0]) for taken in turns) / SECONDS
    theirs = statistics.median(len(taken[1]) for taken in turns) / SECONDS
    ratio = statistics.median(len(a) / len(b) for a, b in turns)
    print(f"{name:58} {mine:7.0f}/s against {theirs:7.0f}/s: {ratio:.2f}", flush=True)
    return ratio


def report(name: str, taken: list[float], seconds: float = SECONDS) -> float:
    """Says how long answers took; the 99th percentile in milliseconds."""
    ordered = sorted(taken)
    p50, p99 = ordered[len(ordered) // 2] * 1e3, ordered[len(ordered) * 99 // 100] * 1e3
    print(f"{name:58} p50 {p50:6.2f} ms, p99 {p99:6.2f} ms, {len(taken) / seconds:6.0f}/s", flush=True)
    return p99


def measure(form: str, rows: int, urls: Callable[[], str]) -> list[str]:
    """Measures one form of database; what missed its bound."""
    missed: list[str] = []

    def hold(name: str, *, holds: bool) -> None:
        if not holds:
            missed.append(f"{form}: {name}")

    with served(1_000, urls()) as few, served(rows, urls()) as many:
        for clients in (1, 4):
            ratio = compare(
                f"{form}: list of {LISTED}, {clients} clients, against bare Starlette",
                lambda clients=clients: ask(many.port, [many.list], clients),  # type: ignore[misc]
                lambda clients=clients: ask(many.bare, ["/"], clients),  # type: ignore[misc]
            )
            hold("half of bare Starlette", holds=ratio >= 0.5)
        ratio = compare(
            f"{form}: list of {LISTED}, 1,000 rows against {rows:,}",
            lambda: ask(few.port, [few.list], 1),
            lambda: ask(many.port, [many.list], 1),
        )
        hold("1.3 times of 1,000 rows", holds=ratio <= 1.3)
        parts = [f"{many.list}&limit=50&cursor={10**9 + number}" for number in range(5_000)]
        report(f"{form}: list of 50, each made anew", ask(many.port, parts, 1))
        report(f"{form}: allCentralized, 100 rows", ask(many.port, ["/api/deployment.allCentralized?limit=100"], 1))
        queue = [f"/api/deployment.queueList?limit=200&cursor={10**9 + number}" for number in range(5_000)]
        hold(
            "queueList", holds=report(f"{form}: queueList, {WAITING} waiting, made anew", ask(many.port, queue, 1)) < 20
        )
        log = "/api/deployment.readLogs?deploymentId=log1&tail=100"
        hold("search", holds=searches(form, many, rows) < 20)
        hold("tail", holds=report(f"{form}: tail of a log of 100 MB", ask(many.port, [log], 1)) < 5)
    return missed


# What is searched for, by what it asks of the database; ``{}`` is another text or cursor each time.
SEARCHES = {
    "the newest": "cursor={}",
    "failed ones of the past": "status=error&from=2020-09-13&to=2020-09-20&cursor={}",
    "of one application, failed": "type=application&id=app7&status=error&cursor={}",
    "of one project, by hand": "projectId={project}&trigger=manual&cursor={}",
    "a text that many have": "text=colour%20button&cursor={}",
    "a text that one has": "text={text}",
    "a text that none has": "text=nowhere{text}",
    "with counts": "status=error&counts=true&cursor={}",
}


def searches(form: str, panel: Panel, rows: int) -> float:
    """Measures each search by itself, then all of them in turn; the 99th percentile in milliseconds of clients that
    search for the same as before while nobody writes.
    """
    number = iter(range(1, 10**9))

    def path(query: str) -> str:
        at = next(number)
        given = query.replace("{project}", panel.project_id).replace("{text}", str(rows - at))
        return f"/api/deployment.search?{given.replace('{}', str(10**9 + at))}"

    def anew() -> list[str]:
        return [path(query) for _ in range(2_000) for query in SEARCHES.values()]

    seconds = 5 * SECONDS
    for name, query in SEARCHES.items():
        report(f"{form}: search, {name}", ask(panel.port, [path(query) for _ in range(5_000)], 1))
    kept = [path(query) for query in SEARCHES.values()]
    p99 = report(f"{form}: 16 clients without a pause, kept", ask(panel.port, kept, SEARCHERS, seconds), seconds)
    report(f"{form}: 16 clients without a pause, made anew", ask(panel.port, anew(), SEARCHERS, seconds), seconds)
    taken = ask(panel.port, anew(), SEARCHERS, seconds, PAUSE)
    report(f"{form}: 16 clients with a pause of 50 ms, made anew", taken, seconds)
    return p99


def main(rows: int) -> None:
    """Measures on SQLite, and on PostgreSQL where its programs are."""
    _pin(0, 1)
    missed = measure("SQLite", rows, lambda: "")
    if find_program("initdb") is None:
        print("PostgreSQL: no server programs here")
    else:
        numbers = iter(range(10))
        with running_cluster() as cluster:

            def fresh() -> str:
                name = f"bench_{next(numbers)}"
                cluster.administer(f"CREATE DATABASE {name}")
                return cluster.url(name)

            missed += measure("PostgreSQL", rows, fresh)
    if missed:
        sys.exit(f"out of bounds: {missed}")


def _pin(pid: int, processor: int) -> None:
    available = sorted(os.sched_getaffinity(0)) if pid == 0 else list(range(os.cpu_count() or 1))
    os.sched_setaffinity(pid, {available[processor % len(available)]})


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
