"""What anybody who reaches the panel's port may say without a key: a short head, soon, and not too much at once."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.panel.bounds import P99_SECONDS, connected, heard, said, watched
from tests.support.panel.panel import KEY, Panel, panel

pytestmark = pytest.mark.slow

BEGINNING = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
CHUNKED = b"POST /api/health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"a" * 65_536
TOO_LARGE = 431
IDLE = 300


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("heads") / "data") as started:
        yield started


ENDLESS = {
    "value": BEGINNING + b"X-Endless: ",
    "handshake": BEGINNING + UPGRADE + b"X-Endless: ",
    "name": BEGINNING + b"X-Endless",
    "query": b"GET /api/health?",
    "path of a socket": b"GET /listen-deployment?",
    "trailer": CHUNKED + b"1\r\na\r\n0\r\nX-Trailer: ",
    "extension of a part": CHUNKED + b"1;extension=",
    "no line at all": b"\r\n" * 10,
}


def test_nothing_without_an_end_is_taken(running: Panel) -> None:
    taken = dict.fromkeys(ENDLESS, 0)
    with watched(running) as cost:
        for name, beginning in ENDLESS.items():
            with connected(running.port) as connection:
                said(connection, beginning)
                while taken[name] < 32 << 20 and said(connection, PIECE):
                    taken[name] += len(PIECE)
    assert all(each < 16 << 20 for each in taken.values()), taken
    assert cost.grown_mib < 16
    assert cost.p99 < P99_SECONDS


def test_headers_without_number_are_not_taken(running: Panel) -> None:
    with watched(running) as cost, connected(running.port) as connection:
        taken = said(connection, BEGINNING) and 0
        while taken < 400_000 and said(connection, b"".join(b"h%d: x\r\n" % each for each in range(1_000))):
            taken += 1_000
    assert taken < 400_000
    assert cost.p99 < P99_SECONDS


def test_a_head_in_single_bytes_costs_what_its_bytes_do(running: Panel) -> None:
    with watched(running) as cost, connected(running.port) as connection:
        said(connection, BEGINNING + b"X-Slow: ")
        for _ in range(20_000):
            connection.send(b"a")
        said(connection, b"\r\nConnection: close\r\n\r\n")
        assert heard(connection).startswith(b"HTTP/1.1 200 ")
    assert cost.p99 < P99_SECONDS


def test_what_is_too_much_is_told(running: Panel) -> None:
    many = BEGINNING + b"".join(b"h%d: x\r\n" % each for each in range(101)) + b"\r\n"
    long = BEGINNING + b"X-Long: " + b"a" * (65 << 10) + b"\r\n\r\n"
    address = b"GET /api/deployment.all?applicationId=" + b"a" * (65 << 10) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    too_long = "larger than 64 KiB"
    for head, sentence in ((many, "more than 100 headers"), (long, too_long), (address, too_long)):
        with connected(running.port) as connection:
            connection.sendall(head)
            status, _, rest = heard(connection).partition(b"\r\n")
        told = json.loads(rest.partition(b"\r\n\r\n")[2])
        assert status == b"HTTP/1.1 431 Request Header Fields Too Large"
        assert sentence in told["message"]
        assert told["data"] == {"code": told["code"], "httpStatus": TOO_LARGE, "zodError": None}


def test_what_is_just_not_too_much_is_answered(running: Panel) -> None:
    headers = {f"x-{each}": "x" for each in range(90)}
    long = {"x-long": "a" * (60 << 10)}
    for given in (headers, long):
        assert httpx.get(f"http://127.0.0.1:{running.port}/api/health", headers=given).status_code == 200


def test_requests_without_number_are_not_kept_waiting(running: Panel) -> None:
    asked = b"POST /api/deploy/nobody HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    with watched(running) as cost, contextlib.ExitStack() as stack:
        for _ in range(20):
            said(stack.enter_context(connected(running.port)), asked * 20_000)
    assert cost.grown_mib < 32
    assert cost.p99 < P99_SECONDS


def test_who_says_nothing_or_half_a_head_is_sent_away(running: Panel) -> None:
    """All at once, since all of it takes ten seconds; those who follow, or wait between two questions, stay."""
    halves = (b"", b"G", BEGINNING, BEGINNING + UPGRADE, b"\r\n")
    late = b"POST /api/user.get HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        opened = [(half, stack.enter_context(connected(running.port))) for half in (*halves, late) * (IDLE // 5)]
        for half, connection in opened:
            connection.sendall(half)
        kept = httpx.Limits(keepalive_expiry=60)
        good = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{running.port}", limits=kept))
        waiting = stack.enter_context(ThreadPoolExecutor(1)).submit(_waited, running)
        good.get("/api/health")
        before = good.get("/api/health").extensions["network_stream"].get_extra_info("client_addr")
        began = time.monotonic()
        with watched(running) as cost:
            while time.monotonic() - began < 8:
                assert said(opened[1][1], b"E") or pytest.fail("it was closed too early")
                assert all(said(connection, b"x") for half, connection in opened if half == late)
                time.sleep(1)
            answers = {half: heard(connection) for half, connection in opened}
        assert time.monotonic() - began < 16
        again = good.get("/api/health").extensions["network_stream"].get_extra_info("client_addr")
        assert waiting.result() == 200
    assert again == before, "the connection of a good client was closed"
    assert answers[b""] == answers[b"\r\n"] == b""
    assert answers[late].startswith(b"HTTP/1.1 401 ")
    assert all(answers[half].startswith(b"HTTP/1.1 408 ") for half in halves[1:-1]), answers
    assert b"did not arrive within 10 s" in answers[BEGINNING]
    assert cost.p99 < P99_SECONDS


def _waited(running: Panel) -> int:
    """A call that takes twelve seconds to be answered, its body sent by and by."""
    with connected(running.port, 40) as connection:
        head = "POST /api/project.create HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += f"x-api-key: {KEY}\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
        connection.sendall(head.encode())
        for piece in (b'{"name"', b': "slow', b'"}'):
            connection.sendall(piece[:7])
            time.sleep(4)
        return int(heard(connection).split()[1])
