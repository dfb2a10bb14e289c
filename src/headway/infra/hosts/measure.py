"""How much folders hold on the disk, those of this machine and of servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from headway.infra.hosts.base import Host
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass

_SECONDS = 120.0
_AT_A_TIME = 200  # on a server the words pass a shell, which takes so many
_DU = ("nice", "-n", "19", "du", "--block-size=1", "--null")
_MEASURE = (*_DU, "--summarize", "--")
_LIST = (*_DU, "--max-depth=1", "--time", "--time-style=+%s", "--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What a folder holds on the disk, in bytes, and when anything in it was last written to."""

    bytes: int
    used_at: float


async def folders_in(host: Host, folder: str) -> dict[str, Folder]:
    """The folders that lie in this one, by their names; none where it is not there, or could not be measured within two
    minutes. Raises HostUnreachable.
    """
    found = {}
    for line in _lines(await _said(host, *_LIST, folder)):
        size, used_at, path = line.split(b"\t", 2)
        name = path.decode(errors="surrogateescape").removeprefix(f"{folder}/")
        if "/" not in name:
            found[name] = Folder(bytes=int(size), used_at=float(used_at))
    return found


async def bytes_of(host: Host, folders: Iterable[str]) -> dict[str, int]:
    """What each folder or file holds, by its path; what is not there is left out. A file with several names is counted
    once. What could not be measured within two minutes is left out too. Raises HostUnreachable.
    """
    paths, found = [*folders], dict[str, int]()
    for start in range(0, len(paths), _AT_A_TIME):
        found |= _read(await _said(host, *_MEASURE, *paths[start : start + _AT_A_TIME]))
    return found


async def _said(host: Host, *argv: str) -> bytes:
    return await (_said_there(host, *argv) if isinstance(host, SshHost) else _said_here(*argv))


async def _said_there(server: SshHost, *argv: str) -> bytes:
    conversation = await server.converse(*argv)
    try:
        async with asyncio.timeout(_SECONDS):
            return await conversation.said()
    except TimeoutError:  # a disk that hangs is not to keep one of the few sessions that there may be
        return b""
    finally:
        conversation.close()


async def _said_here(*argv: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return said


def _read(said: bytes) -> dict[str, int]:
    lines = (line.partition(b"\t") for line in _lines(said))
    return {path.decode(errors="surrogateescape"): int(size) for size, _, path in lines}


def _lines(said: bytes) -> list[bytes]:
    """Those that are whole: a link that breaks may end one in the middle."""
    return said.split(b"\0")[:-1]
