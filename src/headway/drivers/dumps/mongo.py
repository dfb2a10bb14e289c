"""MongoDB, by its database tools; the password is in a configuration that is read from standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from headway.drivers.dumps.base import CannotDump, Server, Typed, Whole, typed


class MongoDumper:
    """See ``Dumper``. What needs a shell of the server's own, or two inputs at once, cannot be done."""

    suffix = "archive"
    marks = False

    def dump(self, server: Server, database: str) -> Typed:
        argv = ("mongodump", "--config=/dev/stdin", *_where(server), f"--db={database}", "--archive")
        return typed(server, argv, {}, _configuration(server))

    def whole(self, server: Server) -> Whole:
        read = typed(server, ("mongorestore", "--dryRun", "--archive"), {})
        return Whole(programs=(read.argv,), env=read.env, account=read.account)

    def restore(self, server: Server, database: str, *, over: bool) -> Typed:
        raise CannotDump(
            "mongorestore takes a password and an archive by one input only: fetch the file from the destination,"
            " unpack it with zstd -d, and give it to mongorestore --archive=FILE."
        )

    def ways(self, database: str) -> Sequence[str]:
        return (database,)

    def look(self, server: Server, way: str, target: str) -> Typed:
        raise _no_drill()

    def count(self, server: Server, database: str) -> Typed:
        raise _no_drill()

    def create(self, server: Server, way: str, database: str, target: str, mark: str = "") -> Typed:
        raise _no_drill()

    def drop(self, server: Server, way: str, target: str, mark: str = "") -> Typed:
        raise _no_drill()


def _where(server: Server) -> tuple[str, ...]:
    host = () if server.container is not None else (f"--host={server.host}", f"--port={server.port or 27017}")
    user = (f"--username={server.username}", "--authenticationDatabase=admin") if server.username else ()
    return (*host, *user)


def _configuration(server: Server) -> bytes:
    """As https://www.mongodb.com/docs/database-tools/mongodump/ says of ``--config``."""
    told: Mapping[str, str] = {"password": server.password} if server.password else {}
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in told.items()).encode() or b"{}\n"


def _no_drill() -> CannotDump:
    return CannotDump("A backup of MongoDB is checked where it lies; test restores are not done by this version.")
