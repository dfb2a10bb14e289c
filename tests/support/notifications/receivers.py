"""Receivers of notifications on the loopback: one of webhooks, which may fail, and a real SMTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Json = Any


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A request that came, and what it was answered."""

    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def told(self) -> Json:
        """What it says."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """``answer`` gives the status for the n-th request, 0 for none at all: the connection is cut."""

    answer: Callable[[int], int]
    port: int = 0
    posted: list[Posted] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def taken(self) -> list[Posted]:
        """Those that were answered well."""
        return [each for each in self.posted if each.status == 200]


@contextmanager
def receiver(answer: Callable[[int], int] = lambda _number: 200) -> Iterator[Receiver]:
    """A receiver of webhooks."""
    made = Receiver(answer)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                status = made.answer(len(made.posted))
                made.posted.append(Posted(headers=headers, body=body, status=status))
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Mailbox:
    """The mails that came: subject and text."""

    port: int = 0
    mails: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, as Apprise takes it."""
        return f"mailto://127.0.0.1:{self.port}?from=panel@example.org&to=ops@example.org&mode=insecure&format=text"


@contextmanager
def mailbox(port: int) -> Iterator[Mailbox]:
    """A real SMTP server on this port."""
    box = Mailbox(port=port)

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the server calls it so
            content = envelope.content
            mail = message_from_bytes(content if isinstance(content, bytes) else (content or "").encode())
            parts = [part for part in mail.walk() if not part.is_multipart()]
            text = b"\n".join(bytes(part.get_payload(decode=True) or b"") for part in parts).decode()
            box.mails.append((str(mail["Subject"]), text))
            return "250 OK"

    server = Controller(Handler(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield box
    finally:
        server.stop()
