"""Logging in to a server over SSH: its key pinned at first use, every wait bounded, every refusal a sentence."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import asyncssh

from headway.infra.hosts import ssh_compression
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh_target import (
    CONNECT_SECONDS,
    KEEPALIVE_COUNT,
    KEEPALIVE_SECONDS,
    HostKeyChanged,
    HostRefused,
    SshTarget,
    fingerprint,
    judged,
)
from headway.kernel.dataclass import dataclass

LOGIN_SECONDS = 15.0
# Of what both ends know the first is taken: what a line of a log costs the panel is mostly its packets, and these take
# half as long here as asyncssh's first choice (142 and 80 µs for one that is sent and one that comes).
_CIPHERS_FIRST = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
ssh_compression.be_sparing()


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """An open connection, the connections below it, and the key that the server showed."""

    connection: asyncssh.SSHClientConnection
    below: tuple[asyncssh.SSHClientConnection, ...]
    host_key: str

    def close(self) -> None:
        """Closes all of them at once."""
        for connection in (self.connection, *self.below):
            connection.abort()


async def log_in(target: SshTarget) -> LoggedIn:
    """A connection whose host key was checked. Raises HostUnreachable, HostRefused, HostKeyChanged."""
    below = await log_in(target.jump) if target.jump is not None else None
    try:
        connection, client = await _connected(target, below.connection if below else None)
    except BaseException:
        if below:
            below.close()
        raise
    held = (below.connection, *below.below) if below else ()
    return LoggedIn(connection, held, client.shown)


class _Client(asyncssh.SSHClient):
    """Compares the server's key with the pinned one; without a pin it takes the first."""

    def __init__(self, target: SshTarget) -> None:
        self._target = target
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key.export_public_key().decode().strip()
        pinned = self._target.host_key
        return pinned is None or asyncssh.import_public_key(pinned).public_data == key.public_data


async def _connected(
    target: SshTarget, tunnel: asyncssh.SSHClientConnection | None
) -> tuple[asyncssh.SSHClientConnection, _Client]:
    client = _Client(target)
    try:
        key = asyncssh.import_private_key(target.private_key.reveal())
        async with asyncio.timeout(LOGIN_SECONDS):
            where = target.address if tunnel is not None else (await judged(target)).address
            connection, _ = await asyncssh.create_connection(lambda: client, where, **_options(target, key, tunnel))
    except TimeoutError as error:
        raise HostUnreachable(
            f"{target.place} does not answer within {LOGIN_SECONDS:g} s. Is it running, and is nothing (a firewall, a "
            "wrong address) between it and Headway?"
        ) from error
    except (OSError, asyncssh.Error, asyncssh.KeyImportError) as error:
        raise _translated(target, client, error) from error
    return connection, client


def _options(target: SshTarget, key: asyncssh.SSHKey, tunnel: asyncssh.SSHClientConnection | None) -> dict[str, Any]:
    """All that could come from the panel's own account (agent, configuration, other keys) is left out."""
    options: dict[str, Any] = {
        "port": target.port,
        "username": target.username,
        "client_keys": [key],
        "known_hosts": asyncssh.import_known_hosts(""),
        "config": None,
        "agent_path": None,
        "preferred_auth": "publickey",
        "gss_host": None,
        "connect_timeout": CONNECT_SECONDS,
        "login_timeout": LOGIN_SECONDS,
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_COUNT,
        "encryption_algs": _CIPHERS_FIRST,
        "compression_algs": [ssh_compression.NAME, "none"],
    }
    if tunnel is not None:
        options["tunnel"] = tunnel
    if target.host_key is not None:
        pinned = asyncssh.import_public_key(target.host_key)
        options["server_host_key_algs"] = [alg.decode() for alg in pinned.sig_algorithms]
    return options


def _translated(target: SshTarget, client: _Client, error: Exception) -> HostUnreachable:
    where = target.place
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return HostKeyChanged(target, fingerprint(client.shown) if client.shown else None)
        case asyncssh.KeyImportError() if "passphrase" in str(error).lower():
            return HostRefused(f"The SSH key for {where} is locked by a passphrase; give one without.")
        case asyncssh.KeyImportError():
            return HostRefused(f"The SSH key for {where} cannot be read; choose another.")
        case asyncssh.PermissionDenied():
            return HostRefused(
                f"{where} does not let Headway in: it knows no user {target.username} with this SSH key. Add the key's "
                f"public half to that user's ~/.ssh/authorized_keys, or choose the user or key that it knows."
            )
        case asyncssh.KeyExchangeFailed() if target.host_key is not None:
            return HostKeyChanged(target, None)
        case socket.gaierror():
            return HostUnreachable(f"The address of {where} cannot be found: {error.strerror}. Is it written right?")
        case ConnectionRefusedError():
            return HostUnreachable(
                f"{where} refuses the connection. Does sshd run there, and is {target.port} its port?"
            )
        case asyncssh.Error():
            return HostUnreachable(f"The connection to {where} broke off: {error.reason}.")
        case _:
            return HostUnreachable(f"{where} cannot be reached: {getattr(error, 'strerror', None) or error}.")
