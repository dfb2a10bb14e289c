"""What the kernel goes by at the gates, as the tables of its programs have it."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from headway.drivers.runtimes.gates import socket_code
from headway.drivers.runtimes.gates.socket_code import Holds
from headway.infra.hosts import procfs
from headway.kernel.dataclass import dataclass

_SO_NETNS_COOKIE = 71
Content = Mapping[str, dict[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports of a machine: those that are ``closed`` to every account, such as the panel's own, and those that are
    ``open`` to all, such as the edge's.
    """

    closed: Sequence[int] = ()
    open: Sequence[int] = ()


class Gated(Protocol):
    """What is judged at the gates: the account of a release, its ports, and those of the loopback that are open to it
    (None: nobody has said).
    """

    @property
    def uid(self) -> int | None: ...

    @property
    def ports(self) -> tuple[int, ...]: ...

    @property
    def loopback(self) -> tuple[int, ...] | None: ...


def home() -> int | None:
    """What the kernel calls the network that this process is in; None before 5.14."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            found: int = struct.unpack("=Q", asked.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0]
        except OSError:
            return None
    return found


def own_addresses() -> set[str]:
    """The addresses of this machine, as the kernel has them now."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found |= _local(Path(procfs.PROC, "net/fib_trie").read_text())
    with contextlib.suppress(OSError):
        for line in Path(procfs.PROC, "net/if_inet6").read_text().splitlines():
            digits = line.split()[0]
            found.add(":".join(digits[at : at + 4] for at in range(0, 32, 4)))
    return found


def _local(trie: str) -> set[str]:
    """The addresses of the kernel's trie of routes that are the machine's own: each is followed by what it is, once for
    each table and interface that has it.
    """
    found, address = set(), ""
    for line in trie.splitlines():
        if "|--" in line:
            address = line.split()[-1]
        elif "host LOCAL" in line and address:
            found.add(address)
    return found


def content_of(records: Sequence[Gated], ports: Ports) -> Content:
    """What the records and the ports make of the tables."""
    owners = {number(port): number(0) for port in ports.closed}
    accounts: dict[bytes, bytes] = {}
    doors = {pair(0, port): number(1) for port in ports.open}
    for each in records:
        if each.uid is None:
            continue
        owners.update({number(port): number(each.uid) for port in each.ports})
        if each.loopback is None:  # of an earlier version, or of one that nobody has said anything of
            accounts.setdefault(number(each.uid), number(Holds.OPEN))
        else:
            accounts[number(each.uid)] = number(Holds.RULED)
            doors.update({pair(each.uid, port): number(1) for port in each.loopback})
    return {"hw_owners": owners, "hw_accounts": accounts, "hw_doors": doors, "hw_here": here()}


def here() -> dict[bytes, bytes]:
    """The addresses of this machine, as a table."""
    return {socket_code.address_key(address): number(1) for address in own_addresses()}


def number(value: int) -> bytes:
    """A number, as a key or a value of a table."""
    return struct.pack("=I", value)


def pair(account: int, port: int) -> bytes:
    """An account and a port, as a key of a table."""
    return struct.pack("=II", account, port)
