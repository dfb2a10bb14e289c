"""A database as a service: its kind, who may come in and how, and where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, fields
from enum import StrEnum
from typing import Any

from headway.features.services.application.model import Application
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput

LOOPBACK = "127.0.0.1"


class DatabaseKind(StrEnum):
    """The kinds of databases, by their names on the wire."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    MONGO = "mongo"
    REDIS = "redis"
    LIBSQL = "libsql"


_SET_UP_WITH = ("database", "username", "password", "root_password")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalServer:
    """Where a database runs that is not Headway's. ``guarded``: who said so may not use the machine, and it leads to
    the internet only.
    """

    host: str
    port: int = 0
    guarded: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """What can be set of a database. ``ports`` are ports of the machine that lead to it, by their names on the wire, at
    ``address``; ``volume`` is the one that its data is in. ``check``, ``command`` and ``arguments`` are the kind's own
    where nothing is given; ``node`` and ``primary`` are libSQL's. ``extra`` are fields of the peer's inputs on which
    Headway does not act.
    """

    image: str = ""
    database: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    root_password: str = field(default="", repr=False)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = LOOPBACK
    env: str = field(default="", repr=False)
    volume: str = "data"
    check: Mapping[str, Any] | None = None
    command: str | None = None
    arguments: Sequence[str] = ()
    node: str = "primary"
    primary: str | None = None
    namespaces: bool = False
    elsewhere: ExternalServer | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> DatabaseSettings:
        """The settings that ``dump`` wrote; unknown keys are of a later version and dropped."""
        known = {each.name for each in fields(DatabaseSettings)}
        given = {name: value for name, value in values.items() if name in known}
        where = given.get("elsewhere")
        return DatabaseSettings(**{**given, "elsewhere": None if where is None else ExternalServer(**where)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database. ``runs`` is what runs of it, with its name, place and status; of one that runs elsewhere nothing
    does.
    """

    kind: DatabaseKind
    runs: Application
    settings: DatabaseSettings

    @property
    def database_id(self) -> str:
        """Its id."""
        return self.runs.service_id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.runs.name


def require_as_set_up(current: Database, wanted: DatabaseSettings) -> None:
    """A server reads its first names and passwords once, when its volume is empty: others would only be written here.
    Raises Conflict.
    """
    before = current.settings
    if (before.elsewhere is None) is not (wanted.elsewhere is None):
        raise InvalidInput("Whether a database runs here or elsewhere is decided when it is created.")
    changed = [name for name in _SET_UP_WITH if getattr(before, name) != getattr(wanted, name)]
    if changed and before.elsewhere is None and current.runs.serving_release_id is not None:
        raise Conflict(
            "The server was set up with its names and passwords and keeps them with its data: change a password with "
            "changePassword, which tells the server too, and the rest in the server itself, or rebuild it."
        )
