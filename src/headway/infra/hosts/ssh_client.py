"""OpenSSH's own client, for what streams between machines: it is told by files how each of them is entered."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.command import Account
from headway.infra.hosts.ssh_target import CONNECT_SECONDS, KEEPALIVE_COUNT, KEEPALIVE_SECONDS, SshTarget
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

PROGRAM = "/usr/bin/ssh"
CONFIG, KNOWN = "config", "known_hosts"
BROKEN = 255  # its exit status where the connection is what failed
# Of what both ends know the first is taken: that which processors have instructions for.
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr"
# Nothing of the account's own: no configuration, no agent, no other key, nobody who could be asked.
_FOR_ALL: Mapping[str, str | int] = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "RequestTTY": "no",
    "LogLevel": "ERROR",
    "ConnectTimeout": int(CONNECT_SECONDS),
    "ServerAliveInterval": KEEPALIVE_SECONDS,
    "ServerAliveCountMax": KEEPALIVE_COUNT,
    "Ciphers": _CIPHERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a server is entered, and whether what passes is to be compressed."""

    target: SshTarget
    compressed: bool = False


def client_files(folder: str, ways: Mapping[str, Way]) -> dict[str, bytes]:
    """The files, by their names in ``folder``, with which ``argv_of`` enters each way by its name. They hold private
    keys.
    """
    files: dict[str, bytes] = {}
    entries: list[str] = []
    known: list[str] = []
    for name, target, compressed in _all(ways):
        if target.host_key is None:
            raise InvalidInput(f"{target.place} has shown no host key yet.")
        files[f"key.{name}"] = target.private_key.reveal().encode()
        known.append(f"{name} {target.host_key}\n")
        entry: dict[str, str | int] = {
            "HostName": target.address,
            "Port": target.port,
            "User": target.username,
            "HostKeyAlias": name,
            "IdentityFile": f"{folder}/key.{name}",
            "Compression": "yes" if compressed else "no",
        }
        if target.jump is not None:
            entry["ProxyJump"] = f"{name}-jump"
        entries.append(_entry(name, entry))
    rest = {**_FOR_ALL, "UserKnownHostsFile": f"{folder}/{KNOWN}"}
    return {**files, KNOWN: "".join(known).encode(), CONFIG: "".join((*entries, _entry("*", rest))).encode()}


def argv_of(folder: str, name: str, words: str) -> tuple[str, ...]:
    """Has the server behind a way carry out the words."""
    return (PROGRAM, "-F", f"{folder}/{CONFIG}", name, words)


def far_words(target: SshTarget, argv: tuple[str, ...], *, mark: str, account: Account | None = None) -> str:
    """A program, as words for the shell of the account that is entered: as root or another account, with a clean
    environment, by whose ``mark`` it is found there.
    """
    # What ends by a signal looks like a connection that broke, so that whose reader is gone is to say so itself.
    clean = ("env", "-i", "--ignore-signal=PIPE", mark, "HOME=/", "LC_ALL=C.UTF-8", f"PATH={CLEAN_PATH}")
    as_root = () if target.username == "root" else ("sudo", "-n")
    other = () if account is None else as_account(account)
    return shlex.join((*as_root, *clean, *other, *argv))


def broken(place: str) -> str:
    """What it means that its exit status is ``BROKEN``."""
    return (
        f"the connection to the server {place} broke off. Look at its network, and whether it was started anew, and "
        "begin again once it answers."
    )


def as_account(account: Account) -> tuple[str, ...]:
    """The words with which root starts a program as another account."""
    return ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--no-new-privs", "--")


def _all(ways: Mapping[str, Way]) -> Iterator[tuple[str, SshTarget, bool]]:
    """The ways, and those that lead to them."""
    for name, way in ways.items():
        yield name, way.target, way.compressed
        jump, jump_name = way.target.jump, f"{name}-jump"
        while jump is not None:
            yield jump_name, jump, False
            jump, jump_name = jump.jump, f"{jump_name}-jump"


def _entry(name: str, values: Mapping[str, str | int]) -> str:
    return f"Host {name}\n" + "".join(f"  {key} {_quoted(str(value))}\n" for key, value in values.items())


def _quoted(value: str) -> str:
    """A value as the file takes it. Raises InvalidInput for one that it cannot hold."""
    if any(character in '"\\' or not character.isprintable() for character in value):
        raise InvalidInput(f"{value!r} cannot be told to ssh.")
    return '"' + value.replace("%", "%%") + '"'
