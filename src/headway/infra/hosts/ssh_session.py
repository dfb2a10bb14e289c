"""The standing connection to a server: made when it is needed, made again with patience, and one porter over it."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from headway.infra.hosts import porter
from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.porter import PorterLost
from headway.infra.hosts.ssh_fence import fence_around
from headway.infra.hosts.ssh_target import CONNECT_SECONDS, HostRefused, SshTarget
from headway.infra.hosts.wire import MOST_FRAME_BYTES, Field
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.turns import Turns

if TYPE_CHECKING:  # 18 MB of a panel, which one without servers never loads
    import asyncssh

    from headway.infra.hosts.porter_link import Porter
    from headway.infra.hosts.ssh_login import LoggedIn

ANSWER_SECONDS = 20.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
# sshd lets ten sessions share a connection (MaxSessions): one is the porter's, by which kills go, one is left over.
MOST_SESSIONS = 8
# A handshake costs the event loop 10 ms, and a panel that starts has one with every server.
TURN_SECONDS = 0.02
_LAST_WORDS_SECONDS = 5.0
_LOGIN = "headway.infra.hosts.ssh_login"
_PORTER = "headway.infra.hosts.porter_link"
# What would meet its own effect if it was asked a second time.
_ONCE = frozenset({"open", "move", "exchange"})
Pin = Callable[[str], Awaitable[None]]
_NUMBERS = itertools.count(1)  # of all connections: who remembers one of a server must not meet it at its next form


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What is known of a connection: whether it stands, when the server was last heard of (by time.time), and since
    when and why it is out of reach.
    """

    is_up: bool = False
    seen_at: float | None = None
    away_since: float | None = None
    away_why: HostUnreachable | None = None


class SshSession:
    """One connection and its porter. ``folders`` are made on the server, ``pin`` keeps the key that a server without a
    pinned one showed, before anything is asked of it: the next connection is refused with another. ``turns`` are those
    of all servers: none of them connects before its own.
    """

    def __init__(self, target: SshTarget, folders: tuple[str, ...], pin: Pin, turns: Turns | None = None) -> None:
        self.target = target
        self.machine = self.boot_id = ""  # of the newest connection
        self.standing = SessionState()
        self.sessions = asyncio.Semaphore(MOST_SESSIONS)
        self._folders = folders
        self._pin = pin
        self._turns = turns or Turns(TURN_SECONDS)
        self._login: LoggedIn | None = None
        self._porter: Porter | None = None
        self._opening = asyncio.Lock()
        self._failures = 0
        self._number = 0
        self._is_over = False
        self._not_before = 0.0

    async def ask(
        self,
        verb: str,
        *arguments: Field,
        seconds: float | None = ANSWER_SECONDS,
        most_bytes: int = MOST_FRAME_BYTES,
    ) -> list[bytes]:
        """The answer of the porter, its first word included and of at most so many bytes; asked a second time where the
        link was lost and the question may be repeated, which within a fence it may not. Raises HostUnreachable.
        """
        standing = await self.porter()
        fence = fence_around(self)
        try:
            if fence is not None:
                guarded, given = fence.guarded(verb, arguments)
                return fence.admitted(await self._answer(standing, guarded, given, seconds, most_bytes))
            return await self._answer(standing, verb, arguments, seconds, most_bytes)
        except PorterLost as lost:
            away = self._lost(standing)
            if verb in _ONCE or standing.fault or fence is not None:
                raise away from lost
        standing = await self.porter()
        try:
            return await self._answer(standing, verb, arguments, seconds, most_bytes)
        except PorterLost as lost:
            raise self._lost(standing) from lost

    async def dial(self, folder: str, name: str, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Connects a protocol to a socket of the server. Raises OSError when nothing listens there, HostUnreachable."""
        standing = await self.porter()
        try:
            return await standing.connect(folder, name, protocol, ANSWER_SECONDS)
        except PorterLost as lost:
            raise self._lost(standing) from lost
        except TimeoutError as error:
            raise HostUnreachable(f"{self.target.place} did not connect within {ANSWER_SECONDS:g} s.") from error

    def tell(self, verb: str, *arguments: Field) -> None:
        """Says something to the porter, if there is one, that has no answer."""
        if self._porter is not None and not self._porter.down.is_set():
            self._porter.send("", verb, *arguments)

    async def porter(self) -> Porter:
        """The porter; connects where there is none. Raises HostUnreachable at once while it is not yet time to try
        again, and within a fence whose connection is lost: another holds no epoch.
        """
        fence = fence_around(self)
        if fence is not None and (fence.porter is not self._porter or fence.porter.down.is_set()):
            raise HostUnreachable(f"The connection to {self.target.place} was lost in the middle of a change there.")
        if self._porter is not None and not self._porter.down.is_set():
            return self._porter
        async with self._opening:
            self._raise_when_given_up()
            if self._porter is not None and not self._porter.down.is_set():
                return self._porter
            if time.monotonic() < self._not_before and self.standing.away_why is not None:
                raise self.standing.away_why
            return await self._connect()

    async def connection(self) -> asyncssh.SSHClientConnection:
        """The connection itself, for a session of one's own within ``sessions``. Raises HostUnreachable."""
        await self.porter()
        assert self._login is not None  # noqa: S101 - there is no porter without
        return self._login.connection

    @property
    def number(self) -> int | None:
        """The number of this connection among all of this process to any server, None while none stands."""
        return self._number if self._porter is not None and not self._porter.down.is_set() else None

    def retry_at_once(self) -> None:
        """Somebody asks in person: the next question does not wait for its turn."""
        self._not_before = 0.0

    async def give_up(self) -> None:
        """Closes for good, and waits a moment until the socket is gone."""
        self._is_over = True
        login = self._login
        self.close()
        if login is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await login.connection.wait_closed()

    def close(self) -> None:
        """Lets go of the connection; what runs on the server goes on."""
        if self._login is not None:
            self._login.close()
        self._login = self._porter = None

    async def _answer(
        self, standing: Porter, verb: str, arguments: tuple[Field, ...], seconds: float | None, most_bytes: int
    ) -> list[bytes]:
        try:
            answer = await standing.ask(verb, *arguments, seconds=seconds, most_bytes=most_bytes)
        except TimeoutError as error:
            raise HostUnreachable(f"{self.target.place} did not answer ({verb}) within {seconds:g} s.") from error
        self.standing = replace(self.standing, seen_at=time.time())
        if answer[0] == b"stuck":
            raise HostUnreachable(
                f"{self.target.place} has not answered for more than a minute to what Headway asked of its files. Does "
                "a disk of it hang?"
            )
        return answer

    async def _connect(self) -> Porter:
        # It takes a tenth of a second to load, and everybody else is answered meanwhile.
        log_in = (await asyncio.to_thread(import_module, _LOGIN)).log_in
        await asyncio.to_thread(import_module, _PORTER)
        self.close()
        await asyncio.sleep(self._turns.next())
        try:
            self._login = login = await log_in(self.target)
            self._raise_when_given_up()
            await self._keep(login.host_key)
            self._raise_when_given_up()
            started = await self._started(login.connection)
            self._raise_when_given_up()
            self._porter = started
        except HostUnreachable as away:
            self.close()
            self._failed(away)
            raise
        except BaseException:
            self.close()
            raise
        self._failures = 0
        self._number = next(_NUMBERS)
        self.standing = SessionState(is_up=True, seen_at=time.time())
        return started

    def _raise_when_given_up(self) -> None:
        """Raises HostUnreachable once it was given up, which may be while it connects: nobody closes it after that."""
        if self._is_over:
            raise HostUnreachable(f"The link to {self.target.place} was given up.")

    async def _keep(self, host_key: str) -> None:
        """Has the key kept that a server shows first. Raises HostUnreachable where it cannot be."""
        if self.target.host_key is not None:
            return
        unpinned, self.target = self.target, replace(self.target, host_key=host_key)
        try:
            await self._pin(host_key)
        except BaseException as error:
            self.target = unpinned
            if isinstance(error, HeadwayError):
                sentence = f"The key that {unpinned.place} shows cannot be kept: {error.message}"
                raise HostUnreachable(sentence) from error
            raise

    async def _started(self, connection: asyncssh.SSHClientConnection) -> Porter:
        import asyncssh  # noqa: PLC0415 - as said above

        from headway.infra.hosts.porter_link import Porter  # noqa: PLC0415

        text, started = porter.program(), Porter()
        words = _first_words(self.target, len(text))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.create_session(lambda: started, words, encoding=None)
                started.feed(text)
                word, *rest = await started.ask("hello", *self._folders, seconds=CONNECT_SECONDS)
        except TimeoutError as error:
            raise HostUnreachable(
                f"{self.target.place} lets Headway in, but has started nothing for it in {CONNECT_SECONDS:g} s. Is the "
                "machine too busy, or does the network between lose what is sent?"
            ) from error
        except PorterLost as lost:
            with suppress(TimeoutError):  # its last words may still be on their way
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await started.down.wait()
            raise _refused(self.target, started) from lost
        except (OSError, asyncssh.Error) as error:
            raise HostUnreachable(f"{self.target.place} opens no session for Headway: {error}.") from error
        if word != b"ok":
            raise _unfit(self.target, b" ".join(rest).decode(errors="replace"))
        started.beat()
        self.machine, self.boot_id = rest[0].decode(), rest[2].decode()
        if rest[1] != b"0":
            raise HostRefused(f"{self.target.place} is not root there. Log in as root, or as a user who may use sudo.")
        return started

    def _failed(self, away: HostUnreachable) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        # Servers that went together do not come back all at once.
        self._not_before = time.monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        since = self.standing.away_since or time.time()
        self.standing = replace(self.standing, is_up=False, away_since=since, away_why=away)

    def _lost(self, gone: Porter) -> HostUnreachable:
        away = HostUnreachable(_why(self.target, gone) or f"The connection to {self.target.place} was lost.")
        if gone is self._porter:
            self.close()
            since = self.standing.away_since or time.time()
            self.standing = replace(self.standing, is_up=False, away_since=since, away_why=away)
        return away


def _first_words(target: SshTarget, length: int) -> str:
    """What the account's shell is given, the same for every server: perl, which reads its program from us. It holds
    nothing that came from anybody, and no character that any shell would take for its own within single quotes.
    """
    waits = f"my $p=q(); while ({length}-length $p) {{ sysread STDIN,$p,{length}-length $p,length $p or exit 1 }} "
    perl = f"perl -we '{waits}eval $p; die $@ if $@'"
    clean = f"env -u PERL5LIB -u PERL5OPT LC_ALL=C PATH={CLEAN_PATH}"
    return f"{clean} {perl}" if target.username == "root" else f"{clean} sudo -n {clean} {perl}"


def _why(target: SshTarget, session: Porter) -> str:
    """What the server has said that ended the connection, "" where it has not."""
    if not session.fault:
        return ""
    return (
        f"The connection to {target.place} was ended: it {session.fault}. Nothing there may print when somebody logs "
        "in without a terminal, and what answers must be Headway's own program."
    )


def _refused(target: SshTarget, session: Porter) -> HostUnreachable:
    if session.fault:
        return HostRefused(_why(target, session))
    said = session.complaints.decode(errors="replace").strip().rpartition("\n")[2]
    if "sudo" in said and target.username != "root":
        return HostRefused(
            f"{target.place} may not become root: {said}. Log in as root, or let the user use sudo without a password "
            f"({target.username} ALL=(ALL) NOPASSWD: ALL)."
        )
    if session.exit_status == 127 or "not found" in said:
        return HostRefused(f"{target.place} has no perl, which Debian's perl-base brings, or is no Linux: {said}.")
    if session.exit_status is None and not said:
        return HostUnreachable(f"The connection to {target.place} broke off before what Headway starts there answered.")
    return HostUnreachable(
        f"{target.place} lets Headway in, but what it started ended at once: {said or 'no reason given'}."
    )


def _unfit(target: SshTarget, why: str) -> HostRefused:
    if why == "not linux":
        return HostRefused(f"{target.place} is no Linux machine. Headway works on Linux.")
    return HostRefused(
        f"{target.place} cannot be worked on: {why}. Is its disk full, or may nothing be written below /var/lib there?"
    )
