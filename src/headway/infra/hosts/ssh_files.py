"""Files and folders of a server, as a host offers them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from headway.infra.hosts.base import FileFailed, LeadsOutside
from headway.infra.hosts.command import Account
from headway.infra.hosts.file_listing import Listed, Listing
from headway.infra.hosts.ssh_session import SshSession
from headway.infra.hosts.wire import SPARE_BYTES, Field
from headway.kernel.errors import Conflict

FILE_SECONDS = 60.0
SYNC_SECONDS = 3600.0  # what others have written there is synced as well
PIECE_BYTES = 1 << 20


class SshFiles:
    """The part of the host contract that is about files, for a server."""

    _session: SshSession
    own_folders: Sequence[str] = ()

    async def make_folder(self, path: str, *, owner: Account | None = None, mode: int = 0o700) -> None:
        """Makes a folder (parents exist already or are made traversable, owned by root); no error if it exists."""
        await self._file("make_folder", "make the folder", path, *_given(owner), mode)

    async def write_file(
        self, path: str, data: bytes, *, owner: Account | None = None, mode: int = 0o600, lasting: bool = True
    ) -> None:
        """Writes a file beside its name, syncs it and renames it into place. One that is not ``lasting`` is not synced:
        who finds it after a loss of power must not take it for what was written.
        """
        await self._file("write_file", "write", path, data, *_given(owner), mode, int(lasting))

    async def read_file(self, path: str, limit: int = 1 << 20, *, below: str | None = None) -> bytes | None:
        """At most ``limit`` bytes of a regular file, None when there is none. With ``below``, raises LeadsOutside where
        a symbolic link leads out of that folder.
        """
        (found,) = await self.read_files([path], limit, below=below)
        return found

    async def read_files(
        self, paths: Sequence[str], limit: int = 1 << 20, *, below: str | None = None
    ) -> list[bytes | None]:
        """The same of several files at once, in their order."""
        most = limit * len(paths) + SPARE_BYTES
        asked = (limit, below, *paths)
        found = (await self._session.ask("read_files", *asked, seconds=FILE_SECONDS, most_bytes=most))[1:]
        return [_content(path, below or "", *read) for path, read in zip(paths, _pairs(found), strict=True)]

    async def list_files(self, folder: str, *, without: Collection[str], deepest: int) -> Listing:
        """The regular files and links below a folder, at most so many folders deep, those nearest to it first, until it
        is enough; nothing in folders of the names ``without``. No link is followed. Raises FileFailed.
        """
        is_cut, *fields = await self._file("list_files", "look into", folder, deepest, *without)
        each = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
        files = (Listed(name.decode(errors="replace"), int(size), _target(target)) for size, name, target in each)
        return Listing(tuple(files), is_cut=is_cut == b"1")

    async def stamps(self, paths: Sequence[str]) -> list[str]:
        """What changes whenever somebody changes what is at these paths themselves (no link is followed), or what a
        folder among them has; "" where nothing can be seen. The last part behind a colon is when that was, in seconds.
        """
        return [stamp.decode() for stamp in (await self._session.ask("stamps", *paths, seconds=FILE_SECONDS))[1:]]

    async def send_file(self, source: Path, path: str) -> None:
        """Sends a file of this machine, whose content is another's only under another ``path``: what is there already
        of it is not sent again. Raises HostUnreachable; asked again it goes on where it was.
        """
        there = await self.length_of(path)
        with await asyncio.to_thread(source.open, "rb") as file:
            length = (await asyncio.to_thread(source.stat)).st_size
            there = there if there <= length else 0
            while there < length:
                await asyncio.to_thread(file.seek, there)
                piece = await asyncio.to_thread(file.read, PIECE_BYTES)
                there = int((await self._file("append", "write", path, there, piece))[0])
            if length == 0:
                await self._file("append", "write", path, 0, b"")

    async def length_of(self, path: str) -> int:
        """How many bytes a regular file has, 0 where there is none."""
        return int((await self._file("length_of", "look at", path))[0])

    async def remove_tree(self, path: str) -> None:
        """Removes a file or folder and all below it, following no link; no error when it is gone."""
        await self._file("remove_tree", "remove", path)

    async def remove_files(self, folder: str, prefix: str) -> None:
        """Removes what is in a folder (not below it) and no folder itself, of those names that begin with ``prefix``;
        no error when there is none. Fails where the folder is a symbolic link.
        """
        await self._file("remove_files", "remove files from", folder, prefix)

    async def rename(self, source: str, target: str) -> None:
        """Moves within one file system. Raises Conflict when the target exists."""
        await self._file("move", "move", source, target)

    async def sync(self, *paths: str) -> None:
        """Returns once the disks have all that was written by now on the file systems that hold Headway's own folders
        and these paths; one that is not there is passed over. Raises FileFailed.
        """
        word, *rest = await self._session.ask("sync", *self.own_folders, *paths, seconds=SYNC_SECONDS)
        if word != b"ok":
            why = b" ".join(rest).decode(errors="replace")
            raise FileFailed(f"Cannot put on the disk what was written on the server: {why}.")

    async def free_bytes(self, path: str) -> int:
        """Free space, in bytes, of the file system that holds ``path``."""
        return int((await self._file("free_bytes", "look at", path))[0])

    async def _file(self, verb: str, what: str, path: str, *arguments: Field) -> list[bytes]:
        word, *rest = await self._session.ask(verb, path, *arguments, seconds=FILE_SECONDS)
        if word == b"ok":
            return rest
        why = b" ".join(rest).decode(errors="replace")
        if why == "exists":
            raise Conflict(f"Cannot move {path} to {arguments[0]!s}: that exists already.")
        raise FileFailed(f"Cannot {what} {path}: {why}.")


def _pairs(fields: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(fields[::2], fields[1::2], strict=True)


def _content(path: str, below: str, word: bytes, content: bytes) -> bytes | None:
    match word:
        case b"read":
            return content
        case b"none":
            return None
        case _:
            why = content.decode(errors="replace")
            raise LeadsOutside(path, below) if why == "outside" else FileFailed(f"Cannot read {path}: {why}.")


def _target(text: bytes) -> str | None:
    return text.decode(errors="replace") or None


def _given(owner: Account | None) -> tuple[Field, Field]:
    return (owner.uid, owner.gid) if owner else (None, None)
