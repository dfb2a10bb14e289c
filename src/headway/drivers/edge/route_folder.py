"""The folder of the route files, which Traefik follows: one that cannot be read is set aside, and holds up no other."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path

from headway.drivers.edge.route_file import RouteFile, read_route
from headway.infra.hosts.private_file import write_privately
from headway.kernel.artifacts import Route
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

log = logging.getLogger(__name__)

_TURN = "routes.lock"
_SUFFIX = ".yml"  # no identifier can get in the way of a file that ends otherwise
# What is wrong with a file itself; other errors, as of a process that has opened too much, say nothing of it.
_OF_THE_FILE = frozenset({errno.EACCES, errno.EIO, errno.EISDIR, errno.ELOOP})


@dataclass(slots=True, kw_only=True)
class RouteFolder:
    """Each file is written ``beside`` the folder first, for the account ``reader``. Traefik takes up nothing of anybody
    for as long as one of them cannot be read: it is put ``beside`` then, which is told, and its application has no
    route until one is written again. All of it blocks.
    """

    folder: Path
    beside: Path
    reader: int | None
    _told: set[str] = field(default_factory=set)
    _refused: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _is_held: bool = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until nobody else writes or takes away a file, in this process or in that of a unit: what is read
        meanwhile is still so when it is written. Who has the turn may ask for it again.
        """
        with self._lock:
            if self._is_held or not self.beside.is_dir():
                yield
                return
            descriptor = os.open(self.beside / _TURN, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._is_held = True
                yield
            finally:
                self._is_held = False
                os.close(descriptor)

    def holds_any(self) -> bool:
        """Whether there is a route."""
        return any(self.folder.glob(f"*{_SUFFIX}"))

    def routes(self) -> dict[str, Route]:
        """Every route that stands, by its application."""
        names = sorted(path.stem for path in self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []
        held = {name: self.held(name) for name in names}  # one of them may be taken away meanwhile
        return {name: file.route for name, file in held.items() if file is not None}

    def marks(self) -> dict[str, tuple[int, int]]:
        """What is another for each file that is written, by its application."""
        found = {}
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):
                now = path.stat()
                found[path.stem] = (now.st_ino, now.st_mtime_ns)
        return found

    def held(self, application_id: str) -> RouteFile | None:
        """The file of an application, None where it has none that can be read."""
        return self._read(self._of(application_id))

    def write(self, application_id: str, text: str) -> None:
        """Puts a file in its place. Raises InvalidInput for what Traefik could not read before."""
        with self.turn():
            if self._refused.get(application_id) == text:
                raise InvalidInput(
                    "Traefik cannot read this route, and would take up no other; the panel's log says why."
                )
            self._refused.pop(application_id, None)
            write_privately(self._of(application_id), text, beside=self.beside, reader=self.reader)

    def remove(self, application_id: str) -> Route | None:
        """Takes a file away; the route that it held, None where it held none."""
        with self.turn():
            held = self.held(application_id)
            if held is None:
                return None
            self._of(application_id).unlink(missing_ok=True)
            return held.route

    def change(self, application_id: str, made: Callable[[str], str | None]) -> bool:
        """Writes what is ``made`` of a file's text in its place, and says whether it did: not where the file is gone by
        now, or nothing (None) is made of it. Raises what ``made`` does, InvalidInput.
        """
        with self.turn():
            try:
                text = made(self._of(application_id).read_text(encoding="utf-8"))
            except FileNotFoundError:
                return False
            if text is not None:
                self.write(application_id, text)
            return text is not None

    def touch(self, application_id: str) -> None:
        """Has whoever follows the folder hear of a file, which stays what it is."""
        with suppress(FileNotFoundError):
            now = self._of(application_id).stat()
            os.utime(self._of(application_id), ns=(now.st_atime_ns, now.st_mtime_ns))

    def refuse(self, application_id: str, why: str, *, written_before: float) -> bool:
        """Sets aside a file that Traefik cannot read, unless it was written anew since, in seconds as files have them;
        says whether it did. It is not written again as it was.
        """
        path = self._of(application_id)
        with self.turn():
            try:
                if path.stat().st_mtime > written_before:
                    return False
                self._refused[application_id] = path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return False
            self._set_aside(path, InvalidInput(f"Traefik says: {why}"))
        return not path.exists()

    def cleared(self, spared: Collection[str]) -> list[str]:
        """Whose routes there are, once all that is none has been set aside, but for the files ``spared``."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix != _SUFFIX and path.name not in spared:
                self._set_aside(path)
        return list(self.routes())

    def _of(self, application_id: str) -> Path:
        return self.folder / f"{application_id}{_SUFFIX}"

    def _read(self, path: Path, *, again: bool = True) -> RouteFile | None:
        try:
            return read_route(path.read_text(encoding="utf-8"), path.stem)
        except FileNotFoundError:
            return None
        except (InvalidInput, UnicodeDecodeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _OF_THE_FILE:
                raise
            if again:
                with self.turn():  # another may have written it anew meanwhile
                    return self._read(path, again=False)
            self._set_aside(path, error)
            return None

    def _set_aside(self, path: Path, why: Exception | None = None) -> None:
        aside = self.beside / f"{path.name}.bad"
        try:
            path.replace(aside)
        except OSError:
            if path.name not in self._told:  # each look meets it again: once is enough
                self._told.add(path.name)
                log.exception("a route file cannot be read, and not be set aside either", extra={"file": str(path)})
        else:
            self._told.discard(path.name)
            log.error("a route file cannot be read and was set aside", extra={"file": str(aside)}, exc_info=why)
