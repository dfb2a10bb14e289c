"""What a visitor is answered first, and what that shows of a program that does not know where it is."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from headway.drivers.edge.first_answer import Answered, first_answer
from headway.drivers.edge.route_probe import Prober
from headway.drivers.edge.traefik import Https
from headway.kernel.artifacts import Entrance, Route, Way
from tests.support.certificates.certificates import certificate_for

HOST = "shop.localhost"
JSON, TEXT = "content-type: application/json; charset=utf-8", "content-type: text/plain"


async def asked(answer: str, way: Way, *, has_https: bool = False, tls: ssl.SSLContext | None = None) -> Answered:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        prober = Prober(host="127.0.0.1", port=0 if tls else port, https=Https(port=port) if has_https else None)
        route = Route(application_id="a", app_name="shop", release_id="r", ways=(way,), upstreams=())
        return await first_answer(prober, route)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ("200 OK", None),
        ("404 Not Found", None),
        ("405 Method Not Allowed", None),
        ("401 Unauthorized", None),
        ("500 Oops", None),
        ("421 Misdirected", "host"),
        ("400 Bad Request", "host"),
        (f"400 Bad Request\r\n{TEXT}", "host"),  # as Starlette's TrustedHostMiddleware
        (f"400 Bad Request\r\n{JSON}", None),  # of an API, to who asks for nothing
        (f"301 Moved\r\nlocation: https://{HOST}/", "https"),
        (f"302 Found\r\nlocation: https://{HOST}:443/login", "https"),
        ("302 Found\r\nlocation: /login", None),
        ("302 Found\r\nlocation: https://accounts.example.org/", None),
        ("302 Found\r\nlocation: https://[/", None),
    ],
)
async def test_what_an_answer_shows(answer: str, trouble: str | None) -> None:
    found = await asked(answer, Way(host=HOST))
    assert (found.status, found.trouble) == (int(answer[:3]), trouble)
    assert (found.warning is None) == (trouble is None and found.status != 500)


async def test_who_has_https_may_be_sent_there() -> None:
    moved = f"301 Moved\r\nlocation: https://{HOST}/"
    assert (await asked(moved, Way(host=HOST), has_https=True)).trouble is None
    assert (await asked(moved, Way(host=HOST, entrance=Entrance.HTTP), has_https=True)).trouble == "https"


async def test_what_comes_in_by_https_alone_is_asked_by_it(tmp_path: Path) -> None:
    certificate, key = certificate_for(HOST)
    (tmp_path / "both.pem").write_text(certificate + key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "both.pem")
    way = Way(host=HOST, entrance=Entrance.HTTPS)
    again = await asked(f"301 Moved\r\nlocation: https://{HOST}/", way, has_https=True, tls=tls)
    assert (again.status, again.trouble) == (301, "loop")
    further = await asked(f"302 Found\r\nlocation: https://{HOST}/login", way, has_https=True, tls=tls)
    assert (further.status, further.trouble) == (302, None)
