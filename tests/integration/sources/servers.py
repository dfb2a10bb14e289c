"""Servers that offer repositories, or refuse to."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.sources.repositories import ENV


@dataclass
class HttpGit:
    """A git server over http. ``asked`` are the requests: path and Authorization header."""

    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serve_http(root: Path, *, login: str | None = None, redirect: str | None = None) -> Iterator[HttpGit]:
    """`git http-backend` over the repositories below ``root``, asking for ``login`` (user:password) if there is one;
    with ``redirect``, a server that only sends its callers there.
    """
    expected = "Basic " + base64.b64encode(login.encode()).decode() if login else None
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *arguments: object) -> None:
            pass

        def _answer(self) -> None:
            given = self.headers.get("Authorization", "")
            asked.append((self.path, given))
            if expected is not None and given != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
            elif redirect is not None:
                self.send_response(302)
                self.send_header("Location", redirect + self.path)
                self.end_headers()
            else:
                self._run_backend()

        def _run_backend(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            env = {
                "PATH": ENV["PATH"],
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "GIT_CONFIG_NOSYSTEM": "1",
                "HOME": "/nonexistent",
            }
            ended = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
            head, _, content = ended.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield HttpGit(port=server.server_address[1], asked=asked)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is ours, and on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@dataclass(frozen=True)
class SshServer:
    """An sshd of our own: its port, the key that it lets in, and one that it does not."""

    port: int
    key: str
    strangers_key: str
    folder: Path

    def change_host_key(self) -> None:
        """Another key of the same host, as after it was set up anew."""
        (self.folder / "host_key").unlink()
        (self.folder / "host_key.pub").unlink()
        make_key(self.folder / "host_key")


def make_key(path: Path, passphrase: str = "") -> str:
    """A new private key, whose public half lies beside it."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path.read_text()


@contextmanager
def serve_ssh(folder: Path) -> Iterator[SshServer]:
    """An sshd on a loopback port that lets root in with a key. One is started for each connection, so that a changed
    host key counts at once.
    """
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    assert sshd is not None, "apt-get install openssh-server"
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    key, strangers_key = make_key(folder / "key"), make_key(folder / "stranger")
    make_key(folder / "host_key")
    (folder / "config").write_text(
        f"HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/key.pub\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    )
    children: list[subprocess.Popen[bytes]] = []
    is_over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def accept() -> None:
        while not is_over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.setblocking(True)  # noqa: FBT003 - its only form
            with connection, (folder / "sshd.log").open("ab") as log:
                argv = [sshd, "-i", "-e", "-f", str(folder / "config")]
                children.append(
                    subprocess.Popen(argv, stdin=connection.fileno(), stdout=connection.fileno(), stderr=log)
                )

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield SshServer(port=listener.getsockname()[1], key=key, strangers_key=strangers_key, folder=folder)
    finally:
        is_over.set()
        thread.join()
        listener.close()
        deadline = time.monotonic() + 10
        for child in children:
            child.wait(max(0.1, deadline - time.monotonic()))


@contextmanager
def serve_files(folder: Path) -> Iterator[str]:
    """The folder's files over http, as they are; gives the address."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - passed on
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
