"""Makes of an upload the archive that is kept: in a process with bounds and without rights, which may refuse it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headway.drivers.sources import repacker
from headway.kernel.errors import InvalidInput

MOST_ENTRIES = 100_000
_SECONDS = 300.0
_MOST_SAID = 4096


class ArchiveRefused(InvalidInput):
    """What was uploaded is not taken; the sentence says what to change in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What an archive holds."""

    entries: int
    bytes: int


async def repack(upload: Path, target: Path, *, uid: int | None, most_bytes: int) -> Packed:
    """Writes what is in ``upload`` (zip or tar, compressed or not) to ``target`` as a plain tar, on disk before it
    returns. Nothing is left of one that is refused. Raises ArchiveRefused.
    """
    argv = (sys.executable, "-I", "-S", repacker.__file__, str(-1 if uid is None else uid), str(most_bytes))
    try:
        with upload.open("rb") as source, _new(target) as packed:
            said = await _run((*argv, str(MOST_ENTRIES)), source.fileno(), packed.fileno())
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
    """What it says at its end. Raises ArchiveRefused."""
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
    if process.returncode != repacker.REFUSED or not sentence:
        raise ArchiveRefused(
            "The archive cannot be read within the time and memory that are given to it. Leave out what is not needed."
        )
    raise ArchiveRefused(sentence)
