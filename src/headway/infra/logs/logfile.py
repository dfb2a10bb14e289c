"""The file of a log, written at known offsets, and the checkpoint beside it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from headway.infra.logs.line_index import LineNotes
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import checkpoint_beside, draft_beside
from headway.kernel.dataclass import dataclass

T = TypeVar("T")

_LONGEST_LINE = 64 << 10
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Two offsets that mean the same place: in the spool, and in the log made of it, where nothing is held back.
    ``closing`` is where the deployment's final line begins in the log, once that was about to be written.
    """

    spool: int = 0
    log: int = 0
    closing: int | None = None


class LogFile:
    """An open log; every call blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, _FLAGS, 0o600)
        self.is_new = not os.fstat(self._file).st_size  # nothing was ever written into it

    def read(self, offset: int, limit_bytes: int) -> bytes:
        """What stands at ``offset``, at most so many bytes. Raises OSError."""
        return os.pread(self._file, limit_bytes, offset)

    def write(self, text: bytes, offset: int) -> int:
        """Writes all of ``text`` at ``offset`` and gives the offset behind it. Raises OSError; writing it again after
        that does no harm.
        """
        rest = memoryview(text)
        while rest:
            written = os.pwrite(self._file, rest, offset)
            rest, offset = rest[written:], offset + written
        return offset

    def line_begin(self, offset: int) -> int:
        """Where the line begins in which ``offset`` is, as far as that is near; else ``offset``."""
        near = max(0, offset - _LONGEST_LINE)
        end = os.pread(self._file, offset - near, near).rfind(b"\n") + 1
        return near + end if end or not near else offset

    def load_checkpoint(self) -> Checkpoint:
        """The saved checkpoint, or the beginning where there is none that this log bears out."""
        try:
            saved = json.loads(checkpoint_beside(self._path).read_bytes())
            closing = saved.get("closing")
            checkpoint = Checkpoint(
                spool=int(saved["spool"]), log=int(saved["log"]), closing=None if closing is None else int(closing)
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return Checkpoint()
        if min(checkpoint.spool, checkpoint.log) < 0 or os.fstat(self._file).st_size < checkpoint.log:
            return Checkpoint()
        return checkpoint

    def sync(self) -> None:
        """Waits until the disk has what was written. Raises OSError: then what was written since the last sync may be
        lost and must be written again.
        """
        os.fdatasync(self._file)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Puts the checkpoint in place; sync the log before, so that it promises nothing a power cut could take."""
        self._put_checkpoint(checkpoint, sync=True)

    def close_at(self, offset: int, *, is_whole: bool) -> int:
        """Notes where the final line begins, before it is written, and gives that offset: ``offset``, if the log is
        made of the whole output up to there (``is_whole``). Where the output is gone, what users have read stays.
        """
        saved = self.load_checkpoint()
        if not is_whole:
            offset = max(offset, os.fstat(self._file).st_size if saved.closing is None else saved.closing)
        # A power cut may take it, which at worst shows the final line twice: it is worth no sync of the disk.
        self._put_checkpoint(replace(saved, closing=offset), sync=False)
        return offset

    def _put_checkpoint(self, checkpoint: Checkpoint, *, sync: bool) -> None:
        file = checkpoint_beside(self._path)
        draft = draft_beside(file)
        descriptor = os.open(draft, _FLAGS | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, json.dumps(asdict(checkpoint)).encode())
            if sync:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(file)

    def end(self, line: bytes, offset: int) -> int:
        """Makes ``line`` the last of the log: it begins at ``offset``, or behind a line end added there where the text
        before has none, and nothing follows it. Gives the log's final size. Doing it again changes nothing.
        """
        if offset and os.pread(self._file, 1, offset - 1) not in (b"\n", b""):
            line = b"\n" + line
        size = self.write(line, offset)
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        return size

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._file)


async def close_log(path: Path, offset: int, text: str, masker: Masker, *, is_whole: bool = True) -> int:
    """Writes the final line of a deployment at exactly ``offset`` (what ``Pump.finish`` gave; 0 where nothing ran) and
    cuts off whatever is behind it, so that repeating it after a crash doubles nothing. Where no output was found beyond
    the checkpoint (not ``is_whole``) the line comes behind what is there. Gives the log's final size in bytes. Raises
    OSError.
    """
    return await in_thread(lambda: _close_log(path, offset, text, masker, is_whole=is_whole))


async def drop_checkpoint(path: Path) -> None:
    """Removes the checkpoint of a log whose deployment's end is recorded: nobody takes it up again."""
    await in_thread(lambda: checkpoint_beside(path).unlink(missing_ok=True))


async def in_thread(work: Callable[[], T]) -> T:
    """Does blocking work on a thread, to its end even when the caller is cancelled."""
    return await to_its_end(asyncio.get_running_loop().run_in_executor(None, work))


async def to_its_end(work: asyncio.Future[T]) -> T:
    """Awaits work on a thread. When the caller is cancelled the work is awaited first: what comes after it never meets
    it on the same file.
    """
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise


def _close_log(path: Path, offset: int, text: str, masker: Masker, *, is_whole: bool) -> int:
    file = LogFile(path)
    try:
        begins = file.close_at(offset, is_whole=is_whole)
        notes = LineNotes(path, begins, file.read, is_new=file.is_new)
        try:
            size = file.end(masker.mask_text(text.rstrip("\n")).encode() + b"\n", begins)
            _sync_folder(path.parent)
            notes.add_written(file.read, begins, size)
        finally:
            notes.close()
        return size
    finally:
        file.close()


def _sync_folder(path: Path) -> None:
    """Puts on the disk under which name a new file is."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
