"""What a database server is to a backup, and the contract of those who know how one kind of server is dumped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from headway.infra.hosts.command import Account
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOWHERE = "/nonexistent"
TAR = "tar"
ARCHIVE = "headway"
UNCONNECTED = 2  # psql: https://www.postgresql.org/docs/current/app-psql.html#id-1.9.4.20.7
INSIDE = "HEADWAY_INSIDE"  # in the environment of what is started in a container, so that it is found there


class Engine(StrEnum):
    """The kinds of database servers, by their names on the wire."""

    POSTGRES = "postgres"
    MARIADB = "mariadb"
    MYSQL = "mysql"
    MONGO = "mongo"
    LIBSQL = "libsql"


class CannotDump(InvalidInput):
    """This cannot be done with a server of that kind; the sentence says what can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A database server as its own programs reach it: over the network, or in a container (``container`` is its id and
    ``docker`` the environment of the engine's command line, with the mark of who asks). ``account`` starts the programs
    of the panel's machine; None: the panel's own.
    """

    engine: Engine
    username: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int = 0
    container: str | None = None
    docker: Mapping[str, str] = field(default_factory=dict, repr=False)
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What is to be typed: the arguments, what they need in the environment, and standard input where it is not the
    dump itself. ``account`` starts it; None: the panel's own.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """How a dump is known to be whole when it is read back: the programs that read all of it, or how its last line
    begins. ``ahead`` is what the first of the programs reads before the dump, ``place`` the server on which it is ("":
    it is on the panel's machine), ``speaker`` what that is called in its complaints there, ``account`` who starts the
    programs here. ``on_trial``: it fills what is thrown away, beside what lives.
    """

    programs: tuple[tuple[str, ...], ...] = ()
    last_line: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    ahead: bytes = field(default=b"", repr=False)
    place: str = ""
    speaker: str = ""
    account: Account | None = None
    on_trial: bool = False


class Dumper(Protocol):
    """What is typed for one kind of server. No secret is in an argument."""

    @property
    def suffix(self) -> str:
        """What a dump's name ends with, before what it is packed with."""
        ...

    def dump(self, server: Server, database: str) -> Typed:
        """Writes a dump of the whole database to standard output."""
        ...

    def whole(self, server: Server) -> Whole:
        """How a dump is looked through."""
        ...

    def restore(self, server: Server, database: str, *, over: bool) -> Typed:
        """Fills a database from the dump on standard input; ``over``: what it holds of the same names is replaced."""
        ...

    def ways(self, database: str) -> Sequence[str]:
        """The databases by way of which a server may be asked about others: ``database``, and what every server has."""
        ...

    def look(self, server: Server, way: str, target: str) -> Typed:
        """Prints, as a JSON object, of ``target`` whether it ``exists``, and how many ``sessions`` are in it."""
        ...

    def count(self, server: Server, database: str) -> Typed:
        """Prints how many tables a database has."""
        ...

    @property
    def marks(self) -> bool:
        """Whether a database says by itself who has made it."""
        ...

    def create(self, server: Server, way: str, database: str, target: str, mark: str = "") -> Typed:
        """Makes an empty database with the character set of ``database``, or where there is none with the server's own,
        and with the ``mark`` where one is given and such servers keep one.
        """
        ...

    def drop(self, server: Server, way: str, target: str, mark: str = "") -> Typed:
        """Removes a database that Headway made, where a ``mark`` is given only the one with it; no error when there is
        none.
        """
        ...


def typed(server: Server, argv: tuple[str, ...], env: Mapping[str, str], stdin: bytes = b"") -> Typed:
    """A program's command line, in the server's container where it is in one: there the values of its environment come
    by the environment of the engine's command line.
    """
    if server.container is None:
        own = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": NOWHERE}
        return Typed(argv=argv, env={**own, **env}, stdin=stdin, account=server.account)
    names = tuple(f"--env={name}" for name in (*sorted(env), INSIDE))
    inside = ("docker", "exec", "--interactive", *names, server.container, *argv)
    return Typed(argv=inside, env={**env, **server.docker}, stdin=stdin)
