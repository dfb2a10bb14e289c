"""What runs of each kind of database: whole, and what is refused before anything is made."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from headway.features.services.application.container_check import own_check_of
from headway.features.services.application.model import AppSettings, Attached, LimitSettings, OpenedPort
from headway.features.services.database.application_spec import check, completed, settings_for, variables_for
from headway.features.services.database.kinds import KINDS, url_of
from headway.features.services.database.model import DatabaseKind, DatabaseSettings, ExternalServer
from headway.kernel.errors import InvalidInput
from headway.kernel.variables import parse_variables

GIVEN = DatabaseSettings(database="shop", username="keeper", password="p#s3cret", root_password="r00t")
LOGIN = base64.b64encode(b"keeper:p#s3cret").decode()
VARIABLES = {
    DatabaseKind.POSTGRES: {
        "POSTGRES_DB": "shop",
        "POSTGRES_USER": "keeper",
        "POSTGRES_PASSWORD": "p#s3cret",
        "PGDATA": "/var/lib/postgresql/pgdata",
    },
    DatabaseKind.MYSQL: {
        "MYSQL_DATABASE": "shop",
        "MYSQL_USER": "keeper",
        "MYSQL_PASSWORD": "p#s3cret",
        "MYSQL_ROOT_PASSWORD": "r00t",
    },
    DatabaseKind.MARIADB: {
        "MARIADB_DATABASE": "shop",
        "MARIADB_USER": "keeper",
        "MARIADB_PASSWORD": "p#s3cret",
        "MARIADB_ROOT_PASSWORD": "r00t",
    },
    DatabaseKind.MONGO: {"MONGO_INITDB_ROOT_USERNAME": "keeper", "MONGO_INITDB_ROOT_PASSWORD": "p#s3cret"},
    DatabaseKind.REDIS: {"REDIS_PASSWORD": "p#s3cret"},
    DatabaseKind.LIBSQL: {"SQLD_NODE": "primary", "SQLD_HTTP_AUTH": f"basic:{LOGIN}"},
}
URLS = {
    DatabaseKind.POSTGRES: "postgresql://keeper:p%23s3cret@orders:5432/shop",
    DatabaseKind.MYSQL: "mysql://keeper:p%23s3cret@orders:3306/shop",
    DatabaseKind.MARIADB: "mariadb://keeper:p%23s3cret@orders:3306/shop",
    DatabaseKind.MONGO: "mongodb://keeper:p%23s3cret@orders:27017/?authSource=admin",
    DatabaseKind.REDIS: "redis://default:p%23s3cret@orders:6379",
    DatabaseKind.LIBSQL: "http://keeper:p%23s3cret@orders:8080",
}
every_kind = pytest.mark.parametrize("kind", DatabaseKind)


@every_kind
def test_the_variables_of_a_kind_are_what_its_image_is_set_up_by(kind: DatabaseKind) -> None:
    assert parse_variables(variables_for(kind, completed(kind, GIVEN))) == VARIABLES[kind]


@every_kind
def test_the_address_of_a_kind(kind: DatabaseKind) -> None:
    facts = KINDS[kind]
    assert url_of(facts, completed(kind, GIVEN), "orders", facts.port) == URLS[kind]


@every_kind
def test_it_runs_alone_on_its_volume_and_nobody_is_led_there_by_the_edge(kind: DatabaseKind) -> None:
    settings = settings_for(kind, completed(kind, GIVEN), AppSettings(limits=LimitSettings(memory_bytes=1 << 30)))
    volume, *files = settings.run.mounts
    assert volume == Attached(mount_id="data", kind="volume", target=KINDS[kind].folder, source="data")
    assert [each.target for each in files] == (["/etc/headway-redis.conf"] if kind is DatabaseKind.REDIS else [])
    assert (settings.source_type, settings.docker.image, settings.run.runtime) == (
        "docker",
        KINDS[kind].image,
        "container",
    )
    assert (settings.run.takes_requests, settings.run.published, settings.limits.memory_bytes) == (False, (), 1 << 30)
    own = own_check_of(settings)
    assert own is not None
    assert own.test == ("CMD-SHELL", KINDS[kind].check)
    assert (own.start_interval_seconds, own.interval_seconds) == (1, 10)


@every_kind
def test_no_password_is_an_argument_or_shown_as_an_open_variable(kind: DatabaseKind) -> None:
    given = completed(kind, GIVEN)
    settings = settings_for(kind, given, AppSettings())
    secret = {name for name, value in VARIABLES[kind].items() if "s3cret" in value or "r00t" in value or LOGIN in value}
    assert secret.isdisjoint(settings.variables.open)
    assert not [each for each in settings.run.arguments if given.password in each]


def test_a_users_own_variables_come_last_and_its_own_check_counts() -> None:
    given = completed(
        DatabaseKind.POSTGRES, replace(GIVEN, env="PGDATA=/elsewhere\nTZ=UTC\n", check={"Test": ["NONE"]})
    )
    found = parse_variables(variables_for(DatabaseKind.POSTGRES, given))
    assert (found["PGDATA"], found["TZ"]) == ("/elsewhere", "UTC")
    assert settings_for(DatabaseKind.POSTGRES, given, AppSettings()).health.own_check == {"Test": ["NONE"]}


def test_a_port_of_the_machine_is_on_the_loopback_unless_another_address_is_given() -> None:
    ports = {"externalPort": 18080, "externalGRPCPort": 15001}
    settings = settings_for(DatabaseKind.LIBSQL, replace(GIVEN, ports=ports), AppSettings())
    shared = {"protocol": "tcp", "mode": "host", "address": "127.0.0.1"}
    assert settings.run.published == (
        OpenedPort(port_id="externalPort", outer=18080, inner=8080, **shared),
        OpenedPort(port_id="externalGRPCPort", outer=15001, inner=5001, **shared),
    )


def test_redis_has_its_password_in_a_file() -> None:
    settings = settings_for(DatabaseKind.REDIS, completed(DatabaseKind.REDIS, GIVEN), AppSettings())
    assert settings.run.mounts[1].content == 'requirepass "p#s3cret"\nappendonly yes\ndir /data\n'
    assert settings.run.arguments == ("redis-server", "/etc/headway-redis.conf")


def test_passwords_that_are_not_given_are_made_up_and_others_each_time() -> None:
    bare = DatabaseSettings(database="shop", username="keeper")
    one, other = (completed(DatabaseKind.MARIADB, bare) for _ in range(2))
    passwords = {one.password, one.root_password, other.password, other.root_password}
    assert len(passwords) == 4
    assert all(len(each) >= 32 for each in passwords)
    check(DatabaseKind.MARIADB, one)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"database": ""}, "Name the database"),
        ({"username": ""}, "Name the user"),
        ({"username": "a'b"}, "begins with a letter"),
        ({"database": "a`b"}, "begins with a letter"),
        ({"password": "it's"}, "without spaces, quotes"),
        ({"password": "a$(id)"}, "without spaces, quotes"),
        ({"image": "../x y"}, "is no name of an image"),
        ({"address": "localhost"}, "externalAddress"),
        ({"ports": {"a": 1, "b": 1}}, "another one"),
        ({"env": "not a variable="}, "Line 1"),
        ({"elsewhere": ExternalServer(host="-h")}, "where the database runs"),
        ({"elsewhere": ExternalServer(host="db"), "ports": {"externalPort": 1}}, "no port of this machine"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(change: dict[str, object], told: str) -> None:
    wrong = replace(completed(DatabaseKind.POSTGRES, GIVEN), **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=told):
        check(DatabaseKind.POSTGRES, wrong)
