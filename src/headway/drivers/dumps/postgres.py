"""PostgreSQL, by its own pg_dump and pg_restore, of the server's version where it is in a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headway.drivers.dumps.base import Server, Typed, Whole, typed

_LOCK_SECONDS = 60
_QUIET = ("psql", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--set=ON_ERROR_STOP=1")
_LOOK = (
    "SELECT json_build_object('exists', EXISTS (SELECT FROM pg_database WHERE datname = :'target'), 'sessions', (SELECT"
    " count(*) FROM pg_stat_activity WHERE datname = :'target' AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()), 'powers', EXISTS (SELECT FROM pg_roles WHERE (rolsuper OR rolname IN"
    " ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') OR (rolcreaterole AND"
    # Before PostgreSQL 16 who may make roles could give himself any but a superuser's.
    " current_setting('server_version_num')::int < 160000)) AND pg_has_role(current_user, oid, 'MEMBER')));\n"
)
_COUNT = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm')"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';\n"
)
_CREATE = (
    "SELECT COALESCE((SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',"
    " :'target', pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_database WHERE datname = :'database'),"
    " format('CREATE DATABASE %I TEMPLATE template0', :'target')) \\gexec\n"
)
_MARK = "SELECT format('COMMENT ON DATABASE %I IS %L', :'target', :'mark') \\gexec\n"
_FORCE_SINCE = 130_000  # before PostgreSQL 13 a database is dropped when nobody is in it
_MINE = "d.datname = :'target' AND (:'mark' = '' OR shobj_description(d.oid, 'pg_database') = :'mark')"
_IS_OLD = "current_setting('server_version_num')::int < :'since'::int"
_DROP = (
    "SELECT count(pg_terminate_backend(a.pid))"  # noqa: S608 - made of constants: names come as variables
    " FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid"
    f" WHERE {_MINE} AND {_IS_OLD} AND a.pid <> pg_backend_pid();\n"
    f"SELECT format('DROP DATABASE IF EXISTS %I', d.datname) || CASE WHEN {_IS_OLD} THEN '' ELSE ' WITH (FORCE)' END"
    f" FROM pg_database d WHERE {_MINE} \\gexec\n"
)


class PostgresDumper:
    """See ``Dumper``."""

    suffix = "pgdump"
    marks = True

    def dump(self, server: Server, database: str) -> Typed:
        # Compressed once, where it is packed: pg_dump's own compression is slower and hides what is alike.
        argv = ("pg_dump", "--format=custom", "--compress=0", "--no-password", *_where(server))
        return typed(server, argv, _env(server, database))

    def whole(self, server: Server) -> Whole:
        # A custom dump from a pipe has no offsets: all of it is read to write it as SQL.
        read = typed(server, ("pg_restore", "--exit-on-error", "--file=/dev/null"), {})
        return Whole(programs=(read.argv,), env=read.env, account=read.account)

    def restore(self, server: Server, database: str, *, over: bool) -> Typed:
        argv = (
            *("pg_restore", "--single-transaction", "--exit-on-error", "--no-password"),
            *(("--clean", "--if-exists") if over else ()),
            *_where(server),
            f"--dbname={_named(database)}",
        )
        options = f"-c lock_timeout={_LOCK_SECONDS}s"  # else one who reads a table would hold it up for ever
        return typed(server, argv, {**_env(server, database), "PGOPTIONS": options})

    def ways(self, database: str) -> Sequence[str]:
        # The first may have been dropped; who may not enter the others is asked by way of his own.
        return tuple(dict.fromkeys((database, "postgres", "template1")))

    def look(self, server: Server, way: str, target: str) -> Typed:
        return self._ask(server, way, _LOOK, target)

    def count(self, server: Server, database: str) -> Typed:
        return self._ask(server, database, _COUNT)

    def create(self, server: Server, way: str, database: str, target: str, mark: str = "") -> Typed:
        return self._ask(server, way, _CREATE + (_MARK if mark else ""), target, database=database, mark=mark)

    def drop(self, server: Server, way: str, target: str, mark: str = "") -> Typed:
        return self._ask(server, way, _DROP, target, mark=mark, since=str(_FORCE_SINCE))

    def _ask(self, server: Server, way: str, sql: str, target: str | None = None, **more: str) -> Typed:
        given = more if target is None else {"target": target, **more}
        argv = (*_QUIET, "--no-password", *_where(server), *(f"--set={name}={value}" for name, value in given.items()))
        return typed(server, argv, _env(server, way), sql.encode())


def _where(server: Server) -> tuple[str, ...]:
    """In its container the server is asked through its own socket."""
    host = () if server.container is not None else (f"--host={server.host}", f"--port={server.port or 5432}")
    return (*host, f"--username={server.username}")


def _env(server: Server, database: str) -> Mapping[str, str]:
    """https://www.postgresql.org/docs/current/libpq-envars.html; a database that is named here is only a name."""
    password = {"PGPASSWORD": server.password} if server.password else {}
    return {"PGDATABASE": database, "PGCONNECT_TIMEOUT": "15", "PGAPPNAME": "headway", **password}


def _named(database: str) -> str:
    """A name that is not read as a connection string."""
    quoted = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{quoted}'"
