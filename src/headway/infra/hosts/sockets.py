"""Who listens on which TCP port of this machine, as the kernel tells it."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from headway.infra.hosts import procfs
from headway.kernel.dataclass import dataclass

_ESTABLISHED, _HALF_CLOSED, _LISTEN = "01", "08", "0A"
_TABLES: Mapping[socket.AddressFamily, str] = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}
# What the kernel is asked in, and answers in: linux/netlink.h, sock_diag.h, inet_diag.h.
_SOCK_DIAG, _BY_FAMILY, _DONE, _DUMP, _INTERRUPTED = 4, 20, 3, 0x301, 0x10
_HEADER, _REQUEST, _SOCKET = struct.Struct("=IHHII"), struct.Struct("=BBBBI48x"), struct.Struct("=4x2s2x16s40xII")
_ASKING_SECONDS, _MOST_AT_ONCE = 1.0, 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listening socket; ``inode`` is what tells whose it is, ``uid`` the account that made it."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int
    inode: int
    uid: int

    @property
    def takes_loopback(self) -> bool:
        """Whether a connection to 127.0.0.1 may end here."""
        address = getattr(self.address, "ipv4_mapped", None) or self.address
        return address.is_unspecified or address == ipaddress.IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Connections that processes have taken, by their inodes; and whether one waits to be taken, or something that came
    on one to be read.
    """

    taken: frozenset[int]
    some_unheard: bool


def told_by_the_kernel(family: socket.AddressFamily) -> list[Listener]:
    """The listening sockets of a family, asked of the kernel (sock_diag(7)). Raises OSError."""
    asked = _HEADER.pack(_HEADER.size + _REQUEST.size, _BY_FAMILY, _DUMP, 1, 0)
    asked += _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, 1 << int(_LISTEN, 16))
    found: list[Listener] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(_ASKING_SECONDS)
        kernel.send(asked)
        while True:
            told = kernel.recv(_MOST_AT_ONCE)
            while told:
                length, kind, flags, _, _ = _HEADER.unpack_from(told)
                if kind == _DONE and not flags & _INTERRUPTED:
                    return found
                if kind != _BY_FAMILY or flags & _INTERRUPTED:
                    raise OSError(errno.EAGAIN, "the kernel gives no whole answer")
                port, address, uid, inode = _SOCKET.unpack_from(told, _HEADER.size)
                host = ipaddress.ip_address(address[:4] if family == socket.AF_INET else address)
                found.append(Listener(address=host, port=int.from_bytes(port, "big"), inode=inode, uid=uid))
                told = told[(length + 3) & ~3 :]


def listeners(tell: Callable[[socket.AddressFamily], list[Listener]] = told_by_the_kernel) -> list[Listener]:
    """All listening TCP sockets, of both families. Some are looked for several times in a second: the text of /proc
    takes the kernel a hundred times as long, for it goes through all connections that there could be.
    """
    found: list[Listener] = []
    for family, table in _TABLES.items():
        try:
            found += tell(family)
        except OSError:  # it was built without, or this process may not ask
            with contextlib.suppress(OSError):
                found += read_table(_text(procfs.PROC, table))
    return found


def read_table(text: str) -> list[Listener]:
    """The listening sockets in the text of /proc/net/tcp or tcp6."""
    return [
        Listener(address=_address(row[1]), port=_port(row[1]), inode=int(row[9]), uid=int(row[7]))
        for row in _rows(text)
        if row[3] == _LISTEN
    ]


def listening_in(pid: int) -> list[str] | None:
    """Where the processes of a container listen, as ADDRESS:PORT, by one of them; None where that cannot be seen."""
    found: list[Listener] = []
    try:
        for table in _TABLES.values():
            found += read_table(_text(procfs.folder_of(pid), table))
    except OSError:
        return None
    # The engine's own name server listens there in every container.
    return sorted({f"{each.address}:{each.port}" for each in found if not str(each.address).startswith("127.0.0.11")})


def untaken(port: int, pid: int | None = None) -> int | None:
    """How many connections to a port wait for a process to take them, where ``pid`` lives (None: here). None where that
    cannot be seen.
    """
    found: int | None = None
    for row in _all_rows(procfs.PROC if pid is None else procfs.folder_of(pid)):
        if row[3] == _LISTEN and _port(row[1]) == port:
            found = (found or 0) + _waiting(row)
    return found


def visits(of: Collection[int]) -> Visits:
    """The connections that others have made to ports of this machine."""
    taken, unheard = set(), False
    for row in _all_rows(procfs.PROC):
        if row[3] in {_ESTABLISHED, _HALF_CLOSED} and _port(row[1]) in of:
            inode = int(row[9])  # none for as long as no process has taken it
            unheard = unheard or not inode or _waiting(row) > 0
            taken.add(inode)
    return Visits(taken=frozenset(taken - {0}), some_unheard=unheard)


def reached() -> set[tuple[int, int]]:
    """The accounts that are connected to ports of the loopback, with the ports, both ends of the connections told
    apart by who listens.
    """
    listened = {each.port for each in listeners()}
    found: set[tuple[int, int]] = set()
    for row in _all_rows(procfs.PROC):
        if row[3] == _ESTABLISHED and _port(row[1]) not in listened:
            address = _address(row[2])
            if (getattr(address, "ipv4_mapped", None) or address).is_loopback:
                found.add((int(row[7]), _port(row[2])))
    return found


def foreign_holders(led: Mapping[int, int | None]) -> dict[int, int]:
    """Those of the ports, given with the account whose they are, that another account listens on, with that account.
    What belongs to no account of its own (None) is nobody's to take.
    """
    return {
        each.port: each.uid
        for each in listeners()
        if led.get(each.port) not in {None, each.uid} and each.takes_loopback
    }


def sockets_of(pids: Iterable[int]) -> set[int]:
    """The inodes of the sockets that these processes hold open."""
    return {inode for pid in pids for _, inode in open_sockets(pid)}


def open_sockets(pid: int) -> Iterator[tuple[int, int]]:
    """The sockets that a process holds open: each by its number there, and its inode."""
    own = f"{procfs.PROC}/{pid}"
    found, folder = _opened(own), own
    if not found and (folder := procfs.folder_of(pid)) != own:
        found = _opened(folder)
    for name in found:
        with contextlib.suppress(OSError, ValueError):
            yield int(name), _socket(f"{folder}/fd/{name}")


def holder_of(inode: int) -> int | None:
    """A process, of all that there are, that holds the socket; None where none can be seen to."""
    return next((pid for pid in procfs.pids() if inode in sockets_of([pid])), None)


def is_free(host: str, port: int) -> bool:
    """Whether the port of that address can be listened on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _opened(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(f"{folder}/fd")  # noqa: PTH208 - names are wanted
    return []


def _socket(link: str) -> int:
    return int(os.readlink(link).removeprefix("socket:[").removesuffix("]"))  # noqa: PTH115 - thousands of them, at every look


def _text(folder: str, table: str) -> str:
    return Path(folder, "net", table).read_text()


def _rows(text: str) -> Iterator[list[str]]:
    return (line.split() for line in text.splitlines()[1:])


def _all_rows(folder: str) -> Iterator[list[str]]:
    """Those of both families where a process sees its network; none of a family that is not there."""
    for table in _TABLES.values():
        with contextlib.suppress(OSError):
            yield from _rows(_text(folder, table))


def _port(end: str) -> int:
    return int(end.rpartition(":")[2], 16)


def _waiting(row: Sequence[str]) -> int:
    """What waits to be taken where it listens, or to be read where it is connected."""
    return int(row[4].partition(":")[2], 16)


def _address(end: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Each 32-bit word is printed as a number of this machine, whatever its byte order."""
    digits = end.partition(":")[0]
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    packed = b"".join(struct.pack("=I", word) for word in words)
    return ipaddress.IPv4Address(packed) if len(packed) == 4 else ipaddress.IPv6Address(packed)
