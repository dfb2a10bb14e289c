"""MariaDB and MySQL, by their own programs: SQL that ends with a line that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headway.drivers.dumps.base import Server, Typed, Whole, typed
from headway.kernel.dataclass import dataclass

_PACKET = "--max-allowed-packet=1G"
_LOOK = """SELECT CONCAT('{"exists": ',
  IF(EXISTS(SELECT 1 FROM information_schema.schemata WHERE schema_name = @target), 'true', 'false'), ', "sessions": ',
  (SELECT COUNT(*) FROM information_schema.processlist WHERE db = @target AND id <> CONNECTION_ID()), '}');
"""
_COUNT = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = @target AND table_type = 'BASE TABLE';\n"
_CREATE = """SET @made = CONCAT('CREATE DATABASE `', REPLACE(@target, '`', '``'), '`');
SET @like = (SELECT CONCAT(' CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
  FROM information_schema.schemata WHERE schema_name = @database);
SET @made = CONCAT(@made, COALESCE(@like, ''));
PREPARE made FROM @made;
EXECUTE made;
"""
_DROP = """SET @made = CONCAT('DROP DATABASE IF EXISTS `', REPLACE(@target, '`', '``'), '`');
PREPARE made FROM @made;
EXECUTE made;
"""


@dataclass(frozen=True, slots=True)
class MysqlDumper:
    """See ``Dumper``. The programs' names and their own options tell the two apart. ``bounds`` keep the client of the
    panel's machine from acting on what a dump says to it; one in a container is what the image has.
    """

    dumper: str
    client: str
    own: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    suffix: str = "sql"
    marks: bool = False

    def dump(self, server: Server, database: str) -> Typed:
        argv = (
            *(self.dumper, "--no-defaults", *_where(server), "--single-transaction", "--quick", "--routines"),
            *("--triggers", "--events", "--hex-blob", "--no-tablespaces", "--default-character-set=utf8mb4", _PACKET),
            *self.own,
            *("--", database),
        )
        return typed(server, argv, _env(server))

    def whole(self, server: Server) -> Whole:
        return Whole(last_line="-- Dump completed")

    def restore(self, server: Server, database: str, *, over: bool) -> Typed:
        argv = (*self._client(server), "--binary-mode", _PACKET, f"--database={database}")
        return typed(server, argv, _env(server))

    def ways(self, database: str) -> Sequence[str]:
        return (database,)  # which need not be there: a client enters none

    def look(self, server: Server, way: str, target: str) -> Typed:
        return self._ask(server, _given(way, target) + _LOOK)

    def count(self, server: Server, database: str) -> Typed:
        return self._ask(server, _given(database, database) + _COUNT)

    def create(self, server: Server, way: str, database: str, target: str, mark: str = "") -> Typed:
        return self._ask(server, _given(database, target) + _CREATE)

    def drop(self, server: Server, way: str, target: str, mark: str = "") -> Typed:
        return self._ask(server, _given(way, target) + _DROP)

    def _ask(self, server: Server, sql: str) -> Typed:
        argv = (*self._client(server), "--skip-column-names", "--batch", "--raw")
        return typed(server, argv, _env(server), sql.encode())

    def _client(self, server: Server) -> tuple[str, ...]:
        return (
            self.client,
            "--no-defaults",
            *_where(server),
            "--connect-timeout=15",
            "--default-character-set=utf8mb4",
            "--local-infile=0",
            *(() if server.container is not None else self.bounds),
        )


MARIADB = MysqlDumper("mariadb-dump", "mariadb", bounds=("--loose-sandbox",))
MYSQL = MysqlDumper("mysqldump", "mysql", ("--set-gtid-purged=OFF", "--column-statistics=0"))


def _where(server: Server) -> tuple[str, ...]:
    user = f"--user={server.username}"
    if server.container is not None:
        return (user,)
    return ("--protocol=tcp", f"--host={server.host}", f"--port={server.port or 3306}", user)


def _env(server: Server) -> Mapping[str, str]:
    """The password goes by the environment: https://mariadb.com/kb/en/mariadb-environment-variables/."""
    return {"MYSQL_PWD": server.password}


def _given(database: str, target: str) -> str:
    """Both names as variables, whatever they hold and whatever mode the server is in."""
    named = {"database": database, "target": target}
    return "".join(
        f"SET @{name} = CONVERT(X'{value.encode().hex()}' USING utf8mb4);\n" for name, value in named.items()
    )
