"""What is typed to learn whether a database that runs elsewhere answers, and takes its name and password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from headway.drivers.dumps.base import NOWHERE, PATH, Engine, Server, Typed
from headway.drivers.dumps.registry import DUMPERS
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind, DatabaseSettings
from headway.infra.hosts.command import Account
from headway.kernel.errors import InvalidInput

_ENV: Mapping[str, str] = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": NOWHERE}
_SELECT = '{"requests": [{"type": "execute", "stmt": {"sql": "SELECT 1"}}, {"type": "close"}]}'
_ASKED = frozenset({Engine.POSTGRES, Engine.MARIADB, Engine.MYSQL})


def server_of(kind: DatabaseKind, given: DatabaseSettings) -> Server:
    """The server as its own programs reach it. Raises InvalidInput for a kind that is not dumped."""
    facts, where = KINDS[kind], given.elsewhere
    if facts.engine is None:
        raise InvalidInput(f"{facts.title} is not backed up by dumps; back its volume up.")
    if where is not None:
        port, login = where.port or facts.port, (given.username, given.password)
        return Server(engine=facts.engine, host=where.host, port=port, username=login[0], password=login[1])
    if facts.has_root:
        return Server(engine=facts.engine, username="root", password=given.root_password)
    return Server(engine=facts.engine, username=given.username, password=given.password)


def probe(kind: DatabaseKind, given: DatabaseSettings, account: Account | None) -> Typed:
    """Succeeds where the database can be used, asked by an account. No secret is in an argument."""
    return replace(_probe(kind, given), account=account)


def _probe(kind: DatabaseKind, given: DatabaseSettings) -> Typed:
    where = given.elsewhere
    if where is None:
        raise AssertionError("what runs here is asked by its own check")
    port = where.port or KINDS[kind].port
    engine = KINDS[kind].engine
    if engine in _ASKED:
        return DUMPERS[engine].count(server_of(kind, given), given.database)
    match kind:
        case DatabaseKind.REDIS:
            # Without the password on its command line: https://redis.io/docs/latest/develop/tools/cli/
            password = {"REDISCLI_AUTH": given.password} if given.password else {}
            user = ("--user", given.username) if given.username not in {"", "default"} else ()
            argv = ("redis-cli", "-e", "-h", where.host, "-p", str(port), *user, "--no-auth-warning", "INFO", "server")
            return Typed(argv=argv, env={**_ENV, **password})
        case DatabaseKind.MONGO:
            argv = ("mongosh", "--quiet", "--host", where.host, "--port", str(port), "--nodb", "--file", "/dev/stdin")
            return Typed(argv=argv, env=_ENV, stdin=_mongo(where.host, port, given).encode())
        case _:
            argv = ("curl", "--fail", "--silent", "--show-error", "--max-time", "15", "--config", "-")
            lines = [f"url = {json.dumps(f'http://{where.host}:{port}/v2/pipeline')}", f"data = {json.dumps(_SELECT)}"]
            if given.username:
                lines.append(f"user = {json.dumps(f'{given.username}:{given.password}')}")
            return Typed(argv=argv, env=_ENV, stdin="".join(f"{line}\n" for line in lines).encode())


def _mongo(host: str, port: int, given: DatabaseSettings) -> str:
    address = json.dumps(f"mongodb://{host}:{port}/?serverSelectionTimeoutMS=15000")
    login = f"admin.auth({json.dumps(given.username)}, {json.dumps(given.password)});\n" if given.username else ""
    ask = "admin.runCommand({ping: 1});\n"
    return f'const admin = connect({address}).getSiblingDB("admin");\n{login}{ask}'
