"""What the kernel asks of a process that opens a socket, takes a port, or goes to an address of the machine itself."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

from headway.seams.runtimes.bpf import Code, Kind, Table

_SOCKET, _ADDRESS = 9, 18  # types of programs

CREATE = Kind(type=_SOCKET, attach=2)
BOUND_4, BOUND_6 = Kind(type=_SOCKET, attach=12), Kind(type=_SOCKET, attach=13)
CONNECT_4, CONNECT_6 = Kind(type=_ADDRESS, attach=10), Kind(type=_ADDRESS, attach=11)
SEND_4, SEND_6 = Kind(type=_ADDRESS, attach=14), Kind(type=_ADDRESS, attach=15)

# Table: bytes of a key, bytes of a value, most entries.
TABLES: Mapping[str, tuple[int, int, int]] = {
    "hw_owners": (4, 4, 16_384),  # port: account
    "hw_accounts": (4, 4, 16_384),  # account: what holds for it
    "hw_doors": (8, 4, 65_536),  # account (0: any) and port
    "hw_here": (16, 4, 4_096),  # addresses of this machine
    "hw_refused": (8, 4, 4_096),  # account and port that it was kept from
}


class Holds(IntFlag):
    """What holds for an account. A build, of which nothing is said, is kept from what belongs to others."""

    RULED = 1
    OPEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts that are judged, from the first to the one before ``end``."""

    first: int
    end: int


# Registers: the caller's arguments are in 1 to 5, answers in 0, 6 to 9 are kept over calls, 10 is the end of the stack.
_CONTEXT, _UID, _PORT, _FOUND, _STACK = 6, 7, 8, 9, 10
_KEY, _DOOR, _SMALL, _FLAGS, _TUPLE = -16, -24, -28, -32, -72
_MOVE, _SET, _ADD, _AND, _LEFT, _MOVE_32, _SET_32 = 0xBF, 0xB7, 0x07, 0x57, 0x64, 0xBC, 0xB4
_LOAD, _STORE, _STORE_HALF, _STORE_NUMBER = 0x61, 0x63, 0x6B, 0x62
_CALL, _EXIT, _JUMP, _TO_NETWORK = 0x85, 0x95, 0x05, 0xDC
_EQUAL, _UNEQUAL, _LESS, _NOT_LESS, _HAS = 0x15, 0x55, 0xA5, 0x35, 0x45
_EQUAL_TO, _UNEQUAL_TO = 0x1D, 0x5D
_LOOK_UP, _UPDATE, _WHO, _TCP, _UDP, _LET_GO = 1, 2, 15, 84, 85, 86
_PRIORITY = 20  # of a socket
_OWN_PORT = 44
_MAPPED = struct.unpack("=I", bytes((0, 0, 0xFF, 0xFF)))[0]
_DNS = 53
CLOUD = 1 << 16  # is added to the port, among what was refused, where it was that of a cloud's address
_TUPLE_BYTES: Mapping[int, int] = {4: 12, 6: 36}  # of what a listener is looked up by


def created(accounts: Accounts) -> Code:
    """Marks each socket with its account, by the one property of a socket that no account can set so high."""
    code = Code()
    _begin(code, accounts)
    _tag(code, 1)
    code.add(_STORE, _CONTEXT, 1, _PRIORITY)
    _end(code)
    return code


def bound(accounts: Accounts, tables: Mapping[str, Table]) -> Code:
    """Lets nobody take a port that is another's."""
    code = Code()
    _begin(code, accounts)
    code.add(_LOAD, _PORT, _CONTEXT, _OWN_PORT)
    _owned(code, tables)
    _end(code, tables)
    return code


def reached(accounts: Accounts, tables: Mapping[str, Table], kind: Kind) -> Code:
    """Judges where a connection or a datagram goes."""
    code = Code()
    _begin(code, accounts)
    code.add(_LOAD, _PORT, _CONTEXT, 24)
    code.add(_TO_NETWORK, _PORT, number=16)
    code.add(_EQUAL, _PORT, at="allow", number=_DNS)
    code.add(_STORE_NUMBER, _STACK, at=_FLAGS)
    _look_up(code, tables["hw_accounts"], _SMALL, _UID)
    code.add(_EQUAL, 0, at="known")
    code.add(_LOAD, 1, 0, 0)
    code.add(_HAS, 1, at="allow", number=Holds.OPEN)
    code.add(_STORE, _STACK, 1, _FLAGS)
    code.label("known")
    _told_apart(code, tables, six=kind in {CONNECT_6, SEND_6})
    _within(code, tables, six=kind in {CONNECT_6, SEND_6}, datagrams=kind in {SEND_4, SEND_6})
    _end(code, tables)
    return code


def address_key(address: str) -> bytes:
    """An address as a key of the table of this machine's."""
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return socket.inet_pton(socket.AF_INET6, f"::ffff:{address}")


def _begin(code: Code, accounts: Accounts) -> None:
    code.add(_MOVE, _CONTEXT, 1)
    code.add(_CALL, number=_WHO)
    code.add(_MOVE_32, _UID, 0)
    code.add(_LESS, _UID, at="allow", number=accounts.first)
    code.add(_NOT_LESS, _UID, at="allow", number=accounts.end)


def _told_apart(code: Code, tables: Mapping[str, Table], *, six: bool) -> None:
    """Goes on at one of the labels loop_4, loop_6, or allows. What is another machine's is nobody's business here, but
    for where clouds tell a machine's own secrets.
    """
    for at in range(4):
        code.add(_LOAD, 1 + at, _CONTEXT, 8 + 4 * at) if six else None
    if not six:
        for register, number in ((1, 0), (2, 0), (3, _MAPPED)):
            code.add(_SET_32, register, number=number)
        code.add(_LOAD, 4, _CONTEXT, 4)
    for at in range(4):
        code.add(_STORE, _STACK, 1 + at, _KEY + 4 * at)
    code.add(_MOVE, _FOUND, 4)
    if six:
        _told_apart_6(code)
    code.label("four")
    code.add(_SET_32, 5, number=_number("127.0.0.1"))
    code.add(_UNEQUAL, _FOUND, at="not_any")
    code.add(_MOVE, _FOUND, 5)
    code.label("not_any")
    code.add(_MOVE, 1, _FOUND)
    code.add(_AND, 1, number=0xFF)
    code.add(_EQUAL, 1, at="loop_4", number=127)
    code.add(_MOVE, 1, _FOUND)
    code.add(_AND, 1, number=0xFFFF)
    code.add(_EQUAL, 1, at="deny_cloud", number=_number("169.254.0.0"))
    code.add(_SET_32, 5, number=_number("100.100.100.200"))
    code.add(_UNEQUAL_TO, _FOUND, 5, "elsewhere")
    code.label("deny_cloud")
    code.add(_ADD, _PORT, number=CLOUD)
    code.add(_JUMP, at="deny")
    code.label("elsewhere")
    code.table(1, tables["hw_here"])
    _pointer(code, 2, _KEY)
    code.add(_CALL, number=_LOOK_UP)
    code.add(_EQUAL, 0, at="allow")
    code.add(_SET, _FOUND)
    _owned(code, tables)
    code.add(_JUMP, at="allow")


def _told_apart_6(code: Code) -> None:
    """``::1`` and ``::`` are the loopback; an address of version 4 in this form is one; fd00:ec2::254 is a cloud's."""
    code.add(_UNEQUAL, 2, at="elsewhere")
    code.add(_UNEQUAL, 1, at="cloud")
    code.add(_SET_32, 5, number=_MAPPED)
    code.add(_EQUAL_TO, 3, 5, "four")
    code.add(_UNEQUAL, 3, at="elsewhere")
    code.add(_EQUAL, 4, at="loop_6")
    code.add(_SET_32, 5, number=_word("::1", 3))
    code.add(_UNEQUAL_TO, 4, 5, "elsewhere")
    code.add(_JUMP, at="loop_6")
    code.label("cloud")
    code.add(_UNEQUAL, 3, at="elsewhere")
    for register, word in ((1, 0), (4, 3)):
        code.add(_SET_32, 5, number=_word("fd00:ec2::254", word))
        code.add(_UNEQUAL_TO, register, 5, "elsewhere")
    code.add(_JUMP, at="deny_cloud")


def _within(code: Code, tables: Mapping[str, Table], *, six: bool, datagrams: bool) -> None:
    """On the loopback: never what is another's; beyond that what is open, and what listens there under this account."""
    if six:
        code.label("loop_6")
        for at, number in enumerate((0, 0, 0, 0, 0, 0, 0, _word("::1", 3), 0)):
            code.add(_STORE_NUMBER, _STACK, at=_TUPLE + 4 * at, number=number)
        _to_port(code, 6)
        code.add(_JUMP, at="owned")
    code.label("loop_4")
    code.add(_STORE_NUMBER, _STACK, at=_TUPLE)
    code.add(_STORE, _STACK, _FOUND, _TUPLE + 4)
    code.add(_STORE_NUMBER, _STACK, at=_TUPLE + 8)
    _to_port(code, 4)
    code.label("owned")
    _owned(code, tables)
    code.add(_LOAD, 1, _STACK, _FLAGS)
    code.add(_HAS, 1, at="ruled", number=Holds.RULED)
    code.add(_JUMP, at="allow")
    code.label("ruled")
    for own in (True, False):
        code.add(*((_STORE, _STACK, _UID, _DOOR) if own else (_STORE_NUMBER, _STACK, 0, _DOOR)))
        code.add(_STORE, _STACK, _PORT, _DOOR + 4)
        code.table(1, tables["hw_doors"])
        _pointer(code, 2, _DOOR)
        code.add(_CALL, number=_LOOK_UP)
        code.add(_UNEQUAL, 0, at="allow")
    if six:
        code.add(_EQUAL, _FOUND, at="own_6", number=_TUPLE_BYTES[6])
    for version in (4, 6) if six else (4,):
        code.label(f"own_{version}")
        _own_listener(code, version, datagrams=datagrams)


def _to_port(code: Code, version: int) -> None:
    """The port that is gone to, as the last of what a listener is looked up by."""
    code.add(_SET, _FOUND, number=_TUPLE_BYTES[version])
    code.add(_MOVE, 1, _PORT)
    code.add(_TO_NETWORK, 1, number=16)
    code.add(_STORE_HALF, _STACK, 1, _TUPLE + _TUPLE_BYTES[version] - 2)


def _own_listener(code: Code, version: int, *, datagrams: bool) -> None:
    """Allows where nobody listens, for the kernel to say so, or who listens has the mark of this account."""
    for call in (_UDP,) if datagrams else (_TCP, _UDP):
        if call == _UDP:
            code.label(f"udp_{version}")
        else:
            code.add(_LOAD, 1, _CONTEXT, 32)
            code.add(_UNEQUAL, 1, at=f"udp_{version}", number=1)
        code.add(_MOVE, 1, _CONTEXT)
        _pointer(code, 2, _TUPLE)
        code.add(_SET, 3, number=_TUPLE_BYTES[version])
        code.add(_SET, 4, number=-1)
        code.add(_SET, 5)
        code.add(_CALL, number=call)
        code.add(_EQUAL, 0, at="allow")
        code.add(_LOAD, _FOUND, 0, _PRIORITY)
        code.add(_MOVE, 1, 0)
        code.add(_CALL, number=_LET_GO)
        _tag(code, 1)
        code.add(_EQUAL_TO, _FOUND, 1, "allow")
        code.add(_JUMP, at="deny")


def _owned(code: Code, tables: Mapping[str, Table]) -> None:
    _look_up(code, tables["hw_owners"], _SMALL, _PORT)
    where = f"free_{len(code.rows)}"
    code.add(_EQUAL, 0, at=where)
    code.add(_LOAD, 1, 0, 0)
    code.add(_UNEQUAL_TO, 1, _UID, "deny")
    code.label(where)


def _end(code: Code, tables: Mapping[str, Table] | None = None) -> None:
    code.label("allow")
    code.add(_SET, 0, number=1)
    code.add(_EXIT)
    if tables is None:
        return
    code.label("deny")
    code.add(_STORE, _STACK, _UID, _DOOR)
    code.add(_STORE, _STACK, _PORT, _DOOR + 4)
    code.add(_STORE_NUMBER, _STACK, at=_SMALL, number=1)
    code.table(1, tables["hw_refused"])
    _pointer(code, 2, _DOOR)
    _pointer(code, 3, _SMALL)
    code.add(_SET, 4)
    code.add(_CALL, number=_UPDATE)
    code.add(_SET, 0)
    code.add(_EXIT)


def _look_up(code: Code, table: Table, place: int, register: int) -> None:
    code.add(_STORE, _STACK, register, place)
    code.table(1, table)
    _pointer(code, 2, place)
    code.add(_CALL, number=_LOOK_UP)


def _pointer(code: Code, register: int, place: int) -> None:
    code.add(_MOVE, register, _STACK)
    code.add(_ADD, register, number=place)


def _tag(code: Code, register: int) -> None:
    """The account's own mark: an account itself can set no more than the four lowest bits."""
    code.add(_MOVE_32, register, _UID)
    code.add(_LEFT, register, number=4)


def _number(address: str) -> int:
    found: int = struct.unpack("=I", socket.inet_aton(address))[0]
    return found


def _word(address: str, at: int) -> int:
    found: int = struct.unpack("=4I", socket.inet_pton(socket.AF_INET6, address))[at]
    return found
