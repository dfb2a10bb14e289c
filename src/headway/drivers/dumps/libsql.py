"""libSQL: the server gives its whole database as SQL, and takes it again at its first start only."""

from __future__ import annotations

from collections.abc import Sequence

from headway.drivers.dumps.base import CannotDump, Server, Typed, Whole, typed


class LibsqlDumper:
    """See ``Dumper``."""

    suffix = "sql"
    marks = False

    def dump(self, server: Server, database: str) -> Typed:
        # https://github.com/tursodatabase/libsql/blob/main/libsql-server/src/http/user/mod.rs: GET /dump
        host = "127.0.0.1" if server.container is not None else server.host
        argv = ("curl", "--fail", "--silent", "--show-error", "--no-buffer", "--config", "-")
        lines = [f'url = "http://{host}:{server.port or 8080}/dump"']
        if server.username:
            lines.append(f'user = "{_escaped(f"{server.username}:{server.password}")}"')
        elif server.password:
            lines.append(f'header = "Authorization: Bearer {_escaped(server.password)}"')
        return typed(server, argv, {}, "".join(f"{line}\n" for line in lines).encode())

    def whole(self, server: Server) -> Whole:
        return Whole(last_line="COMMIT;")

    def restore(self, server: Server, database: str, *, over: bool) -> Typed:
        raise _first_start_only()

    def ways(self, database: str) -> Sequence[str]:
        return (database,)

    def look(self, server: Server, way: str, target: str) -> Typed:
        raise _first_start_only()

    def count(self, server: Server, database: str) -> Typed:
        raise _first_start_only()

    def create(self, server: Server, way: str, database: str, target: str, mark: str = "") -> Typed:
        raise _first_start_only()

    def drop(self, server: Server, way: str, target: str, mark: str = "") -> Typed:
        raise _first_start_only()


def _escaped(text: str) -> str:
    """As curl reads a quoted value of a configuration."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _first_start_only() -> CannotDump:
    return CannotDump(
        "A libSQL server takes a dump only when its database is made: fetch the file from the destination, unpack it"
        " with zstd -d, and give it to a new server by sqlite3."
    )
