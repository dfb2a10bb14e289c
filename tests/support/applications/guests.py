"""Guests of an edge who keep their connections as long as they may, and say how each of them ended."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_file import PROBE_HEADER, RELEASE_HEADER
from headway.drivers.edge.traefik import Https
from headway.infra.hosts.private_file import write_privately
from headway.kernel.artifacts import Route, Upstream, Way
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, free_port, open_folder

_ASK = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
_ANSWER_SECONDS = 20.0


class Guests:
    """One for each of ``pauses``, the seconds between its requests by one connection. Those who ``hesitate`` for so
    many seconds between connecting and asking come anew each time.
    """

    def __init__(self, port: int, pauses: Sequence[float], *, hesitates: float = 0.0) -> None:
        self._port = port
        self._hesitates = hesitates
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.count = 0
        self.told = 0  # connections whose last answer says that it is the last
        self.lost: list[str] = []
        self.untold: list[float] = []  # connections that were closed without a word: the pause of each
        self.longest_seconds = 0.0
        self._threads = [threading.Thread(target=self._visit, args=(pause,), daemon=True) for pause in pauses]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_ANSWER_SECONDS + 5)

    def _visit(self, pause: float) -> None:
        kept: socket.socket | None = None
        while not self._over.is_set():
            if kept is not None and _is_closed(kept):
                kept.close()
                kept = None
                with self._lock:
                    self.untold.append(pause)
            began = time.monotonic()
            is_new = kept is None
            try:
                if kept is None:
                    kept = socket.create_connection(("127.0.0.1", self._port), _ANSWER_SECONDS)
                    time.sleep(self._hesitates)
                kept.sendall(_ASK)
                head = _head(kept)
            except OSError as error:
                head = repr(error)
            is_lost = " 200 " not in head.partition("\n")[0]
            with self._lock:
                self.count += 1
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                if is_lost:
                    self.lost.append(f"{'a new' if is_new else 'a kept'} connection, every {pause} s: {head[:100]!r}")
                elif "connection: close" in head.lower():
                    self.told += 1
            if kept is not None and (is_lost or self._hesitates or "connection: close" in head.lower()):
                kept.close()
                kept = None
            self._over.wait(pause)
        if kept is not None:
            kept.close()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replaceable:
    """An edge with one route, and the next one, which has other settings and takes its place."""

    root: Path
    port: int
    https_port: int
    route: Route

    def edge(self, number: int) -> Edge:
        """As a panel that has just started makes it; those of odd numbers are unlike those of even ones."""
        https = Https(port=self.https_port, mail=f"somebody{number % 2}@mail.example")
        return Edge(self.root, host="127.0.0.1", port=self.port, https=https, accounts=EDGE_ACCOUNTS)

    def write_first_form(self, edge: Edge) -> None:
        """The route's file as the first version wrote it."""
        name, secret = self.route.app_name, edge._prober.secret
        rule = "Host(`shop.localhost`)"
        probing = {
            "service": name,
            "rule": f"({rule}) && Header(`{PROBE_HEADER}`, `{secret}`)",
            "priority": 1_000_000,
            "middlewares": [f"{name}.probe"],
            "entryPoints": ["web"],
        }
        headers = {"customResponseHeaders": {RELEASE_HEADER: self.route.release_id}}
        servers = [{"url": f"http://127.0.0.1:{self.route.upstreams[0].port}"}]
        http = {
            "routers": {
                name: {"service": name, "rule": rule, "entryPoints": ["web"]},
                f"{name}.probe": probing,
            },
            "middlewares": {f"{name}.probe": {"headers": headers}},
            "services": {name: {"loadBalancer": {"servers": servers, "passHostHeader": True}}},
        }
        file = edge._routes / f"{self.route.application_id}.yml"
        write_privately(file, json.dumps({"http": http}, indent=1), beside=self.root, reader=edge._reader)


@contextlib.contextmanager
def replaceable() -> Iterator[Replaceable]:
    """With an application behind it."""
    with open_folder() as folder, _application() as upstream:
        ways = (Way(host="shop.localhost", issued=False),)
        route = Route(
            application_id="a1", app_name="shop", release_id="r1", ways=ways, upstreams=(Upstream(port=upstream),)
        )
        yield Replaceable(root=folder / "edge", port=free_port(), https_port=free_port(), route=route)


def _is_closed(kept: socket.socket) -> bool:
    kept.settimeout(0)
    try:
        return kept.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        kept.settimeout(_ANSWER_SECONDS)


def _head(kept: socket.socket) -> str:
    """Of the answer, whose body is one piece that ends with a full stop."""
    found = b""
    while not found.endswith(b"."):
        piece = kept.recv(65536)
        if not piece:
            break
        found += piece
    return found.partition(b"\r\n\r\n")[0].decode()


@contextlib.contextmanager
def _application() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"shop.")

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
