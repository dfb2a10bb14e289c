"""A Traefik that lives for a moment, to say what it thinks of a route file before the one that serves is given it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway.drivers.edge.file_text import written
from headway.drivers.edge.traefik import SECURE, WEB
from headway.infra.daemons.confinement import AT_HOME, Confinement
from headway.infra.hosts.private_file import let_pass, write_privately
from headway.kernel.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import httpx

_DEADLINE_SECONDS = 10.0
_TRIES = 2
_PAUSE_SECONDS = 0.02
_MEMORY_BYTES = 512 << 20
_LOOPBACK = "127.0.0.1"
_ASKING = "X-Headway-Scratch"
_PARTS = ("routers", "middlewares", "services")
# Traefik quotes what it could not use, and what it could not use may be the content of a file, or an answer of somebody
# else. So only sentences that are known here are told, and what they quote only where the user wrote it.
_KNOWN = tuple(
    re.compile(rf"(?:^|[ :]){sentence}$", re.DOTALL)
    for sentence in (
        r"(error parsing regexp: [a-z\[\])(?: ]+: `(?P<own>.*)`)",
        r"(error parsing regexp: [a-z\[\])(?: ]+)",
        r"(invalid CIDR address: (?P<own>.*))",
        r"(unsupported function: (?P<own>.*))",
        r"(\d+:\d+: expected [a-z' ();]+, found .{1,12})",
        r"(strconv\.[A-Z][A-Za-z]+: parsing \"(?P<own>.*)\": (?:invalid syntax|value out of range))",
        r"(unsupported (?:default )?encoding: (?P<own>.*))",
        r"(excludedContentTypes and includedContentTypes options are mutually exclusive)",
        r"(requestHost and RequestHeaderName are mutually exclusive)",
        r"(mime: [a-z ]+)",
        r"(prefix cannot be empty)",
        r"(path \"(?P<own>.*)\" does not start with a '/')",
        r"(unexpected number of parameters; got \d+, expected one of \[[\d ]+\])",
        r"(no args for matcher (?P<own>.*))",
        r"((?P<own>\w+) cannot be a standalone element \(type \*dynamic\.\w+\))",
        r"(field not found, node: (?P<own>.*))",
        r"(no users found in )",
        r"(recursion detected) in .*",
    )
)
_ELSE = "it cannot work as it is written"
_LONGEST_KNOWN = 4_000  # of a complaint: a sentence may be looked for from each of its words on, to the end


class RouteRefused(InvalidInput):
    """Traefik does not take the route; the message quotes what it says."""


class Scratch:
    """Tries route files with ``program``, one at a time, in folders of their own below ``folder``; under an ``account``
    of its own, if there is one, which reads what is tried and nothing else of ours.
    """

    def __init__(self, program: Path, folder: Path, *, account: int | None = None) -> None:
        self._program = program
        self._folder = folder
        self._account = account
        self._turn = asyncio.Lock()

    async def judge(self, text: str) -> None:
        """Returns if Traefik takes the text of a route file. Raises RouteRefused, Unavailable."""
        async with self._turn:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as place:
                complaints = await self._complaints(Path(place), text)
        if complaints:
            raise RouteRefused(f"Traefik does not take this: {_told(complaints, text)}")

    async def _complaints(self, place: Path, text: str) -> list[tuple[str, str]]:
        secret = secrets.token_urlsafe(24)
        routes = place / "routes"
        let_pass(place, self._account, look=False)
        for folder in (routes, place / "home"):
            let_pass(folder, self._account)
        write_privately(routes / "tried.yml", text, reader=self._account)
        write_privately(routes / "asking.yml", _asking_file(secret), reader=self._account)
        for _ in range(_TRIES):
            found = await self._asked(place, secret)
            if found is not None:
                return found
        raise Unavailable("Traefik could not be asked what it thinks of this; nothing was changed. Try again.")

    async def _asked(self, place: Path, secret: str) -> list[tuple[str, str]] | None:
        """What it does not take; None where it went down, for somebody has taken its port, or gave no answer."""
        port, other = _free_ports()
        argv = self._command_line(place, port, other)
        home = str(place) if self._account is None else AT_HOME
        async with _running(argv, place / "log", home) as process, _client(secret) as client:
            deadline = time.monotonic() + _DEADLINE_SECONDS
            while process.returncode is None and time.monotonic() < deadline:
                found = _refusals(place / "log") or await _ask(client, port)
                if found is not None:
                    return found
                await asyncio.sleep(_PAUSE_SECONDS)
        return None

    def _command_line(self, place: Path, port: int, other: int) -> tuple[str, ...]:
        """Nothing of it may outlive us: the kernel ends it when we end."""
        if self._account is None:
            return ("setpriv", "--pdeathsig=KILL", *_traefik(self._program, place / "routes", port, other))
        terms = Confinement(uid=self._account, folder=place / "home", dies_with_parent=True, memory_bytes=_MEMORY_BYTES)
        return terms.command_line(_traefik(self._program, Path("../routes"), port, other))


def _traefik(program: Path, routes: Path, port: int, other: int) -> tuple[str, ...]:
    return (
        str(program),
        f"--entrypoints.{WEB}.address={_LOOPBACK}:{port}",
        f"--entrypoints.{SECURE}.address={_LOOPBACK}:{other}",
        f"--providers.file.directory={routes}",
        "--providers.file.watch=false",
        "--api=true",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
        "--log.format=json",
    )


def _asking_file(secret: str) -> str:
    """What it thinks is told to us only: others of this machine can reach its port too."""
    router = {
        "rule": f"Header(`{_ASKING}`, `{secret}`)",
        "priority": 10_000_000,
        "service": "api@internal",
        "entryPoints": [WEB],
    }
    return written({"http": {"routers": {"headway.asking": router}}})


@contextlib.asynccontextmanager
async def _running(argv: Sequence[str], log: Path, home: str) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/bin:/bin", "HOME": home},
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())


def _client(secret: str) -> httpx.AsyncClient:
    import httpx  # noqa: PLC0415 - an edge of a server tries nothing out, and has none

    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing is encrypted, and all authorities take 25 ms to load
    return httpx.AsyncClient(trust_env=False, verify=nobody, headers={_ASKING: secret}, timeout=2.0)


async def _ask(client: httpx.AsyncClient, port: int) -> list[tuple[str, str]] | None:
    """What it does not take, None while it does not answer yet."""
    import httpx  # noqa: PLC0415 - as above

    complaints: list[tuple[str, str]] = []
    for part in _PARTS:
        try:
            answer = await client.get(f"http://{_LOOPBACK}:{port}/api/http/{part}?per_page=1000")
        except httpx.HTTPError:
            return None
        if answer.status_code != httpx.codes.OK:
            return None
        refused = [each for each in answer.json() if each.get("status") != "enabled"]
        complaints += [
            (str(each.get("name", "")).removesuffix("@file"), str(why)) for each in refused for why in each["error"]
        ]
    return complaints


def _refusals(log: Path) -> list[tuple[str, str]]:
    """Why it took none of the files, which no part of it is to blame for: one word that it cannot read is enough."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            _, named, reason = str(told.get("error", "")).rpartition("tried.yml: ")
            if named:
                found.append(("", reason))
    return list(dict.fromkeys(found))


def _free_ports() -> tuple[int, int]:
    with socket.create_server((_LOOPBACK, 0)) as one, socket.create_server((_LOOPBACK, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _told(complaints: Sequence[tuple[str, str]], text: str) -> str:
    """The complaints, each with the part that it is about (empty: none), as far as the user of ``text`` may know."""
    parts: dict[str, list[str]] = {}
    for part, why in complaints:
        names = parts.setdefault(_known(why, text), [])
        if part and part not in names and _wrote(part, text):
            names.append(part)
    return "; ".join(f"{', '.join(names)}: {why}" if names else why for why, names in parts.items())


def _known(why: str, text: str) -> str:
    for sentence in _KNOWN if len(why) <= _LONGEST_KNOWN else ():
        if (found := sentence.search(why)) is not None and _wrote(found.groupdict().get("own") or "", text):
            return found[1].strip()
    return _ELSE


def _wrote(quoted: str, text: str) -> bool:
    return written(quoted)[1:-1] in text
