"""The last that a release's processes wrote: what of it a failure quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from headway.drivers.runtimes.contract.runtime import Unhealthy
from headway.kernel.failures.explanation import on_own_threads, told
from headway.kernel.failures.rule import Phase

LAST_LINES = 30


_REFUSED = re.compile(
    r"permission denied|EACCES|read-only file system|EROFS|readonly database|unable to open database file",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left on device|ENOSPC", re.IGNORECASE)
_TOO_LARGE = re.compile(r"file too large|EFBIG", re.IGNORECASE)


def advice(said: str, data_folder: str) -> str:
    """Where a process may write, as a sentence that follows another, if what it said is that it could not; else ""."""
    if _REFUSED.search(said):
        return (
            " It may write in its own folder, which is thrown away with each process, and in DATA_DIR, which stays: "
            f"{data_folder}"
        )
    if _FULL.search(said):
        return (
            " The machine's disk is full: free some of it ('headway disk usage' shows what takes it, 'headway disk "
            "clean' removes what nobody needs). What a process writes in its own folder is bounded by "
            f"HEADWAY_APPLICATION_LAYER, what an application keeps in {data_folder} (DATA_DIR) by "
            "HEADWAY_APPLICATION_DISK."
        )
    if _TOO_LARGE.search(said):
        return (
            " Let the file be smaller, or raise HEADWAY_APPLICATION_DISK; where the disk has little room ('headway "
            "disk usage' shows what takes it) free some of it."
        )
    return ""


async def quoted(lines: Iterable[str]) -> str:
    """The line of these that tells most, as a sentence that follows another."""
    said = await on_own_threads(partial(told, "\n".join(lines), Phase.START))
    return f' It said: "{said.line}".{said.advice}' if said.line else " It wrote nothing."


async def explained(error: Unhealthy, lines: Iterable[str], data_folder: str | None = None) -> Unhealthy:
    """The failure of a release whose processes wrote these last, with what they say of it, where it has not said so,
    and for a release with a data folder with where it may write.
    """
    found = await on_own_threads(partial(told, "\n".join(lines), Phase.START))
    said = "" if not found.line or " It said: " in error.message else f' It said: "{found.line}".{found.advice}'
    where = advice(found.line, data_folder) if found.line and data_folder is not None else ""
    return type(error)(f"{error.message}{said}{where}") if said or where else error
