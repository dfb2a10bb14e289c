"""Many open pages, cheap enough to leave the machine to the panel: a program of its own.

``python _viewers.py PORT COOKIE`` reads one line of JSON, [[topics, page, parts], ...] with an entry a page, opens all
of them and says ``ready``; each pulls its parts as a page does when it is told that they changed, and what has a log
follows it as ``log_lines.js`` does. Somebody opens one page after the other meanwhile. The next line of its input is
[first, last]: when all deployments had begun to print, and when the first of them no longer did (seconds since 1970).
It prints one line of JSON then: how long answers took and how late the lines of logs came (milliseconds, by quantiles)
while they began, printed and ended, how many answers there were by their status, how many logs were followed, how many
of those to their ends, and what the program itself has used of a processor.
"""

from __future__ import annotations

import asyncio
import html
import json
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import uvloop

_APART = 0.25
_LOOK_ANYWAY = 30.0
_LOOKED_SELDOM = ("attention", "failed")  # which have nothing under way: each minute, longer than a round takes
_A_PAGE_EACH = 0.25
_CHUNK = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 2.0
_LAST_SECONDS = 10.0
_LOG = re.compile(r'data-lines="([^"]*)"[^>]*? data-follow-lines="([^"]*)"')
Headers = Mapping[str, str]


class Figures:
    """What all pages came to."""

    def __init__(self) -> None:
        self.took: list[tuple[str, float, float]] = []  # what, when it was there, and after how many milliseconds
        self.pages: list[tuple[float, float, str]] = []  # after how many milliseconds, when it was there, and which
        self.statuses: Counter[str] = Counter()
        self.told = 0
        self.followed = 0
        self.ended = 0
        self.broken = 0  # connections by which a log was followed
        self.lines = 0

    def note(self, kind: str, milliseconds: float) -> None:
        """Something is there."""
        self.took.append((kind, time.time(), milliseconds))


class Line:
    """One kept connection, by which one request after the other is made."""

    def __init__(self, port: int, cookie: str) -> None:
        self._port = port
        self._head = (
            f"host: 127.0.0.1:{port}\r\ncookie: {cookie}\r\nsec-fetch-site: same-origin\r\naccept: text/html\r\n"
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, **more: str) -> tuple[int, Headers, bytes]:
        """What a request is answered; the body too, unless it comes bit by bit."""
        was_kept = self._streams is not None
        try:
            return await self._get(path, more)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._streams = None
            if not was_kept:
                raise
        return await self._get(path, more)  # the panel lets go of a connection that was not used for a while

    async def _get(self, path: str, more: Headers) -> tuple[int, Headers, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        reader, writer = self._streams
        further = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{self._head}{further}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        size = int(headers.get("content-length", "0"))
        if headers.get("connection") == "close":
            self._streams = None
        return int(head[0].split()[1]), headers, await reader.readexactly(size)

    async def pieces(self) -> AsyncIterator[str]:
        """What comes bit by bit, until its end: a chunk is a piece of an answer whose length nobody knows. Where the
        connection breaks there is no more of it, and the next answer comes by another.
        """
        try:
            while size := int(await self.reader.readuntil(b"\n"), 16):
                yield (await self.reader.readexactly(size + 2))[:-2].decode()
            await self.reader.readline()
        except (asyncio.IncompleteReadError, ConnectionError):
            self._streams = None

    @property
    def reader(self) -> asyncio.StreamReader:
        """What comes bit by bit."""
        assert self._streams is not None
        return self._streams[0]


class Follower:
    """The log of an open page: the end of it, and from there on the lines that are told."""

    def __init__(self, line: Line, figures: Figures, lines_at: str, follow_at: str) -> None:
        self._line, self._figures = line, figures
        self._lines_at, self._follow_at = lines_at, follow_at
        self._generation, self._total = "", 0

    async def follow(self) -> None:
        """Until the log has ended. What breaks is begun again a moment later, and later each time."""
        self._figures.followed += 1
        pause = _FIRST_PAUSE
        while not (await self._catch_up() or await self._listen()):
            await asyncio.sleep(pause * (1 + random.random()))
            pause = min(pause * 2, _LONGEST_PAUSE)
        self._figures.ended += 1

    async def _catch_up(self) -> bool:
        began = time.perf_counter()
        status, _, body = await self._line.get(self._with(self._lines_at, count=_CHUNK), x_headway_page="1")
        self._figures.note("lines", (time.perf_counter() - began) * 1_000)
        self._figures.statuses[f"lines {status}"] += 1
        found = json.loads(body)
        self._generation, self._total = found["generation"], found["total"]
        return bool(found["ended"])

    async def _listen(self) -> bool:
        path = self._with(self._follow_at, **{"from": max(1, self._total)})
        status, _, _ = await self._line.get(path, x_headway_page="1")
        self._figures.statuses[f"follow {status}"] += 1
        held = ""
        async for piece in self._line.pieces():
            *events, held = (held + piece).split("\n\n")
            if [each for each in events if self._hears(each)]:
                return True
        self._figures.broken += 1
        return False

    def _hears(self, event: str) -> bool:
        said = dict(line.partition(": ")[::2] for line in event.splitlines())
        if said.get("event") == "lines":
            rows = json.loads(said["data"])["rows"]
            self._figures.lines += sum(row["n"] > self._total for row in rows)
            self._total = max(self._total, rows[-1]["n"])
            # To the second, as logs tell times: half of one too late at the median is none.
            written = datetime.fromisoformat(rows[-1]["at"]).timestamp()
            self._figures.note("late", (time.time() - written) * 1_000)
        return said.get("event") == "end"

    def _with(self, address: str, **given: object) -> str:
        known = {"generation": self._generation} if self._generation else {}
        return f"{address}{'&' if '?' in address else '?'}{urlencode({**given, **known})}"


class Viewer:
    """One open page."""

    def __init__(
        self, lines: tuple[Line, Line, Line], figures: Figures, topics: Sequence[str], parts: Sequence[str]
    ) -> None:
        self._live, self._line, self._log_line = lines
        self._figures = figures
        self._topics = topics
        self._parts = parts
        self._tags: dict[str, str] = {}
        self._told = asyncio.Event()
        self._revision = ""  # of the last change that it was told of
        self._rest = _LOOK_ANYWAY * (0.5 + random.random())
        self.follower: Follower | None = None

    async def open(self, page: str) -> None:
        """Loads the page, and is told from then on."""
        shown = await self._get("page", page)
        if (log := _LOG.search(shown.decode())) is not None and log[2]:
            addresses = (html.unescape(each) for each in log.groups())
            self.follower = Follower(self._log_line, self._figures, *addresses)
        status, _, _ = await self._live.get(f"/live?{urlencode([('topic', topic) for topic in self._topics])}")
        assert status == 200, status
        await self._pull(self._parts)

    async def listen(self) -> None:
        """Reads what it is told."""
        while line := await self._live.reader.readline():
            if line.startswith(b"event: changed"):
                told = json.loads((await self._live.reader.readline()).partition(b": ")[2])
                self._revision = told["revision"]
                self._figures.told += 1
                self._told.set()

    async def look(self) -> None:
        """Pulls what has changed, and what is under way anyway each now and then."""
        while True:
            parts = self._parts
            try:
                async with asyncio.timeout(self._rest):
                    await self._told.wait()
            except TimeoutError:
                parts = [part for part in parts if not part.endswith(_LOOKED_SELDOM)]
            self._told.clear()
            known = {"x_headway_told": self._revision} if self._revision else {}
            await self._pull(parts, **known)
            await asyncio.sleep(_APART)

    async def open_again_and_again(self, pages: Sequence[str]) -> None:
        """Loads one page after the other, as somebody does who looks around."""
        while True:
            for page in pages:
                await self._get("page", page)
                await asyncio.sleep(_A_PAGE_EACH)

    async def _pull(self, parts: Sequence[str], **known: str) -> None:
        for part in parts:
            await self._get("part", part, **known)

    async def _get(self, kind: str, path: str, **known: str) -> bytes:
        if path in self._tags:
            known["if_none_match"] = self._tags[path]
        began = time.perf_counter()
        status, headers, body = await self._line.get(path, **known)
        took = (time.perf_counter() - began) * 1_000
        self._figures.note(kind, took)
        if kind == "page":
            self._figures.pages.append((took, time.time(), path))
        self._figures.statuses[f"{kind} {status}"] += 1
        if "etag" in headers:
            self._tags[path] = headers["etag"]
        return body


def _lines(port: int, cookie: str) -> tuple[Line, Line, Line]:
    return Line(port, cookie), Line(port, cookie), Line(port, cookie)


async def _view(port: int, cookie: str) -> None:
    source = asyncio.StreamReader(limit=1 << 22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)
    wanted = json.loads(await source.readline())
    figures = Figures()
    tasks, followers = list[asyncio.Task[None]](), list[asyncio.Task[None]]()
    for topics, page, parts in wanted:
        viewer = Viewer(_lines(port, cookie), figures, topics, parts)
        await viewer.open(page)
        tasks += [loop.create_task(work) for work in (viewer.listen(), viewer.look())]
        if viewer.follower is not None:
            followers.append(loop.create_task(viewer.follower.follow()))
    print("ready", flush=True)
    around = Viewer(_lines(port, cookie), figures, (), ()).open_again_and_again([page for _, page, _ in wanted])
    tasks.append(loop.create_task(around))
    ended = loop.create_task(source.readline())
    done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    assert done == {ended}, [each.exception() for each in done]
    await asyncio.wait([ended, *followers], timeout=_LAST_SECONDS)  # the ends of the logs come a moment after the rows'
    broken = [repr(each.exception()) for each in followers if each.done() and each.exception() is not None]
    assert not broken, broken
    used = resource.getrusage(resource.RUSAGE_SELF)
    first, last = json.loads(ended.result())
    print(json.dumps({**_told(figures, first, last), "processor": used.ru_utime + used.ru_stime}), flush=True)
    for task in (*tasks, *followers):
        task.cancel()


def _told(figures: Figures, first: float, last: float) -> Mapping[str, object]:
    took: dict[str, dict[str, list[float]]] = {"beginning": {}, "printing": {}, "ending": {}}
    for kind, at, milliseconds in figures.took:
        phase = "beginning" if at - milliseconds / 1_000 < first else "printing" if at <= last else "ending"
        took[phase].setdefault(kind, []).append(milliseconds)
    ms = {phase: {kind: _quantiles(sorted(each)) for kind, each in of.items()} for phase, of in took.items()}
    logs = {"followed": figures.followed, "ended": figures.ended, "lines": figures.lines, "broken": figures.broken}
    pages = [each for each in figures.pages if first < each[1] <= last]
    slowest = [
        (path.split("/")[1], round(took), round(at - first, 1)) for took, at, path in sorted(pages, reverse=True)[:8]
    ]
    return {"ms": ms, "slowest": slowest, "statuses": figures.statuses, "told": figures.told, "logs": logs}


def _quantiles(took: Sequence[float]) -> Mapping[str, float]:
    found = {str(each): round(took[min(len(took) - 1, int(len(took) * each))], 1) for each in (0.5, 0.9, 0.99, 1)}
    return {"count": len(took), **found}


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    uvloop.run(_view(int(sys.argv[1]), sys.argv[2]))
