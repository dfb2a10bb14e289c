"""Carries the output of a run from the spool on its host into the log, through crashes and full disks."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from headway.infra.logs.line_index import LineNotes
from headway.infra.logs.logfile import Checkpoint, LogFile, in_thread, to_its_end
from headway.infra.logs.mask import Masker
from headway.kernel.cadence import GATHERED_SECONDS
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.turns import Turns

log = logging.getLogger(__name__)

_CHUNK_BYTES = 256 << 10
_CHECKPOINT_SECONDS = 5.0  # each is two syncs of the disk, for each run that says something
_CHECKPOINT_BYTES = 4 << 20
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_QUIET_SECONDS = 0.2
_LATE_SECONDS = 1.0  # after a pump has begun: what it reads until then may have been written long before
# Whoever builds in a hundred places at once must still be answered: a read costs the event loop half a millisecond. The
# first line after a pause is read as it comes; what is read in one turn is all that came since, as followers get it.
TURN_SECONDS = 0.008
_STOPPED = "The log's pump was stopped before it had taken all output."
_HELD_UP_SECONDS = 20.0  # for which others wait for room, or for the host
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})


class Source(Protocol):
    """Where the raw output of a run is read from; an anchor is one."""

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes from ``offset``; b"" when there are none yet. Raises Unavailable."""
        ...

    async def changed(self, offset: int) -> None:
        """Returns when the output is longer than ``offset`` bytes (or may be). Raises Unavailable."""
        ...


class PumpStopped(HeadwayError):
    """The pump was stopped before it had taken all of the output."""


class Pump:
    """The pump of one run. The log is a pure function of the spool, written at known offsets: a pump that takes over
    from a dead one starts at its checkpoint and writes the same bytes to the same places.

    ``on_growth`` is called on the event loop with the log's size in bytes, at the start and whenever it has grown.
    ``has_taken`` tells whether there was any output beyond the checkpoint.
    ``turns`` are those of all the pumps beside which this one works. ``on_problem`` is told once, on the event loop,
    what keeps the index of the log's lines from being written; the log is as good without it.
    """

    def __init__(
        self,
        source: Source,
        log_path: Path,
        masker: Masker,
        on_growth: Callable[[int], None],
        turns: Turns | None = None,
        *,
        on_problem: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._log_path = log_path
        self._masker = masker
        self._on_growth = on_growth
        self._on_problem = on_problem
        self._has_told = False
        self._turns = turns or Turns(TURN_SECONDS)
        self._writing: _Writing | None = None
        self._saving: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()
        self._hand = asyncio.Lock()  # of whoever writes
        self._size = 0
        self._quiet_at: int | None = None  # where in the spool a moment has passed, perhaps, in which nothing came
        self._finishing = False
        self._held_up_since: float | None = None  # since somebody waits for it
        self._ended = False
        self._stopped = False
        self._asking: list[asyncio.Future[int]] = []
        self._reaching: list[tuple[int, asyncio.Future[int]]] = []
        self._patience: asyncio.Timeout | None = None
        self.has_taken = False

    @property
    def size(self) -> int:
        """The log's size in bytes, as far as this pump has written it."""
        return self._size

    @property
    def line(self) -> int:
        """Where in the log the line begins that this pump writes."""
        return self._size if self._writing is None else self._writing.line

    async def run(self) -> None:
        """Pumps until ``finish`` is called. What may pass by itself (a host out of reach, a full disk) is tried again.

        Raises what the source raises beyond Unavailable (AnchorGone), and OSError from the log's file.
        """
        async with self._turn:
            self._stopped = False
            try:
                await self._pump()
            except Exception as error:
                if not isinstance(error, HeadwayError):
                    log.warning("a log comes no further", extra={"log": str(self._log_path)}, exc_info=error)
                raise
            finally:
                self._stopped = True
                self._answer(PumpStopped(_STOPPED))
                await self._close()

    async def finish(self) -> int:
        """Takes the spool to its end, which no more command will move, and what is held back; gives the log's size.

        Works beside ``run``, after it has failed, and without it. Waits for a host that is out of reach, and for a full
        disk, no longer than ``_HELD_UP_SECONDS``: the log is not what a status waits for, and whoever ends a run knows
        what becomes of one whose host is away. Raises as ``run`` does, and Unavailable.
        """
        self._finishing = True
        self._nudge()
        await self.run()
        return self._size

    async def catch_up(self) -> int:
        """Waits until the log has all that the spool holds at this moment, but for what is held back; gives the log's
        size. Raises PumpStopped when ``run`` ends before, has ended without all of it, or is held up for too long.
        """
        if self._ended:
            return self._size
        if self._stopped:
            raise PumpStopped(_STOPPED)
        asking: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asking.append(asking)
        self._nudge()
        return await asking

    async def reach(self, spool: int) -> int:
        """Waits until the log has the first ``spool`` bytes of the spool; gives the place behind their last whole line.
        What is held back of them is shown, where it is as good as no secret. Raises as ``catch_up``.
        """
        if not (self._ended or (self._writing is not None and self._writing.spool >= spool)):
            if self._stopped:
                raise PumpStopped(_STOPPED)
            reaching: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._reaching.append((spool, reaching))
            self._nudge()
            await reaching
        async with self._hand:
            writing = self._writing
            if writing is None:
                return self._size
            if writing.is_holding:
                with suppress(OSError):  # on a full disk: it is shown once it is decided
                    self._grow(await in_thread(writing.show_held))
            return writing.line

    async def _pump(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._ended:
            try:
                await self._advance()
                pause, self._held_up_since = _FIRST_PAUSE_SECONDS, None
            except (Unavailable, OSError) as error:
                is_long = self._waited_seconds() >= _HELD_UP_SECONDS
                if (isinstance(error, OSError) and error.errno not in _PASSING) or (self._finishing and is_long):
                    raise
                if is_long:
                    self._answer(PumpStopped(_STOPPED))
                if pause == _FIRST_PAUSE_SECONDS:
                    log.warning("a log is held up", extra={"log": str(self._log_path), "reason": str(error)})
                if isinstance(error, OSError):
                    await self._close()  # what the failed write has left is written again from the checkpoint on
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _waited_seconds(self) -> float:
        """For how long somebody waits for what is held up."""
        now = asyncio.get_running_loop().time()
        if not (self._finishing or self._asking):
            self._held_up_since = None
        elif self._held_up_since is None:
            self._held_up_since = now
        return 0.0 if self._held_up_since is None else now - self._held_up_since

    async def _advance(self) -> None:
        writing = self._writing or await self._open()
        if self._saving and self._saving.done():
            await self._saved()
        at_end, asking = self._finishing, len(self._asking)
        raw = await self._source.read(writing.spool, _CHUNK_BYTES)
        if raw:
            self.has_taken = True
            async with self._hand:
                self._grow(await in_thread(lambda: writing.take(raw)))
            self._told_reached(writing.spool)
            if not self._saving and (due := writing.due()):
                # A disk may take long to sync, and no line is to wait for that.
                self._saving = asyncio.get_running_loop().run_in_executor(None, lambda: writing.save(due))
            if len(raw) < _CHUNK_BYTES and not self._reaching:
                await self._unless_asked(lambda: asyncio.sleep(max(GATHERED_SECONDS, self._turns.next())))
        elif at_end:
            await self._saved()
            async with self._hand:
                self._grow(await in_thread(writing.finish))
            self._ended = True
            self._answer()
        else:
            self._answer(first=asking)
            self._told_reached(writing.spool)
            await self._wait_for_more(writing)

    async def _wait_for_more(self, writing: _Writing) -> None:
        """Returns when there may be more. A line that has ended is shown whole after a moment in which nothing came: it
        could go on as a secret that is wrapped, and whoever reads along would wait for its last letter.
        """
        if writing.is_holding_line and self._quiet_at != writing.spool:
            self._quiet_at = writing.spool
            await self._unless_asked(lambda: asyncio.wait_for(self._source.changed(writing.spool), _QUIET_SECONDS))
            return
        if writing.is_holding_line:
            async with self._hand:
                self._grow(await in_thread(writing.show_held))
        await self._unless_asked(lambda: self._source.changed(writing.spool))

    async def _unless_asked(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Waits, but for nobody who wants all that there is."""
        if self._finishing or self._asking:
            return
        try:
            async with asyncio.timeout(None) as self._patience:
                await wait()
        except TimeoutError:
            pass  # nudged
        finally:
            self._patience = None

    def _nudge(self) -> None:
        if self._patience:
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _told_reached(self, spool: int) -> None:
        for wanted, reaching in self._reaching:
            if spool >= wanted and not reaching.done():
                reaching.set_result(self._size)
        self._reaching = [each for each in self._reaching if not each[1].done()]

    def _answer(self, error: PumpStopped | None = None, *, first: int | None = None) -> None:
        """Answers those who asked first, or all: there is no more, or an error."""
        answered, self._asking = self._asking[:first], self._asking[len(self._asking[:first]) :]
        if first is None:
            answered += [reaching for _, reaching in self._reaching]
            self._reaching = []
        for asking in answered:
            if asking.done():
                continue
            if error:
                asking.set_exception(error)
            else:
                asking.set_result(self._size)

    def _grow(self, size: int) -> None:
        self._size = size
        self._on_growth(size)
        if not self._has_told and self._writing and (problem := self._writing.problem):
            self._has_told = True
            self._on_problem(problem)

    async def _saved(self) -> None:
        """Waits for the checkpoint that is being saved, if there is one. Raises OSError if it could not be."""
        if self._saving:
            await asyncio.wait([self._saving])
            saving, self._saving = self._saving, None
            saving.result()

    async def _open(self) -> _Writing:
        writing = await in_thread(self._begin)
        self._grow(writing.size)
        return writing

    def _begin(self) -> _Writing:
        self._writing = _Writing(self._log_path, self._masker)  # kept here, so that a cancelled open is closed, too
        return self._writing

    async def _close(self) -> None:
        writing, self._writing = self._writing, None
        saving, self._saving = self._saving, None
        try:
            if saving:
                with suppress(OSError):  # then a successor starts at an older checkpoint
                    await to_its_end(saving)
        finally:
            if writing:
                async with self._hand:
                    await in_thread(writing.close)


class _Writing:
    """A log being written from its checkpoint on; every call blocks and may raise OSError, after which only ``close``
    may follow.
    """

    def __init__(self, path: Path, masker: Masker) -> None:
        self._file = LogFile(path)
        try:
            self._begin = self._saved = self._file.load_checkpoint()
            self._line = self._file.line_begin(self._begin.log)
        except BaseException:
            self._file.close()
            raise
        self._saved_at = time.monotonic()
        self._stream = masker.stream()
        self.spool = self._begin.spool
        self.size = self._begin.log
        self._late_until = time.monotonic() + _LATE_SECONDS
        self._notes = LineNotes(path, self.size, self._file.read, is_new=self._file.is_new)

    @property
    def line(self) -> int:
        """Where the line begins that is being written, with what is held back."""
        end = self._stream.held.rfind(b"\n") + 1
        return self.size + end if end else self._line

    @property
    def problem(self) -> Exception | None:
        """What keeps the index from being written."""
        return self._notes.problem

    @property
    def is_holding(self) -> bool:
        """Whether anything is held back."""
        return bool(self._stream.held)

    @property
    def is_holding_line(self) -> bool:
        """Whether what is held back ends a line."""
        return self._stream.held.endswith(b"\n")

    def take(self, raw: bytes) -> int:
        """Writes what the next bytes of the spool make of the log; gives its size."""
        text = self._stream.feed(raw)
        self.spool += len(raw)
        self._line = self._line_after(text)
        self.size = self._file.write(text, self.size)
        self._notes.add(text, is_late=len(raw) == _CHUNK_BYTES or time.monotonic() < self._late_until)
        return self.size

    def show_held(self) -> int:
        """Shows what is held back, where it is as good as no secret; gives the size that the log has with it. It stays
        undecided: what comes next is written over it.
        """
        return self._file.write(self._stream.held, self.size) if self._stream.is_likely_open else self.size

    def finish(self) -> int:
        """Writes what is held back; gives the log's final size. ``close_log`` syncs it."""
        text = self._stream.finish()
        self._line = self._line_after(text)
        self.size = self._file.write(text, self.size)
        self._notes.add(text)
        return self.size

    def _line_after(self, text: bytes) -> int:
        """Where the last line begins once ``text`` is written."""
        end = text.rfind(b"\n") + 1
        return self.size + end if end else self._line

    def due(self) -> Checkpoint | None:
        """The checkpoint that should be saved now, if it is time for one and the text is at a place for it."""
        grown, waited = self.size - self._saved.log, time.monotonic() - self._saved_at
        if (grown < _CHECKPOINT_BYTES and waited < _CHECKPOINT_SECONDS) or self._stream.settled is None:
            return None
        return Checkpoint(spool=self._begin.spool + self._stream.settled, log=self.size)

    def save(self, checkpoint: Checkpoint) -> None:
        """Saves a checkpoint, while more may be taken beside it."""
        self._file.sync()
        try:
            self._file.save_checkpoint(checkpoint)
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            # The log itself is safe; an older checkpoint only means more to write again.
        self._saved, self._saved_at = checkpoint, time.monotonic()

    def close(self) -> None:
        """Gives the files back."""
        self._notes.close()
        self._file.close()
