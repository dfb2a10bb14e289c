"""Which dumper knows which kind of server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.drivers.dumps.base import Dumper, Engine
from headway.drivers.dumps.libsql import LibsqlDumper
from headway.drivers.dumps.mongo import MongoDumper
from headway.drivers.dumps.mysql import MARIADB, MYSQL
from headway.drivers.dumps.postgres import PostgresDumper

DUMPERS: Mapping[Engine, Dumper] = MappingProxyType(
    {
        Engine.POSTGRES: PostgresDumper(),
        Engine.MARIADB: MARIADB,
        Engine.MYSQL: MYSQL,
        Engine.MONGO: MongoDumper(),
        Engine.LIBSQL: LibsqlDumper(),
    }
)
