"""Which dumper knows which kind of server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.seams.dumps.base import Dumper, Engine
from headway.seams.dumps.libsql import LibsqlDumper
from headway.seams.dumps.mongo import MongoDumper
from headway.seams.dumps.mysql import MARIADB, MYSQL
from headway.seams.dumps.postgres import PostgresDumper

DUMPERS: Mapping[Engine, Dumper] = MappingProxyType(
    {
        Engine.POSTGRES: PostgresDumper(),
        Engine.MARIADB: MARIADB,
        Engine.MYSQL: MYSQL,
        Engine.MONGO: MongoDumper(),
        Engine.LIBSQL: LibsqlDumper(),
    }
)
