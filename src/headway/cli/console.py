"""This terminal as that of a command inside an application: what is typed, what it writes, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from headway.cli import output
from headway.cli.statuses import Status
from headway.cli.terminal import Screened
from headway.kernel.console_frames import MOST_UNTAKEN, WINDOW, WITH_REASON, Kind
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from headway.cli.target import Target

_PIECE_BYTES = 2_048  # a panel takes messages of 4 KiB
_SIGNALLED = 128
_CONNECT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """``terminal``: the command gets one, which is this; ``reads``: what comes on standard input goes to it."""

    terminal: bool
    reads: bool

    @classmethod
    def of(cls, *, terminal: bool | None) -> Self:
        """As it was asked for, else as what is there suggests."""
        typed = sys.stdin is not None and sys.stdin.isatty()
        shown = sys.stdout.isatty()
        given = typed and shown if terminal is None else terminal
        return cls(terminal=given, reads=sys.stdin is not None and (given or not typed))

    @property
    def asked(self) -> Mapping[str, Any]:
        """What the panel is told of it."""
        if not self.terminal:
            return {}
        size = shutil.get_terminal_size()
        return {"rows": size.lines, "columns": size.columns, "terminal": os.environ.get("TERM") or "xterm"}

    def hold(self, target: Target, path: str) -> int:
        """Stands between until the command ends; its exit status. Raises Unavailable where the panel is lost,
        BrokenPipeError where whoever read this has left, and HeadwayError where what comes cannot be written for
        another reason.
        """
        from websockets.exceptions import InvalidStatus, WebSocketException
        from websockets.sync.client import connect

        url = f"ws{target.url.removeprefix('http')}{path}"
        headers = {} if target.key is None else {"x-api-key": target.key}
        proxy: Literal[True] | None = None if target.is_here else True  # as the environment says
        try:
            with connect(
                url, additional_headers=headers, proxy=proxy, open_timeout=_CONNECT_SECONDS, compression=None
            ) as socket:
                return self._held(socket)
        except _Unwritable as here:
            if isinstance(here.why, BrokenPipeError):
                raise here.why from here
            raise HeadwayError(f"{here}, and the command was ended: {here.why.strerror}.") from here
        except InvalidStatus as refused:
            raise HeadwayError(_reason(refused.response.body, refused.response.status_code)) from refused
        except (WebSocketException, OSError) as error:
            raise Unavailable(f"The connection to the panel broke, and the command was ended: {error}.") from error

    def _held(self, socket: ClientConnection) -> int:
        with self._as_terminal(), self._resizing(socket):
            room = threading.Semaphore(MOST_UNTAKEN)
            threading.Thread(target=self._hear, args=(socket, room), daemon=True).start()
            writers = {Kind.OUTPUT: _Shown(sys.stdout, terminal=self.terminal)}
            writers[Kind.ERRORS] = _Shown(sys.stderr, terminal=self.terminal)
            for message in _messages(socket):
                kind, data = Kind(message[:1]), message[1:]
                if kind is Kind.END:
                    told: Mapping[str, Any] = json.loads(data)
                    break
                if kind is Kind.TAKEN:
                    room.release()
                else:
                    writers[kind].write(data)
            else:
                told = {"error": "The panel has ended it, since nothing was taken of what it wrote."}
        return _status(told)

    def _hear(self, socket: ClientConnection, room: threading.Semaphore) -> None:
        """Hands on what is typed or piped in."""
        from websockets.exceptions import WebSocketException

        with contextlib.suppress(WebSocketException, OSError):
            while self.reads and (data := os.read(0, _PIECE_BYTES)):
                room.acquire()
                socket.send(Kind.INPUT.value + data)
            room.acquire()
            socket.send(Kind.INPUT.value)

    @contextlib.contextmanager
    def _as_terminal(self) -> Iterator[None]:
        """Hands each key on as it is pressed, Ctrl-C too."""
        if not self.terminal or not sys.stdin.isatty():
            yield
            return
        import termios
        import tty

        before = termios.tcgetattr(0)
        try:
            tty.setraw(0, termios.TCSADRAIN)  # what was typed before is not lost
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)

    @contextlib.contextmanager
    def _resizing(self, socket: ClientConnection) -> Iterator[None]:
        """Tells of the terminal's size whenever it changes."""
        if not self.terminal:
            yield
            return

        def tell(*_: object) -> None:
            size = shutil.get_terminal_size()
            threading.Thread(
                target=_sent, args=(socket, Kind.WINDOW.value + WINDOW.pack(size.lines, size.columns)), daemon=True
            ).start()

        before = signal.signal(signal.SIGWINCH, tell)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


class _Unwritable(Exception):
    """What a command writes cannot be written here; it is told apart from a connection that breaks."""

    def __init__(self, why: OSError) -> None:
        super().__init__("What it writes cannot be written here")
        self.why = why


class _Shown:
    """Where what it writes goes: as it is, but what nobody gave a terminal steers none."""

    def __init__(self, stream: Any, *, terminal: bool) -> None:  # noqa: ANN401 - standard streams
        self._stream = stream
        self._screened = Screened() if stream.isatty() and not terminal else None

    def write(self, data: bytes) -> None:
        try:
            if self._screened is None:
                self._stream.buffer.write(data)
            else:
                self._stream.write(self._screened.feed(data.decode(errors="replace")))
            self._stream.flush()
        except OSError as error:
            raise _Unwritable(error) from error


def _reason(body: bytes | bytearray | None, status: int) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(body or b"")["message"])
    return f"The panel answers with HTTP status {status}; it may be older than this command."


def _messages(socket: ClientConnection) -> Iterator[bytes]:
    """What comes. Raises HeadwayError with the panel's reason where it gives one for the end."""
    from websockets.exceptions import ConnectionClosedError

    try:
        for message in socket:
            yield bytes(message)  # type: ignore[arg-type]
    except ConnectionClosedError as closed:
        if closed.rcvd is None or closed.rcvd.code != WITH_REASON:
            raise
        raise HeadwayError(closed.rcvd.reason) from closed


def _sent(socket: ClientConnection, data: bytes) -> None:
    from websockets.exceptions import WebSocketException

    with contextlib.suppress(WebSocketException, OSError):
        socket.send(data)


def _status(told: Mapping[str, Any]) -> int:
    if "status" not in told:
        output.warn(f"headway: {told['error']}")
        return Status.ERROR
    status = int(told["status"])
    return status if status >= 0 else _SIGNALLED - status
