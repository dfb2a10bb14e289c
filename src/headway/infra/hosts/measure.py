"""How much folders hold on the disk, those of this machine and of servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.infra.hosts.ssh import SshHost

_SECONDS = 120.0
_AT_A_TIME = 500
_AT_A_TIME_THERE = 200  # the words pass a shell, which takes less
_MEASURE = ("nice", "-n", "19", "du", "--summarize", "--block-size=1", "--null", "--")


async def bytes_of(folders: Iterable[str]) -> dict[str, int]:
    """What each folder or file holds, by its path; what is not there is left out. A file with several names is counted
    once. What could not be measured within two minutes is left out too.
    """
    there = [path for path in folders if await asyncio.to_thread(Path(path).exists)]
    found: dict[str, int] = {}
    for start in range(0, len(there), _AT_A_TIME):
        found |= await _measured(there[start : start + _AT_A_TIME])
    return found


async def bytes_on(server: SshHost, folders: Iterable[str]) -> dict[str, int]:
    """The same of a server, for as long as that takes. Raises HostUnreachable."""
    paths, found = [*folders], dict[str, int]()
    for start in range(0, len(paths), _AT_A_TIME_THERE):
        conversation = await server.converse(*_MEASURE, *paths[start : start + _AT_A_TIME_THERE])
        try:
            found |= _read(await conversation.said())
        finally:
            conversation.close()
    return found


async def _measured(paths: list[str]) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        *_MEASURE,
        *paths,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        return {}
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _read(said)


def _read(said: bytes) -> dict[str, int]:
    lines = (line.partition(b"\t") for line in said.split(b"\0") if line)
    return {path.decode(errors="surrogateescape"): int(size) for size, _, path in lines}
