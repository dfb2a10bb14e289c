"""Heads that are put together of known lines: not a byte other than what uvicorn itself writes."""

from __future__ import annotations

import asyncio
import logging

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from headway.http.answers import SECURITY_HEADERS
from headway.http.head_lines import ordinary_head
from headway.http.request_heads import BoundedProtocol

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
OURS: Headers = [JSON, (b"vary", b"accept-encoding"), *SECURITY_HEADERS, (b"x-request-id", b"0f")]
GET, HEAD = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n", b"HEAD / HTTP/1.1\r\nhost: h\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nhost: h\r\n\r\n"


def start(headers: Headers, status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(text: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


def of(length: int) -> Headers:
    return [*OURS, (b"content-length", str(length).encode())]


ANSWERS: dict[str, list[Message]] = {
    "whole": [start(of(2)), body(b"{}")],
    "refused": [start(of(2), 404), body(b"{}")],
    "empty": [start(of(0)), body(b"")],
    "in pieces": [start(of(4)), body(b"{}", more=True), body(b"[]")],
    "one piece and an empty one": [start(of(2)), body(b"{}", more=True), body(b"")],
    "of unknown length": [start(OURS), body(b"{}")],
    "not modified": [start(OURS, 304), body(b"")],
    "with a header of its own": [start([*of(2), (b"location", b"/api")]), body(b"{}")],
    "in capitals": [start([(b"Content-Type", b"text/plain"), (b"Content-Length", b"2")]), body(b"{}")],
    "closing": [start([*of(2), (b"connection", b"close")]), body(b"{}")],
    "in chunks": [start([*OURS, (b"transfer-encoding", b"chunked")]), body(b"{}")],
    "with an empty value": [start([*of(2), (b"etag", b"")]), body(b"{}")],
    "with a line too many": [start([*of(2), (b"etag", b"a\r\nset-cookie: b")]), body(b"{}")],
    "with a NUL": [start([*of(2), (b"x-request-id", b"a\x00")]), body(b"{}")],
    "with a name that is none": [start([*of(2), (b"a b", b"c")]), body(b"{}")],
    "too short": [start(of(4)), body(b"{}")],
    "too long": [start(of(1)), body(b"{}")],
    "without an end": [start(of(2))],
    "begun twice": [start(of(2)), start(of(2)), body(b"{}")],
    "empty and begun twice": [start(of(0)), start(of(0)), body(b"")],
    "ended twice": [start(of(2)), body(b"{}"), body(b"{}")],
}
REQUESTS = {"one": LAST, "two": GET + LAST, "HEAD": HEAD + LAST, "old": OLD}


def answering(messages: list[Message]) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))

    return app


async def said(protocol: type[HttpToolsProtocol], messages: list[Message], request: bytes) -> bytes:
    """All that a connection hears."""
    config = Config(answering(messages), lifespan="off", log_config=None, server_header=False)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(request)
        heard = await reader.read()
        writer.close()
    await asyncio.gather(*state.tasks)
    return heard


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_every_answer_is_what_uvicorn_writes(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    told = {name: await said(BoundedProtocol, messages, request_) for name, messages in ANSWERS.items()}
    theirs = {name: await said(HttpToolsProtocol, messages, request_) for name, messages in ANSWERS.items()}
    if request_ == REQUESTS["two"]:  # on a connection that stays
        theirs["without an end"] = b""  # its head is held back for the body that never comes
    assert told == theirs
    assert b"set-cookie" not in told["with a line too many"]


def test_ordinary_heads_are_known() -> None:
    named = [name for name, (first, *_) in ANSWERS.items() if ordinary_head(first["status"], first["headers"])]
    others = ["whole", "refused", "empty", "in pieces", "one piece and an empty one", "with an empty value"]
    twice = ["begun twice", "empty and begun twice", "ended twice"]
    assert named == [*others, "too short", "too long", "without an end", *twice]


@pytest.mark.parametrize("protocol", [BoundedProtocol, HttpToolsProtocol])
async def test_who_asks_now_and_then_is_kept_and_who_rests_is_not(protocol: type[HttpToolsProtocol]) -> None:
    config = Config(answering(ANSWERS["whole"]), lifespan="off", log_config=None, timeout_keep_alive=1)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, ServerState(), {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for _ in range(3):
            writer.write(GET)
            assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.6)
        asked = loop.time() - 0.6
        assert await reader.read() == b""
        assert 0.9 < loop.time() - asked < 2.5
        writer.close()
