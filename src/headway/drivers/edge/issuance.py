"""What authorities have issued to the edge, and why they last did not: read from what Traefik writes of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from headway.drivers.edge.traefik import ACME, ISSUED, LOG
from headway.kernel.dataclass import dataclass

T = TypeVar("T")

_MOST_BYTES = 32 << 20  # some thousand certificates
_LOG_BYTES = 128 << 10  # of the end of the log
_LONGEST = 600
_MOST_REFUSED = 200
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # Traefik colours its lines wherever they go
_REFUSED = re.compile(
    r"^(?P<at>\d{4}-\d\d-\d\dT\S+) ERR "
    r"(?:Unable to obtain ACME certificate for domains?\b|Error renewing certificate from LE: \{(?P<main>[^ }]+))"
)
_WHY = re.compile(r' error="(?P<why>(?:[^"\\]|\\.)*)"')
_AROUND = re.compile(r"^unable to generate a certificate for the domains \[[^\]]*\]: ")
_DOMAINS = re.compile(r' domains=(?P<names>\["[^\[\]]*"\])')


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A certificate that an authority has issued: the names that it was asked for, and when it is good no more."""

    hosts: Sequence[str]
    until: datetime

    def covers(self, host: str) -> bool:
        """Whether who asks for the host is shown it."""
        return host in self.hosts or f"*.{host.partition('.')[2]}" in self.hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """That one was asked for and not issued: for which names, when, and what was said."""

    hosts: Sequence[str]
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """All of that on one machine; of refusals the newest for each name, the oldest first."""

    certificates: Sequence[IssuedCertificate]
    refusals: Sequence[Refusal]

    def until(self, host: str) -> datetime | None:
        """When the certificate for a host is good no more that is good the longest; None where none was issued."""
        return max((each.until for each in self.certificates if each.covers(host)), default=None)

    def refusal(self, host: str) -> Refusal | None:
        """What was said last of a host."""
        return next((each for each in reversed(self.refusals) if host in each.hosts), None)


class IssuanceFiles:
    """Reads it below the folder of an edge: from the file that Traefik keeps what was issued in, and from its log."""

    def __init__(self, root: Path) -> None:
        self._certificates = _Followed(root / ISSUED, _MOST_BYTES, certificates_in)
        self._refusals = _Followed(root / LOG, _LOG_BYTES, refusals_in)

    async def read(self) -> Issuance | None:
        """None where it cannot be read: what is written just now is whole a moment later."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Issuance | None:
        try:
            return Issuance(certificates=self._certificates.read(), refusals=self._refusals.read())
        except (OSError, ValueError):
            return None


def certificates_in(text: str) -> Sequence[IssuedCertificate]:
    """What Traefik has kept. Raises ValueError where that is not whole; one that cannot be read is left out."""
    if not text.strip():
        return ()
    kept = json.loads(text)
    if not isinstance(kept, dict):
        msg = "no object"
        raise ValueError(msg)  # noqa: TRY004 - as what is no JSON
    mine = kept.get(ACME) or {}
    return tuple(found for each in mine.get("Certificates") or () if (found := _certificate(each)) is not None)


def refusals_in(text: str) -> Sequence[Refusal]:
    """What the log says of certificates that were not issued: of each name the newest."""
    newest: dict[str, Refusal] = {}
    for found in filter(None, map(_refusal, _COLOUR.sub("", text).split("\n"))):
        for host in found.hosts:
            newest.pop(host, None)  # what comes again comes last
            newest[host] = found
    return tuple({id(each): each for each in newest.values()}.values())[-_MOST_REFUSED:]


def _certificate(kept: Any) -> IssuedCertificate | None:  # noqa: ANN401 - JSON
    from cryptography import x509  # noqa: PLC0415 - few edges have been issued any

    try:
        domain = kept["domain"]
        hosts = (domain["main"], *(domain.get("sans") or ()))
        (leaf, *_) = x509.load_pem_x509_certificates(base64.b64decode(kept["certificate"]))
        return IssuedCertificate(hosts=tuple(str(each).lower() for each in hosts), until=leaf.not_valid_after_utc)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _refusal(line: str) -> Refusal | None:
    found, why = _REFUSED.match(line), _WHY.search(line)
    if found is None or why is None:
        return None
    try:
        said = str(json.loads(f'"{why["why"]}"'))
        names = [found["main"]] if found["main"] else json.loads((_DOMAINS.search(line) or {"names": "[]"})["names"])
        at = datetime.fromisoformat(found["at"])
    except ValueError:
        return None
    hosts = tuple(str(each).lower() for each in names)
    if not hosts or at.tzinfo is None:
        return None
    return Refusal(hosts=hosts, at=at, why=_of_host(said, hosts))


def _of_host(said: str, hosts: Sequence[str]) -> str:
    """The part of what was said that is about one of the names, without what lego says around it."""
    lines = list(_telling(said, hosts))
    return (" ".join(lines) or _AROUND.sub("", " ".join(said.split())))[:_LONGEST]


def _telling(said: str, hosts: Sequence[str]) -> Iterator[str]:
    for line in said.split("\n"):
        name, mark, rest = line.removeprefix("[").partition("] ")
        if mark and name.lower() in hosts:
            yield rest.strip()


class _Followed(Generic[T]):
    """What the last bytes of a file say, read anew where it has changed; one that is not there is empty."""

    def __init__(self, path: Path, most: int, parse: Callable[[str], T]) -> None:
        self._path = path
        self._most = most
        self._parse = parse
        self._known: tuple[tuple[int, ...], T] | None = None

    def read(self) -> T:
        """Raises OSError, and what parsing raises."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return self._parse("")
        with os.fdopen(file, "rb") as opened:
            seen = os.fstat(file)
            state = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
            if self._known is None or self._known[0] != state:
                opened.seek(max(0, seen.st_size - self._most))
                self._known = state, self._parse(opened.read(self._most).decode(errors="replace"))
            return self._known[1]
