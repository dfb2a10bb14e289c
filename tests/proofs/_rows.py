"""Compares two databases of one server, row by row, and all else that they hold."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from tests.support.databases.mariadb import MariaDb
from tests.support.databases.postgres import Cluster, find_program

AWKWARD = Path(__file__).parent / "awkward"
Told = Mapping[str, tuple[Sequence[str], bytes]]  # what is compared: how it is printed

_KEYED = """
SELECT CASE WHEN c.relkind = 'S' THEN 'last_value, is_called' ELSE '*' END, format('%I.%I', n.nspname, c.relname),
  coalesce(CASE WHEN c.relkind = 'S' THEN '1' END,
  (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_index i, pg_attribute a
    WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = ANY (i.indkey)),
  't::text COLLATE "C"'), c.relkind = 'r'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'v', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 2"""
_OBJECTS = """COPY (SELECT m.oid, lomowner, lomacl, obj_description(m.oid, 'pg_largeobject'), length(lo_get(m.oid)),
  md5(lo_get(m.oid)) FROM pg_largeobject_metadata m ORDER BY 1) TO STDOUT"""


class PostgresRows:
    """Databases of a PostgreSQL server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def fill(self, database: str, megabytes: int) -> None:
        """Makes a database of the awkward."""
        quoted = database.replace('"', '""')
        self._cluster.administer(f'CREATE DATABASE "{quoted}"')
        argv = [*self._psql(database), "--set=ON_ERROR_STOP=1", f"--set=mb={megabytes}"]
        done = subprocess.run([*argv, f"--file={AWKWARD / 'postgres.sql'}"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def told(self, database: str) -> Told:
        """All that a database holds: its tables and views row by row, its large objects, and its schema."""
        found: dict[str, tuple[Sequence[str], bytes]] = {}
        for line in self._ask(database, _KEYED):
            what, name, order, is_table = line.split("\t")
            only = "ONLY " if is_table == "t" else ""
            query = f"SELECT {what} FROM {only}{name} AS t ORDER BY {order}"  # noqa: S608 - names that the server quoted
            found[name] = self._print(database, f"COPY ({query}) TO STDOUT")
        found["large objects"] = self._print(database, _OBJECTS)
        dump = [str(find_program("pg_dump")), "--schema-only", *self._where(database)]
        # Since 15.14 each of its outputs has a line with a word made up at random.
        found["schema"] = (["sh", "-c", '"$@" | grep -v "^.\\(un\\)\\?restrict "', "-", *dump], b"")
        return found

    def _ask(self, database: str, query: str) -> list[str]:
        argv, _ = self._print(database, f"COPY ({query}) TO STDOUT")
        return subprocess.run(argv, capture_output=True, check=True, text=True).stdout.splitlines()

    def _print(self, database: str, sql: str) -> tuple[Sequence[str], bytes]:
        return ([*self._psql(database), f"--command={sql}"], b"")

    def _psql(self, database: str) -> list[str]:
        return [str(find_program("psql")), "--no-psqlrc", "--quiet", *self._where(database)]

    def _where(self, database: str) -> list[str]:
        quoted = database.replace("\\", "\\\\").replace("'", "\\'")
        return [f"--dbname=host={self._cluster.folder} port={self._cluster.port} user=postgres dbname='{quoted}'"]


class MariaDbRows:
    """Databases of a MariaDB server."""

    def __init__(self, server: MariaDb) -> None:
        self._server = server

    def fill(self, database: str, megabytes: int) -> None:
        """Makes a database of the awkward."""
        self._server.sql(f"CREATE DATABASE {_quoted(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci")
        self._server.sql(f"SET @mb = {megabytes};\n" + (AWKWARD / "mariadb.sql").read_text(), database)

    def told(self, database: str) -> Told:
        """All that a database holds: its tables and views row by row, and its schema."""
        found: dict[str, tuple[Sequence[str], bytes]] = {}
        for name in self._ask(database, "table_name", "tables", "table_type <> 'SEQUENCE'"):
            # By their names, for else the invisible ones are not shown. A FLOAT shows as the server prints it, to six
            # digits: its own dump has no more of it either.
            columns = self._ask(database, "column_name", "columns", f"table_name = {_text(name)}")
            shown = [_quoted(column) for column in columns]
            order = ", ".join(str(number + 1) for number in range(len(shown)))
            query = f"SELECT {', '.join(shown)} FROM {_quoted(name)} ORDER BY {order};\n"  # noqa: S608 - quoted
            found[name] = self._print(query, database)
        options = ["--no-data", "--routines", "--events", "--triggers", "--skip-comments", "--skip-dump-date"]
        found["schema"] = (["mariadb-dump", "--no-defaults", *options, *self._where, "--", database], b"")
        return found

    def _ask(self, database: str, what: str, where: str, of: str) -> list[str]:
        mine = f"table_schema = {_text(database)} AND {of}"
        query = f"SELECT {what} FROM information_schema.{where} WHERE {mine} ORDER BY 1"  # noqa: S608 - quoted
        return self._server.sql(query).splitlines()

    def _print(self, sql: str, database: str) -> tuple[Sequence[str], bytes]:
        argv = ["mariadb", "--no-defaults", "--batch", "--quick", "--skip-column-names", *self._where]
        return ([*argv, f"--database={database}"], sql.encode())

    @property
    def _where(self) -> list[str]:
        return [f"--socket={self._server.socket}", "--user=root", "--default-character-set=utf8mb4"]


def compare(one: Told, other: Told) -> tuple[int, int]:
    """(rows, bytes) that were compared. Raises AssertionError at the first that differs."""
    assert one.keys() == other.keys()
    rows = size = 0
    for name in one:
        for number, (a, b) in enumerate(zip_longest(_lines(*one[name]), _lines(*other[name]))):
            assert a == b, f"{name}, row {number}: {a!r:.500} became {b!r:.500}"
            rows, size = rows + 1, size + len(a)
    return rows, size


def _lines(argv: Sequence[str], given: bytes) -> Iterator[bytes]:
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.close()
        yield from process.stdout
        assert process.wait() == 0, argv


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4) COLLATE utf8mb4_bin"
