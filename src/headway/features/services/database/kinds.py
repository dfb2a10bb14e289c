"""What is to be known of each kind of database: its image, ports, variables, data, check and address."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from urllib.parse import quote

from headway.drivers.dumps.base import Engine
from headway.features.services.database.model import DatabaseKind, DatabaseSettings
from headway.kernel.dataclass import dataclass

EXTERNAL = "externalPort"
REDIS_FILE = "/etc/headway-redis.conf"
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """One kind. ``ports`` are those of its process, by what clients call the ports of the machine that lead there;
    ``check`` is a line that the container's shell succeeds with once the server answers over the network, not while it
    is being set up; ``files`` are put into the container; ``user`` is whose the password is where it cannot be chosen.
    """

    title: str
    image: str
    ports: Mapping[str, int]
    folder: str
    check: str
    scheme: str
    variables: Callable[[DatabaseSettings], Mapping[str, str]]
    names_database: bool = True
    names_user: bool = True
    has_root: bool = False
    query: str = ""
    files: Callable[[DatabaseSettings], Mapping[str, str]] = field(default=lambda _given: _NO_VARIABLES)
    arguments: tuple[str, ...] = ()
    secret_variables: tuple[str, ...] = ()
    engine: Engine | None = None

    @property
    def port(self) -> int:
        """The port of its own protocol."""
        return self.ports[EXTERNAL]


def url_of(facts: DatabaseFacts, given: DatabaseSettings, host: str, port: int) -> str:
    """How clients are told to connect."""
    who = f"{quote(given.username, safe='')}:{quote(given.password, safe='')}@"
    name = f"/{quote(given.database, safe='')}" if facts.names_database else ""
    return f"{facts.scheme}://{who}{host}:{port}{name}{facts.query}"


def _postgres(given: DatabaseSettings) -> Mapping[str, str]:
    # Beside the places that the images of some versions make volumes of: https://hub.docker.com/_/postgres (PGDATA).
    return {
        "POSTGRES_DB": given.database,
        "POSTGRES_USER": given.username,
        "POSTGRES_PASSWORD": given.password,
        "PGDATA": "/var/lib/postgresql/pgdata",
    }


def _of_mysql(prefix: str) -> Callable[[DatabaseSettings], Mapping[str, str]]:
    def variables(given: DatabaseSettings) -> Mapping[str, str]:
        # The images make root by themselves, and refuse to be told to.
        own = {} if given.username == "root" else {"USER": given.username, "PASSWORD": given.password}
        found = {"DATABASE": given.database, **own, "ROOT_PASSWORD": given.root_password}
        return {f"{prefix}_{name}": value for name, value in found.items()}

    return variables


def _mongo(given: DatabaseSettings) -> Mapping[str, str]:
    return {"MONGO_INITDB_ROOT_USERNAME": given.username, "MONGO_INITDB_ROOT_PASSWORD": given.password}


def _redis(given: DatabaseSettings) -> Mapping[str, str]:
    return {"REDIS_PASSWORD": given.password}


def _redis_files(given: DatabaseSettings) -> Mapping[str, str]:
    """The password is in a file: a server shows its arguments to everybody."""
    return {REDIS_FILE: f'requirepass "{given.password}"\nappendonly yes\ndir /data\n'}


def _libsql(given: DatabaseSettings) -> Mapping[str, str]:
    login = base64.b64encode(f"{given.username}:{given.password}".encode()).decode()
    own = {"SQLD_NODE": given.node, "SQLD_HTTP_AUTH": f"basic:{login}"}
    primary = {"SQLD_PRIMARY_URL": given.primary} if given.primary else {}
    return {**own, **primary, **({"SQLD_ENABLE_NAMESPACES": "true"} if given.namespaces else {})}


_HTTP_CHECK = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080 && printf \"GET /health HTTP/1.0\\r\\n\\r\\n\" >&3 && grep -q 200 <&3'"
)

KINDS: Mapping[DatabaseKind, DatabaseFacts] = MappingProxyType(
    {
        DatabaseKind.POSTGRES: DatabaseFacts(
            title="PostgreSQL",
            image="postgres:18",
            ports={EXTERNAL: 5432},
            folder="/var/lib/postgresql",
            check='exec pg_isready --quiet --host=127.0.0.1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB"',
            scheme="postgresql",
            variables=_postgres,
            engine=Engine.POSTGRES,
        ),
        DatabaseKind.MYSQL: DatabaseFacts(
            title="MySQL",
            image="mysql:8",
            ports={EXTERNAL: 3306},
            folder="/var/lib/mysql",
            check="exec mysqladmin --no-defaults --protocol=tcp --host=127.0.0.1 --silent ping",
            scheme="mysql",
            variables=_of_mysql("MYSQL"),
            has_root=True,
            engine=Engine.MYSQL,
        ),
        DatabaseKind.MARIADB: DatabaseFacts(
            title="MariaDB",
            image="mariadb:11",
            ports={EXTERNAL: 3306},
            folder="/var/lib/mysql",
            check="exec mariadb-admin --no-defaults --protocol=tcp --host=127.0.0.1 --silent ping",
            scheme="mariadb",
            variables=_of_mysql("MARIADB"),
            has_root=True,
            engine=Engine.MARIADB,
        ),
        DatabaseKind.MONGO: DatabaseFacts(
            title="MongoDB",
            image="mongo:8",
            ports={EXTERNAL: 27017},
            folder="/data/db",
            # With the login, which there is only once the server has been set up.
            check=(
                "exec mongosh --quiet --host 127.0.0.1 admin --eval "
                "'db.auth(process.env.MONGO_INITDB_ROOT_USERNAME, process.env.MONGO_INITDB_ROOT_PASSWORD).ok'"
            ),
            scheme="mongodb",
            variables=_mongo,
            names_database=False,
            query="/?authSource=admin",
            engine=Engine.MONGO,
        ),
        DatabaseKind.REDIS: DatabaseFacts(
            title="Redis",
            image="redis:8",
            ports={EXTERNAL: 6379},
            folder="/data",
            check='REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -h 127.0.0.1 ping | grep -q PONG',
            scheme="redis",
            variables=_redis,
            names_database=False,
            names_user=False,
            files=_redis_files,
            arguments=("redis-server", REDIS_FILE),
        ),
        DatabaseKind.LIBSQL: DatabaseFacts(
            title="libSQL",
            image="ghcr.io/tursodatabase/libsql-server:v0.24.32",
            ports={EXTERNAL: 8080, "externalGRPCPort": 5001, "externalAdminPort": 5000},
            folder="/var/lib/sqld",
            check=_HTTP_CHECK,
            scheme="http",
            variables=_libsql,
            names_database=False,
            secret_variables=("SQLD_HTTP_AUTH",),
            engine=Engine.LIBSQL,
        ),
    }
)
