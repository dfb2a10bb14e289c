"""What is read of an answer, however it is cut up on its way; and what is no answer."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headway.infra import http_client
from headway.infra.http_client import HEAD_BYTES, Answer, CutOff, NotHttp, answered

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LINES = [b"%d %s\n" % (number, b"x" * (number % 300)) for number in range(2_000)]


def chunked(*pieces: bytes) -> bytes:
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


async def read(*pieces: bytes) -> tuple[Answer, bytes]:
    """An answer and its body, whose bytes come in these pieces."""
    reader = asyncio.StreamReader()

    async def tell() -> None:
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    telling = asyncio.create_task(tell())
    try:
        answer = await answered(reader)
        return answer, await answer.body()
    finally:
        await telling


@given(some.lists(some.binary(min_size=1, max_size=40), max_size=6), some.sets(some.integers(1, 400)))
def test_a_body_in_chunks_is_the_same_wherever_it_is_cut(pieces: list[bytes], cuts: set[int]) -> None:
    told = chunked(*pieces)
    places = [0, *sorted(cut for cut in cuts if cut < len(told)), len(told)]
    parts = [told[start:end] for start, end in itertools.pairwise(places)]
    assert asyncio.run(read(*parts))[1] == b"".join(pieces)


async def test_many_small_chunks_are_one_body() -> None:
    assert (await read(chunked(*LINES)))[1] == b"".join(LINES)


@pytest.mark.parametrize(
    ("told", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcmore", 200, b"abc"),
        (b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\nno body", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc", 304, b""),
        (b"HTTP/1.1 200\r\nCONTENT-LENGTH:2\r\n\r\nab", 200, b"ab"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, b"ab"),
        (b"HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 101, b""),
        (CHUNKED + b"2;a=b\r\nab\r\n0\r\nTrailer: x\r\n\r\n", 200, b"ab"),
        (chunked(b"ab").replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n", 1), 200, b"ab"),
    ],
)
async def test_a_body_ends_where_its_head_says(told: bytes, status: int, body: bytes) -> None:
    answer, read_body = await read(told)
    assert (answer.status, read_body) == (status, body)


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        CHUNKED,
        CHUNKED + b"4\r\nha",
        CHUNKED + b"2\r\nab\r\n",
    ],
)
async def test_an_answer_that_is_cut_off_is_told_from_a_whole_one(told: bytes) -> None:
    with pytest.raises(CutOff):
        await read(told)


@pytest.mark.parametrize(
    "told",
    [
        b"220 mail.example ESMTP\r\n",
        b"SSH-2",
        b"HT",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n",
        CHUNKED + b"no number\r\n",
        CHUNKED + b"-2\r\nab\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"2;" + b"x" * 5_000,
    ],
)
async def test_what_is_no_http_is_known(told: bytes) -> None:
    with pytest.raises(NotHttp):
        await read(told)


async def test_names_of_headers_are_in_lower_case_and_what_is_no_header_is_passed_over() -> None:
    answer, _ = await read(b"HTTP/1.1 200 OK\r\nX-Name :  a: b \r\nnothing\r\nEMPTY:\r\n\r\n")
    assert answer.headers == {"x-name": "a: b", "empty": ""}


async def test_a_body_that_is_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_BODY_BYTES", 1_000)
    with pytest.raises(OSError, match="its answer is too long"):
        await read(chunked(*LINES))


async def test_who_reads_slowly_is_sent_no_more_than_fits(tmp_path: Path) -> None:
    """A log that is followed is as long as it likes: what nobody has read yet waits with who tells it."""
    sent, asked = 0, asyncio.Event()

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        writer.transport.set_write_buffer_limits(high=0)
        for _ in range(300):
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
            sent += 1
            asked.set()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(tell, tmp_path / "socket"):
        streams = await asyncio.open_unix_connection(tmp_path / "socket")
        answer = await http_client.ask(streams, "GET", "/", {"Host": "here"})
        first = len(await answer.read())
        await asyncio.wait_for(asked.wait(), 5)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 100, "the rest is not sent yet"
        assert first + len(await answer.body()) == 300 * 0x10000
        await http_client.close(streams[1])


async def test_a_file_is_sent_with_its_length(tmp_path: Path) -> None:
    content, came = b"0123456789" * 300_000, bytearray()
    (tmp_path / "file").write_bytes(content)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        came.extend(head + await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with await asyncio.start_unix_server(take, tmp_path / "socket"):
        streams = await asyncio.open_unix_connection(tmp_path / "socket")
        answer = await http_client.ask(streams, "POST", "/load?x=1", {"Host": "here"}, tmp_path / "file")
        assert await answer.body() == b"ok"
        await http_client.close(streams[1])
    head, _, body = bytes(came).partition(b"\r\n\r\n")
    assert head == b"POST /load?x=1 HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 3000000"
    assert body == content


async def test_a_connection_is_closed_at_once_though_nobody_takes_what_was_sent(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "socket"))
        deaf.listen()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(http_client.ask((reader, writer), "POST", "/", {}, b"x" * (8 << 20)), 0.2)
        await asyncio.wait_for(http_client.close(writer), 5)
