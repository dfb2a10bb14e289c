"""A server that answers as a panel would, by a table: for commands whose panel has to be in a state that is hard to
bring about, such as away while they look.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = Any
Answer = Json | Callable[[Json], Json]
"""What a procedure answers, or what makes that of what it is given."""

STARTED = "startedstartedstarted"


@dataclass(frozen=True, slots=True)
class Break:
    """In place of an answer: the connection is cut."""


@dataclass(frozen=True, slots=True)
class Events:
    """In place of an answer: a stream of events, each with its data, and its end."""

    events: tuple[tuple[str, Json], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """In place of an answer: an error with this status."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class AnsweringPanel:
    """Where it listens, and what it was asked: each procedure with what it was given."""

    url: str
    asked: list[tuple[str, Json]] = field(default_factory=list)

    @property
    def env(self) -> Mapping[str, str]:
        """What leads the command line to it."""
        return {"HEADWAY_URL": self.url, "HEADWAY_API_KEY": "k" * 64, "HOME": "/nowhere"}


@contextmanager
def answering(answers: Mapping[str, Answer]) -> Iterator[AnsweringPanel]:
    """A server that gives these answers; what it does not know is not found. Each answer names one deployment."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self._say(address.path, dict(parse_qsl(address.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            self._say(urlsplit(self.path).path, json.loads(body or b"{}"))

        def _say(self, path: str, given: Json) -> None:
            procedure = path.removeprefix("/api/")
            panel.asked.append((procedure, given))
            answer = answers.get(procedure, Refusal(404, f"The test has no answer of {procedure}"))
            answer = answer(given) if callable(answer) else answer
            match answer:
                case Break():
                    self.connection.shutdown(socket.SHUT_RDWR)
                case Events():
                    text = "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in answer.events)
                    self._write(200, text.encode())
                case Refusal():
                    self._write(answer.status, json.dumps({"message": answer.message}).encode())
                case _:
                    self._write(200, json.dumps(answer).encode())

        def _write(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("x-deployment-id", STARTED)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    panel = AnsweringPanel(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield panel
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
