"""Servers as records, and what they may be called."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any
from unicodedata import category

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_MOST_CONCURRENCY = 64
_LONGEST_NAME = 255


class ServerType(StrEnum):
    """What a server is for: releases, or builds alone."""

    DEPLOY = "deploy"
    BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What was found on a server. Sizes are bytes; ``swarm`` is worker, manager or none; ``clock_drift_seconds`` is how
    far its clock is ahead of the panel's.
    """

    system: str | None = None
    machine: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    disk_free_bytes: int | None = None
    docker: str | None = None
    swarm: str | None = None
    clock_drift_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """How a server is entered. What is ``guarded`` leads to the internet only: who saved it may not use the machine."""

    address: str
    port: int
    username: str
    ssh_key_id: str | None
    jump_server_id: str | None = None
    guarded: bool = False

    @property
    def way(self) -> tuple[str, int, str | None]:
        """Where a connection is aimed."""
        return self.address, self.port, self.jump_server_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """What is known of the link: when the server was last heard of, and since when and why it is out of reach."""

    seen_at: datetime | None = None
    away_since: datetime | None = None
    away_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server. ``host_key`` is the public key that it showed the first time; ``settings`` are fields of the peer's
    that are kept and given back.
    """

    server_id: str
    organization_id: str
    name: str
    description: str | None
    app_name: str
    type: ServerType
    access: ServerAccess
    host_key: str | None
    concurrency: int
    facts: ServerFacts | None
    looked_at: datetime | None
    standing: ConnectionState
    settings: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime


def check_name(name: str) -> None:
    """Any printable text is a name: it is in no path and no command. Raises InvalidInput."""
    if not name.strip() or len(name) > _LONGEST_NAME or any(category(letter) in {"Cc", "Cs"} for letter in name):
        raise InvalidInput(f"A server's name has 1 to {_LONGEST_NAME} characters, none of them a control character.")


def app_name_for(name: str) -> str:
    """What known clients want beside the name; nothing is looked up by it."""
    return f"server-{slug(name) or 'new'}-{secrets.token_hex(3)}"[:63]


def checked(access: ServerAccess) -> ServerAccess:
    """The same access. Raises InvalidInput for an address, a port or a user that there cannot be."""
    if not _is_address(access.address):
        raise InvalidInput(f"{access.address!r} is no address of a server: give a host name or an IP address.")
    if not 1 <= access.port <= 65_535:
        raise InvalidInput(f"{access.port} is no port: ports go from 1 to 65535; sshd usually listens on 22.")
    if not _USER.fullmatch(access.username):
        raise InvalidInput(f"{access.username!r} is no name of a user: give the one to log in as, root for instance.")
    return access


def checked_concurrency(number: int) -> int:
    """The same number. Raises InvalidInput."""
    if not 1 <= number <= _MOST_CONCURRENCY:
        raise InvalidInput(f"{number} deployments at once are not possible: give 1 to {_MOST_CONCURRENCY}.")
    return number


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return "%" not in text  # a zone would choose a device of the panel's machine
