"""What is typed to ask a database that runs elsewhere: whole, and with no secret among the arguments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.drivers.dumps.base import NOWHERE, PATH, Engine, Server, Typed
from headway.features.services.database.model import DatabaseKind, DatabaseSettings, ExternalServer
from headway.features.services.database.probe import probe, server_of
from headway.infra.hosts.command import Account
from headway.kernel.errors import InvalidInput

HERE = DatabaseSettings(database="shop", username="keeper", password='p"s3cret', root_password="r00t")
THERE = replace(HERE, elsewhere=ExternalServer(host="db.example"))
ENV = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": NOWHERE}
ASKS = Account(uid=7, gid=7)


def test_postgres_is_asked_by_psql() -> None:
    typed = probe(DatabaseKind.POSTGRES, THERE, ASKS)
    assert typed.argv[0] == "psql"
    assert {"--host=db.example", "--port=5432", "--username=keeper"} <= {*typed.argv}
    assert (typed.env["PGPASSWORD"], typed.env["PGDATABASE"]) == ('p"s3cret', "shop")


def test_redis_is_asked_by_its_own_client() -> None:
    argv = ("redis-cli", "-e", "-h", "db.example", "-p", "6379", "--user", "keeper", "--no-auth-warning")
    expected = Typed(argv=(*argv, "INFO", "server"), env={**ENV, "REDISCLI_AUTH": 'p"s3cret'}, account=ASKS)
    assert probe(DatabaseKind.REDIS, THERE, ASKS) == expected


def test_mongo_is_asked_by_its_shell_which_reads_its_login_from_a_script() -> None:
    argv = ("mongosh", "--quiet", "--host", "db.example", "--port", "7", "--nodb", "--file", "/dev/stdin")
    script = (
        'const admin = connect("mongodb://db.example:7/?serverSelectionTimeoutMS=15000").getSiblingDB("admin");\n'
        'admin.auth("keeper", "p\\"s3cret");\n'
        "admin.runCommand({ping: 1});\n"
    )
    there = replace(THERE, elsewhere=ExternalServer(host="db.example", port=7))
    assert probe(DatabaseKind.MONGO, there, ASKS) == Typed(argv=argv, env=ENV, stdin=script.encode(), account=ASKS)


def test_libsql_is_asked_over_http_with_its_login_in_a_configuration() -> None:
    argv = ("curl", "--fail", "--silent", "--show-error", "--max-time", "15", "--config", "-")
    select = r"{\"requests\": [{\"type\": \"execute\", \"stmt\": {\"sql\": \"SELECT 1\"}}, {\"type\": \"close\"}]}"
    lines = f'url = "http://db.example:8080/v2/pipeline"\ndata = "{select}"\nuser = "keeper:p\\"s3cret"\n'
    assert probe(DatabaseKind.LIBSQL, THERE, ASKS) == Typed(argv=argv, env=ENV, stdin=lines.encode(), account=ASKS)


@pytest.mark.parametrize("kind", DatabaseKind)
def test_no_secret_is_an_argument(kind: DatabaseKind) -> None:
    assert not [each for each in probe(kind, THERE, ASKS).argv if "s3cret" in each]


def test_a_server_in_its_container_is_dumped_as_who_may_read_all_of_it() -> None:
    assert server_of(DatabaseKind.POSTGRES, HERE) == Server(
        engine=Engine.POSTGRES, username="keeper", password='p"s3cret'
    )
    assert server_of(DatabaseKind.MARIADB, HERE) == Server(engine=Engine.MARIADB, username="root", password="r00t")
    there = Server(engine=Engine.MARIADB, host="db.example", port=3306, username="keeper", password='p"s3cret')
    assert server_of(DatabaseKind.MARIADB, THERE) == there
    with pytest.raises(InvalidInput, match="back its volume up"):
        server_of(DatabaseKind.REDIS, HERE)
