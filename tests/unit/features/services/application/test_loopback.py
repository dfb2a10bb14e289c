"""Which ports of the loopback variables name, and who may open one."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from headway.core.access.machine import MachineRefused, Need, Power, require_need
from headway.core.access.model import Actor, Credential, Role
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.services.application.loopback import named_ports, of_copy, with_named
from headway.features.services.application.model import AppSettings, RunSettings
from headway.features.services.application.powers import needs_of

OWNER = Actor(
    user_id="u",
    organization_id="org",
    role=Role.OWNER,
    credential=Credential.of_key("k"),
    name="Owner",
    on_machine=True,
)
MEMBER = replace(OWNER, role=Role.MEMBER, on_machine=False)


@pytest.mark.parametrize(
    ("variables", "ports"),
    [
        ({"DATABASE_URL": "postgres://shop:secret@localhost:5433/shop"}, {5433}),
        ({"DATABASE_URL": "postgresql+asyncpg://shop:se%40cret@127.0.0.1/shop"}, {5432}),
        ({"REDIS_URL": "redis://localhost/0"}, {6379}),
        ({"REDIS_URL": "redis://:word@[::1]:6380/0"}, {6380}),
        ({"BROKERS": "127.0.0.1:9092,localhost:9093"}, {9092, 9093}),
        ({"DB_HOST": "localhost", "DB_PORT": "3307"}, {3307}),
        ({"PGHOST": "127.0.0.1"}, {5432}),
        ({"MYSQL_HOST": "localhost"}, {3306}),
        ({"DB_HOST": "localhost"}, {5432, 3306}),
        ({"URL": "https://localhost.example.org:8443", "OTHER": "http://notlocalhost:81"}, set()),
        ({"DATABASE_URL": "postgres://db.example.org:5432/shop"}, set()),
        ({"NOTE": "localhost:0 localhost:70000 localhost:123456"}, set()),
        ({}, set()),
    ],
)
def test_the_ports_that_variables_name(variables: dict[str, str], ports: set[int]) -> None:
    assert named_ports(variables) == ports


def test_a_port_of_the_loopback_is_a_use_of_the_machine() -> None:
    needs = needs_of(AppSettings(run=RunSettings(loopback=[5432])), LOCAL_HOST)
    assert needs == {Need(power=Power.LOOPBACK, value="5432")}
    with pytest.raises(MachineRefused, match="Port 5432 of the loopback reaches the machine itself"):
        require_need(MEMBER, *needs)
    require_need(OWNER, *needs)
    assert needs_of(AppSettings(run=RunSettings(loopback=None)), LOCAL_HOST) == set()


def test_variables_open_what_they_name_where_their_writer_may_use_the_machine() -> None:
    env = 'DATABASE_URL="postgres://localhost:5432/shop"\n# nothing\nA=1'
    settings = AppSettings(run=RunSettings(loopback=[6379]))
    assert with_named(OWNER, settings, env).run.loopback == [5432, 6379]
    assert with_named(MEMBER, settings, env) == settings
    unasked = replace(settings, run=replace(settings.run, loopback=None))
    assert with_named(OWNER, unasked, env) == unasked


def test_a_copy_has_what_its_maker_may_have() -> None:
    settings = AppSettings(run=RunSettings(loopback=[5432]))
    assert of_copy(OWNER, settings) == settings
    assert of_copy(MEMBER, settings).run.loopback == ()


def test_settings_of_an_earlier_version_say_that_nobody_has_asked() -> None:
    assert AppSettings.load({"git_url": "x"}).run.loopback is None
    assert AppSettings.load(AppSettings(run=RunSettings(loopback=[1])).dump()).run.loopback == [1]


@pytest.mark.parametrize("piece", ["a", "a.", "a+", "://", "x://", "a://b@c", "@", "127.0.0.1:", "[::", "localhost"])
def test_long_values_are_read_in_no_time(piece: str) -> None:
    began = time.process_time()
    named_ports({"LONG": (piece * 200_000)[:200_000]})
    assert time.process_time() - began < 2
