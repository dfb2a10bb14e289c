"""Which ports of the loopback an application names, and so may reach where its writer may use the machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.features.services.application.model import AppSettings

# What is this machine: by itself, and to a container.
_GATEWAY = r"(?:host|gateway)\.docker\.internal|172\.(?:1[7-9]|2\d|3[01])\.0\.1"
_HERE = rf"(?:localhost|127\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}|0\.0\.0\.0|{_GATEWAY}|\[::1?\]|::1)"
_WITH_PORT = re.compile(rf"(?<![\w.-]){_HERE}:(\d{{1,5}})(?!\d)", re.IGNORECASE)
# A scheme is short: without a bound each letter of a long value would be the beginning of another.
_BY_SCHEME = re.compile(rf"(?<![a-z0-9+])([a-z][a-z0-9+]{{0,31}})://(?:[^\s/@]*@)?{_HERE}(?![\w:.-])", re.IGNORECASE)
_ALONE = re.compile(_HERE, re.IGNORECASE)
_PORTS: Mapping[str, tuple[int, ...]] = {
    "postgres": (5432,),
    "pg": (5432,),
    "mysql": (3306,),
    "maria": (3306,),
    "redis": (6379,),
    "valkey": (6379,),
    "mongo": (27017,),
    "amqp": (5672,),
    "rabbit": (5672,),
    "memcache": (11211,),
    "elastic": (9200,),
    "smtp": (25,),
    "mail": (25,),
    "https": (443,),
    "http": (80,),
    "nats": (4222,),
    "kafka": (9092,),
    "mssql": (1433,),
    "clickhouse": (8123, 9000),
    "db": (5432, 3306),
    "database": (5432, 3306),
}


def named_ports(variables: Mapping[str, str]) -> set[int]:
    """The ports of the loopback that variables name: in an address, by its scheme, or in two variables, for the host
    and for the port.
    """
    found: set[int] = set()
    for name, value in variables.items():
        found |= {int(port) for port in _WITH_PORT.findall(value)}
        found |= {port for scheme in _BY_SCHEME.findall(value) for port in _usual(scheme)}
        if _ALONE.fullmatch(value.strip()) and (ending := re.search(r"(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER)$", name)):
            found |= _of_pair(name[: ending.start()], variables)
    return {port for port in found if 0 < port < 65_536}


def with_named(actor: Actor, settings: AppSettings, env: str | None) -> AppSettings:
    """The settings as this caller saves them: where they may use the machine, what the application's own variables name
    is a port that they open. Whether they may have the others is asked with all else that reaches a machine.
    """
    if env is None or settings.run.loopback is None or not may_use_the_machine(actor):
        return settings
    wanted = set(settings.run.loopback)
    named = named_ports(lines_of(env)) - wanted
    return replace(settings, run=replace(settings.run, loopback=sorted(wanted | named))) if named else settings


def of_copy(actor: Actor, settings: AppSettings) -> AppSettings:
    """The settings of a copy by this caller, to whom what somebody else opened was not given."""
    return settings if may_use_the_machine(actor) else replace(settings, run=replace(settings.run, loopback=()))


def lines_of(env: str) -> dict[str, str]:
    """As much of it as can be told apart; what cannot be read is refused by who checks it."""
    pairs = (line.partition("=") for line in env.splitlines())
    return {name.strip(): value.strip().strip("'\"") for name, sign, value in pairs if sign}


def _usual(word: str) -> Iterable[int]:
    lower = word.lower()
    return next((ports for known, ports in _PORTS.items() if lower.startswith(known)), ())


def _of_pair(prefix: str, variables: Mapping[str, str]) -> set[int]:
    told = variables.get(f"{prefix}PORT", "").strip()
    if told.isdecimal():
        return {int(told)}
    words = [word for word in re.split(r"[_\W]+", prefix.lower()) if word]
    return {port for word in words for port in _usual(word)}
