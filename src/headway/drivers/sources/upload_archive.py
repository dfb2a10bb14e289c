"""Makes of an upload the archive that is kept: in a process with bounds and without rights, which may refuse it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import BinaryIO

from headway.drivers.sources import repacker
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, Unavailable

MOST_ENTRIES = 100_000
_SECONDS = 300.0
_MOST_SAID = 4096


class ArchiveRefused(InvalidInput):
    """What was uploaded is not taken; the sentence says what to change in it."""


class NoRoomUnpacked(Unavailable):
    """What is in the archive would take what others need of the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What an archive holds."""

    entries: int
    bytes: int


async def repack(upload: Path, target: Path, *, uid: int | None, most_bytes: int, least_free_bytes: int = 0) -> Packed:
    """Writes what is in ``upload`` (zip or tar, compressed or not) to ``target`` as a plain tar, on disk before it
    returns. Nothing is left of one that is refused. Raises ArchiveRefused, and NoRoomUnpacked where less than
    ``least_free_bytes`` of the disk would stay free.
    """
    bounds = (-1 if uid is None else uid, most_bytes, MOST_ENTRIES, least_free_bytes)
    argv = (sys.executable, "-I", "-S", repacker.__file__, *map(str, bounds))
    try:
        with upload.open("rb") as source, _new(target) as packed:
            said = await _run(argv, source.fileno(), packed.fileno())
    except BaseException:
        _discard(target)
        raise
    return Packed(**json.loads(said))


def _new(path: Path) -> BinaryIO:
    path.touch(mode=0o600, exist_ok=False)
    return path.open("wb")


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _run(argv: tuple[str, ...], source: int, target: int) -> bytes:
    """What it says at its end. Raises ArchiveRefused, NoRoomUnpacked."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=source, stdout=target, stderr=asyncio.subprocess.PIPE, env={}, start_new_session=True
    )
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        raise ArchiveRefused(
            f"Reading the archive took more than {_SECONDS / 60:.0f} minutes. Leave out what is not needed."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return said
    sentence = said[:_MOST_SAID].decode(errors="replace").strip()
    if process.returncode == repacker.FULL:
        raise NoRoomUnpacked(sentence)
    if process.returncode != repacker.REFUSED or not sentence:
        raise ArchiveRefused(
            "The archive cannot be read within the time and memory that are given to it. Leave out what is not needed."
        )
    raise ArchiveRefused(sentence)
