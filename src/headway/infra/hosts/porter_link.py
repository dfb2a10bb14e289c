"""The panel's end of a porter: questions, answers and connections to the server's sockets, over one SSH session."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import suppress

import asyncssh

from headway.infra.hosts.porter import PorterLost
from headway.infra.hosts.wire import (
    LENGTH_BYTES,
    MOST_FRAME_BYTES,
    SPARE_BYTES,
    Field,
    FrameRefused,
    frame,
    split_frames,
)

_STDERR_KEPT = 2_000
_SHOWN = 60
# Answers that come when nobody waits for them any more; a server that goes on and on with such only keeps us busy.
_MOST_UNASKED_BYTES = 16 << 20
# Of a link that died without a word sshd may not hear for hours, and the porter would hold its epochs for as long.
BEAT_SECONDS = 15.0
SILENCE_SECONDS = 60
# What is kept for a protocol that does not keep up before its server is told, and at most: much is on its way by then.
_READ_AHEAD_BYTES = 1 << 20
_MOST_UNREAD_BYTES = 32 << 20
_CARRIED = (2, 3)  # words about a connection: what, of which one, and the bytes
# Whether a socket of the server takes what it is sent.
_ROOM: Mapping[bytes, bool] = {b"rest": False, b"go_on": True}


class Porter(asyncssh.SSHClientSession[bytes]):
    """One session. ``down`` tells when it is over, ``fault`` what the server has said that ended it at once."""

    def __init__(self) -> None:
        self.down = asyncio.Event()
        self.complaints = b""
        self.exit_status: int | None = None
        self.fault = ""
        self._most_bytes = (
            SPARE_BYTES  # that a message may have: until there was an answer, what greets may not say more
        )
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._questions: dict[bytes, asyncio.Future[list[bytes]]] = {}
        self._links: dict[bytes, _Carried] = {}
        self._has_greeted = False
        self._unasked_bytes = 0
        self._early_bytes = 0
        self.has_room = True  # for what is sent: all connections share it
        self._beating: asyncio.TimerHandle | None = None

    async def ask(
        self, verb: str, *arguments: Field, seconds: float | None, most_bytes: int = MOST_FRAME_BYTES
    ) -> list[bytes]:
        """The answer, its first word included, which has at most ``most_bytes``: a server that says more is not heard
        any longer. Raises PorterLost, TimeoutError.
        """
        if self._has_greeted:  # an answer may also come after nobody waits for it any more, so that this never shrinks
            self._most_bytes = max(self._most_bytes, most_bytes)
        number = b"%d" % next(self._ids)
        answer: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        try:
            self.send(number, verb, *arguments)
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            self._questions.pop(number, None)

    async def connect(self, folder: str, name: str, protocol: asyncio.Protocol, seconds: float) -> asyncio.Transport:
        """Connects a protocol to the socket ``name`` in a folder of the server. Raises OSError when nothing listens
        there, PorterLost, TimeoutError.
        """
        asking = asyncio.get_running_loop().create_task(self.ask("link", folder, name, seconds=None))
        try:
            async with asyncio.timeout(seconds):
                word, *rest = await asyncio.shield(asking)
        except BaseException:
            asking.add_done_callback(self._shut_late)
            raise
        if word != b"ok":
            raise OSError(0, b" ".join(rest).decode(errors="replace"))
        transport = self._links[rest[0]] = _Carried(self, rest[0], protocol)
        protocol.connection_made(transport)
        transport.look_at_room()
        return transport

    def send(self, *fields: Field) -> None:
        """One message. Raises PorterLost."""
        self._write(frame(fields))

    def forget(self, number: bytes, error: Exception | None = None) -> None:
        """Lets go of a connection, whose protocol is told why."""
        link = self._links.pop(number, None)
        if link is not None:
            if not self.down.is_set():
                self.send("", "shut", number)
            asyncio.get_running_loop().call_soon(link.protocol.connection_lost, error)

    def feed(self, program: bytes) -> None:
        """Sends the program itself, which the first words on the server wait for. Raises PorterLost."""
        self._write(program)

    def beat(self) -> None:
        """Lets the porter know, now and from now on, that somebody is here: it ends when it hears nothing. Raises
        PorterLost.
        """
        self.send("", "beat", SILENCE_SECONDS)
        self._beating = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat_on)

    # --- what asyncssh calls

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype is not None:
            self.complaints = (self.complaints + data)[-_STDERR_KEPT:]
            return
        if self.fault:
            return
        self._buffer += data
        try:
            messages = split_frames(self._buffer, self._most_bytes)
        except ValueError as error:
            self._refuse(error)
            return
        for message in messages:
            if not self._hear(*message):
                self._refuse(ValueError("no answer"))
                return
        if not self._has_greeted:
            self._early_bytes += len(data)
            if self._early_bytes > SPARE_BYTES:
                self._refuse(ValueError("no greeting"))

    def exit_status_received(self, status: int) -> None:
        self.exit_status = status

    def pause_writing(self) -> None:
        self._note_room(has_room=False)

    def resume_writing(self) -> None:
        self._note_room(has_room=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.down.set()
        if self._beating is not None:
            self._beating.cancel()
        for question in self._questions.values():
            if not question.done():
                question.set_exception(PorterLost())
        links, self._links = self._links, {}
        for link in links.values():
            link.protocol.connection_lost(exc)

    def _note_room(self, *, has_room: bool) -> None:
        self.has_room = has_room
        for link in tuple(self._links.values()):  # who is told may close one
            link.look_at_room()

    def _beat_on(self) -> None:
        with suppress(PorterLost):
            self.beat()

    def _hear(self, number: bytes = b"", *rest: bytes) -> bool:
        """Hands a message to whom it is for; whether it is one."""
        if number:
            if (question := self._questions.get(number)) and not question.done():
                self._has_greeted = True
                self._most_bytes = max(self._most_bytes, MOST_FRAME_BYTES)
                self._unasked_bytes = 0
                question.set_result([*rest])
                return True
            return self._is_bearable(number, *rest)
        if len(rest) not in _CARRIED:
            return False
        if link := self._links.get(rest[1]):
            self._carry(link, *rest)
            return True
        return self._is_bearable(number, *rest)

    def _is_bearable(self, *message: bytes) -> bool:
        """Counts a message that nobody waits for, each field with what it takes at least."""
        self._unasked_bytes += LENGTH_BYTES + sum(LENGTH_BYTES + len(each) for each in message)
        return self._unasked_bytes <= max(_MOST_UNASKED_BYTES, 2 * self._most_bytes)

    def _refuse(self, error: Exception) -> None:
        """Hears no more of the server on this connection: it says what nobody has asked for."""
        said = bytes(self._buffer[: LENGTH_BYTES + _SHOWN]).decode(errors="replace")
        shown = "".join(each if each.isprintable() else " " for each in said).strip()
        if not self._has_greeted:
            self.fault = f"says something of its own before what Headway starts there does: {shown!r}"
        elif isinstance(error, FrameRefused):
            self.fault = f"announced {error.args[0]} bytes, where at most {self._most_bytes} were asked for"
        else:
            self.fault = "answered with something that is no answer"
        self._buffer.clear()
        assert self._channel is not None  # noqa: S101 - who hears has one
        self._channel.get_connection().abort()

    def _shut_late(self, asking: asyncio.Task[list[bytes]]) -> None:
        """Closes a connection that came about when nobody waited for it any more: the server would keep it."""
        if not asking.cancelled() and asking.exception() is None:
            word, *rest = asking.result()
            if word == b"ok":
                with suppress(PorterLost):
                    self.send("", "shut", rest[0])

    def _write(self, data: bytes) -> None:
        if self._channel is None or self.down.is_set():
            raise PorterLost
        try:
            self._channel.write(data)
        except BrokenPipeError as ended:  # it has been heard to its end, and nobody was told of that yet
            raise PorterLost from ended

    def _carry(self, link: _Carried, what: bytes, number: bytes, data: bytes = b"") -> None:
        if what == b"from":
            link.hear(data)
        elif what in _ROOM:
            link.look_at_room(has_room_there=_ROOM[what])
        else:
            self._links.pop(number, None)
            link.protocol.connection_lost(None)


class _Carried(asyncio.Transport):
    """The transport of a connection whose bytes a porter carries."""

    def __init__(self, porter: Porter, number: bytes, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self._is_paused = False
        self._rests = False
        self._unread_bytes = 0
        self._has_room_there = True
        self._is_held_up = False
        self._porter = porter
        self._number = number
        self._closing = False

    def is_closing(self) -> bool:
        return self._closing or self._porter.down.is_set()

    def hear(self, data: bytes) -> None:
        """Hands on what has come. Who does not keep up, and whose server goes on all the same, is not connected any
        longer.
        """
        self.protocol.data_received(data)
        if not self._is_paused or self.is_closing():
            return
        self._unread_bytes += len(data)
        if self._unread_bytes > _MOST_UNREAD_BYTES:
            self._closing = True
            self._porter.forget(self._number, ConnectionResetError("The server sends more than is taken from it."))
        elif self._unread_bytes > _READ_AHEAD_BYTES and not self._rests:
            self._rests = True
            self._tell("rest")

    def look_at_room(self, *, has_room_there: bool | None = None) -> None:
        """Has the protocol write no more, or again: there has to be room on the way, and at the socket on the server,
        which says where that changes.
        """
        if has_room_there is not None:
            self._has_room_there = has_room_there
        is_held_up = not (self._porter.has_room and self._has_room_there)
        if is_held_up is not self._is_held_up:
            self._is_held_up = is_held_up
            (self.protocol.pause_writing if is_held_up else self.protocol.resume_writing)()

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused, self._unread_bytes = False, 0
        if self._rests and not self.is_closing():
            self._tell("go_on")
        self._rests = False

    def is_reading(self) -> bool:
        return not self._is_paused

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self._porter.send("", "to", self._number, bytes(data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._porter.forget(self._number)

    def abort(self) -> None:
        self.close()

    def _tell(self, verb: str) -> None:
        with suppress(PorterLost):  # which all its protocols are told of by itself
            self._porter.send("", verb, self._number)
