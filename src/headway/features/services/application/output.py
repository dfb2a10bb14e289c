"""What an application writes, read on from where it was read before, from each release to the next."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from headway.drivers.runtimes.contract.runtime import Behind, Piece, Runtime
from headway.features.services.model import Release, ReleaseState
from headway.infra.logs.mask import Masker, takes_long
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.ids import is_id, new_id
from headway.kernel.lines import lines_of
from headway.kernel.variables import Marks, secrets_among

LONGEST_CURSOR = 16_384
_ALL = 10_000  # lines of a release that has begun to serve
_FOLLOWS_SECONDS = 4.0  # after a look somebody still counts as following
_LAST_LOOK_SECONDS = 3.0
_LOOK_AGAIN_SECONDS = 0.05


class OutputKind(StrEnum):
    """What an item of an application's output is."""

    OUTPUT = "output"
    SERVES = "serves"
    ENDED = "ended"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A piece of output of one process (None: its release has only one), or a word of Headway's on its release."""

    kind: OutputKind
    release: Release
    process: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What came behind a cursor, and the cursor behind that; ``more`` is there already."""

    cursor: str
    items: Sequence[Item]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far ``reader`` has read: of each release that it follows, the place of each process. ``is_new``: it has read
    nothing yet, and begins with what was written ``since``.
    """

    reader: str
    places: Mapping[str, Mapping[str, str]]
    is_new: bool = False
    since: datetime | None = None

    @classmethod
    def of(cls, text: str | None, since: datetime | None = None) -> Cursor:
        """The cursor that was given, or that of a new reader. Raises InvalidInput."""
        if text is None:
            return cls(reader=new_id(), places={}, is_new=True, since=since)
        try:
            told = json.loads(urlsafe_b64decode(text.encode()))
            reader, places = told["reader"], told["places"]
        except (ValueError, KeyError, TypeError, RecursionError):
            reader, places = None, None
        if not isinstance(reader, str) or not is_id(reader) or not _are_places(places):
            raise InvalidInput("This cursor is none that was given; leave it out to begin anew.")
        return cls(reader=reader, places=places)

    def told(self) -> str:
        """As it is given to the reader. Raises Conflict where it would be too long to be sent back."""
        text = json.dumps({"reader": self.reader, "places": self.places}, separators=(",", ":"))
        told = urlsafe_b64encode(text.encode()).decode()
        if len(told) > LONGEST_CURSOR:
            raise Conflict("It has too many processes to be followed at once; read their last lines instead.")
        return told


def _are_places(given: Any) -> bool:  # noqa: ANN401 - JSON of somebody's
    return isinstance(given, dict) and all(
        isinstance(places, dict) and all(isinstance(each, str) for each in places.values()) for places in given.values()
    )


@dataclass(frozen=True, slots=True)
class Readers:
    """Who follows output of applications at this panel: when each has asked last, and until when it has read all."""

    looks: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def looked(self, application_id: str, reader: str, at: float, *, read_all: bool) -> None:
        """Somebody has asked at that time, and was told all that was there or not."""
        late = time.monotonic() - _FOLLOWS_SECONDS
        readers = {name: look for name, look in self.looks.get(application_id, {}).items() if look[0] > late}
        self.looks[application_id] = readers | {reader: (at, at if read_all else 0.0)}

    def follow(self, application_id: str) -> bool:
        """Whether anybody does now."""
        late = time.monotonic() - _FOLLOWS_SECONDS
        if any(asked > late for asked, _ in self.looks.get(application_id, {}).values()):
            return True
        self.looks.pop(application_id, None)
        return False

    async def last_look(self, application_id: str) -> None:
        """Returns once all who follow have read what is there now, or after a few seconds."""
        now = time.monotonic()
        late = now - _FOLLOWS_SECONDS
        while any(asked > late and seen < now for asked, seen in self.looks.get(application_id, {}).values()):
            if time.monotonic() > now + _LAST_LOOK_SECONDS:
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def read_on(
    cursor: Cursor,
    releases: Sequence[Release],
    runtime: Callable[[Release], Runtime],
    tail: int,
    secrets: Mask,
) -> Output:
    """What the releases wrote that the cursor names and the one that serves, the oldest first. One that serves no more
    is read to its end and left. ``releases`` are all that there are of the application, the newest first.
    """
    items: list[Item] = []
    places: dict[str, Mapping[str, str]] = {}
    more = False
    for release in reversed(releases):
        known = cursor.places.get(release.release_id)
        serves = release.state is ReleaseState.SERVING
        if known is None and not serves:
            continue
        if known is None and not cursor.is_new:
            items.append(Item(kind=OutputKind.SERVES, release=release))
        lines = tail if cursor.is_new else _ALL
        behind = Behind(places=known or {}, tail=lines, ended=not serves, since=cursor.since)
        found = await runtime(release).pieces(release.release_id, behind, await secrets.of(release, runtime(release)))
        items += _items(release, found)
        more = more or any(piece.more for piece in found)
        if release.state is ReleaseState.RETIRED and not any(piece.more for piece in found):
            items.append(Item(kind=OutputKind.ENDED, release=release))
        else:
            places[release.release_id] = {**(known or {}), **{piece.process: piece.place for piece in found}}
    return Output(cursor=Cursor(reader=cursor.reader, places=places).told(), items=items, more=more)


async def written_since(
    runtime: Runtime, release: Release, since: datetime, tail: int, masked: Callable[[str], str]
) -> str:
    """The last lines that the processes of a release wrote since then; with several each is led by its process."""
    behind = Behind(places={}, tail=tail, ended=True, since=since)
    found = await runtime.pieces(release.release_id, behind, masked)
    leads = {each.process: f"{each.process} | " if len(found) > 1 else "" for each in found}
    return "".join(f"{leads[each.process]}{line}\n" for each in found for line in lines_of(each.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Masks what a release wrote: secrets of the application, and those that the release was started with."""

    secrets: set[str]
    marks: Marks

    async def of(self, release: Release, runtime: Runtime) -> Callable[[str], str]:
        """The mask, which is made when there is something to mask."""
        started_with = await runtime.variables(release.release_id)
        secrets = {*self.secrets, *secrets_among(started_with, self.marks)}
        masker = cache(lambda: Masker(secrets))
        if takes_long(secrets):
            await asyncio.to_thread(masker)
        return lambda text: masker().mask_text(text)


def _items(release: Release, pieces: Sequence[Piece]) -> list[Item]:
    items: list[Item] = []
    for piece in pieces:
        process = piece.process if len(pieces) > 1 else None
        if piece.lost:
            items.append(Item(kind=OutputKind.LOST, release=release, process=process))
        if piece.text:
            items.append(Item(kind=OutputKind.OUTPUT, release=release, process=process, text=piece.text))
    return items
