"""What listens on a port, asked whether it answers HTTP: servers of it in every dress, of other things, and of nothing
yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract import answer
from headway.drivers.runtimes.contract.answer import AskedPort
from headway.infra.hosts import sockets
from tests.integration.runtimes.bench import free_port
from tests.support.certificates.certificates import certificate_for

NODE = shutil.which("node")


def asked(port: int, *, expected: bool = False) -> AskedPort:
    """That port of this machine."""
    return AskedPort(
        host="127.0.0.1",
        port=port,
        number=port,
        expected=expected,
        living=set,
        untaken=lambda: sockets.untaken(port),
    )


@contextlib.contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that talks so to each that comes; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
        ended = threading.Event()

        def take() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    taken, _ = listener.accept()
                    with taken, contextlib.suppress(OSError):
                        talk(taken)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


async def settled(port: AskedPort, questions: int = 40) -> str | None:
    """What is lacking of it in the end, after a bounded number of questions."""
    lacking = None
    for _ in range(questions):
        lacking = await port.lacking()
        if lacking is None:
            return None
        await asyncio.sleep(0.02)
    return lacking


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bounds, a tenth as long."""
    for name in ("TRY_SECONDS", "_SILENT_SECONDS", "_FOREIGN_SECONDS", "_OTHER_TRY_SECONDS"):
        monkeypatch.setattr(answer, name, getattr(answer, name) / 10)


@pytest.fixture
def patient(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, what listens is asked more than once before it is taken for something else."""
    monkeypatch.setattr(answer, "_FOREIGN_SECONDS", 60.0)
    monkeypatch.setattr(answer, "_OTHER_TRY_SECONDS", 5.0)


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "404 Not Found", "500 Oh", "502 Bad Gateway"])
async def test_any_status_is_an_answer(status: str) -> None:
    def talk(taken: socket.socket) -> None:
        taken.recv(4096)
        taken.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

    with serving(talk) as port:
        one = asked(port, expected=True)
        assert await one.lacking() is None
        assert (one.answers, one.other) == (True, "")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"220 mail.example ESMTP\r\n", "does not read as HTTP"),
        (b"\x4a\0\0\0\x0a8.0\0", "does not read as HTTP"),
        (b"", "closed"),
    ],
)
async def test_what_speaks_something_else_is_known_by_its_words(said: bytes, told: str) -> None:
    def talk(taken: socket.socket) -> None:
        taken.sendall(said)
        taken.recv(4096)

    with serving(talk) as port:
        one = asked(port)
        assert await settled(one) is None
        assert not one.answers
        assert told in one.other
        wanted = asked(port, expected=True)
        assert "as the release before does" in str(await settled(wanted, 15))  # the other was settled by then


async def test_what_takes_connections_and_is_silent_is_a_server_of_something_else() -> None:
    def talk(taken: socket.socket) -> None:
        while taken.recv(4096):
            pass

    with serving(talk) as port:
        one = asked(port)
        assert await settled(one) is None
        assert not one.answers
        assert "no answer within" in one.other


async def test_what_listens_and_takes_no_connection_is_no_server_yet() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        one = asked(port)
        said = str(await settled(one, 5))  # what is silent is settled at the third
        assert f"none of its processes takes the connections to port {port}" in said
        assert not one.answers


async def test_a_port_that_nobody_listens_on_is_refused() -> None:
    one = asked(free_port())
    assert "the connection was refused" in str(await one.lacking())


@pytest.mark.usefixtures("patient")
async def test_a_process_that_ends_as_it_is_asked_is_no_server() -> None:
    living = iter(range(1000))

    def talk(taken: socket.socket) -> None:
        taken.recv(4096)

    with serving(talk) as port:
        one = AskedPort(
            host="127.0.0.1",
            port=port,
            number=port,
            expected=False,
            living=lambda: {next(living)},
            untaken=lambda: sockets.untaken(port),
        )
        assert "A process of it ended as it was asked" in str(await settled(one, 3))


@pytest.mark.usefixtures("patient")
async def test_https_alone_is_recognised(tmp_path: Path) -> None:
    certificate, key = certificate_for("shop.example")
    (tmp_path / "pair.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")

    def talk(taken: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(taken.dup(), server_side=True) as inside:
            inside.recv(4096)
            inside.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with serving(talk) as port:
        one = asked(port)
        assert await settled(one) is None
        assert (one.answers, one.other) == (False, "it speaks HTTPS only")


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.usefixtures("patient")
async def test_http2_without_tls_is_recognised() -> None:
    port = free_port()
    program = (
        f"require('http2').createServer((_, out) => out.end('2')).listen({port}, '127.0.0.1', () => console.log())"
    )
    with subprocess.Popen([str(NODE), "-e", program], stdout=subprocess.PIPE) as node:
        try:
            assert node.stdout is not None
            node.stdout.readline()
            one = asked(port)
            assert await settled(one) is None
            assert (one.answers, one.other) == (False, "it speaks HTTP/2 only")
        finally:
            node.kill()
