"""The words that the kernel's small programs at the border are written in: registers, instructions, and what takes
several of them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

from headway.drivers.runtimes.gates.bpf import Code, Kind, Table

_SOCKET, _ADDRESS, _SYSCTL = 9, 18, 23  # types of programs

CREATE = Kind(type=_SOCKET, attach=2)
BOUND_4, BOUND_6 = Kind(type=_SOCKET, attach=12), Kind(type=_SOCKET, attach=13)
CONNECT_4, CONNECT_6 = Kind(type=_ADDRESS, attach=10), Kind(type=_ADDRESS, attach=11)
SEND_4, SEND_6 = Kind(type=_ADDRESS, attach=14), Kind(type=_ADDRESS, attach=15)
SYSCTL = Kind(type=_SYSCTL, attach=18)
SIX = (CONNECT_6, SEND_6)
REACHED = (CONNECT_4, CONNECT_6, SEND_4, SEND_6)

# Table: bytes of a key, bytes of a value, most entries.
TABLES: Mapping[str, tuple[int, int, int]] = {
    "hw_owners": (4, 4, 16_384),  # port: account
    "hw_accounts": (4, 4, 16_384),  # account: what holds for it
    "hw_doors": (8, 4, 65_536),  # account (0: any) and port
    "hw_here": (16, 4, 4_096),  # addresses of this machine
    "hw_refused": (8, 4, 4_096),  # account and port that it was kept from
}
MARKS = "hw_marks"
MARKED: Mapping[str, tuple[int, int, int]] = {**TABLES, MARKS: (8, 4, 65_536)}  # group: whether it is ruled

# Registers: the caller's arguments are in 1 to 5, answers in 0, 6 to 9 are kept over calls, 10 is the end of the stack.
CONTEXT, UID, PORT, FOUND, STACK = 6, 7, 8, 9, 10
KEY, DOOR, SMALL, FLAGS, TUPLE, MARK = -16, -24, -28, -32, -72, -80
MOVE, SET, ADD, AND, LEFT, RIGHT, MOVE_32, SET_32 = 0xBF, 0xB7, 0x07, 0x57, 0x64, 0x77, 0xBC, 0xB4
LOAD, STORE, STORE_HALF, STORE_NUMBER, STORE_LONG = 0x61, 0x63, 0x6B, 0x62, 0x7B
CALL, EXIT, JUMP, TO_NETWORK = 0x85, 0x95, 0x05, 0xDC
EQUAL, UNEQUAL, LESS, NOT_LESS, HAS = 0x15, 0x55, 0xA5, 0x35, 0x45
EQUAL_TO, UNEQUAL_TO = 0x1D, 0x5D
LESS_32, NOT_LESS_32 = 0xA6, 0x36
LOOK_UP, UPDATE, WHO, TCP, UDP, LET_GO, NETWORK = 1, 2, 15, 84, 85, 86, 122
GROUP, SYSCTL_NAME, SYSCTL_VALUE, GROUP_ABOVE = 80, 101, 103, 123
PRIORITY = 20  # of a socket
OWN_PORT = 44
MAPPED = struct.unpack("=I", bytes((0, 0, 0xFF, 0xFF)))[0]
DNS = 53
CLOUD = 1 << 16  # is added to the port, among what was refused, where it was that of a cloud's address
TUPLE_BYTES: Mapping[int, int] = {4: 12, 6: 36}  # of what a listener is looked up by


def destination(code: Code, *, six: bool) -> None:
    """The address that is gone to: its words in registers 1 to 4, and as a key of the table of this machine's."""
    for at in range(4):
        code.add(LOAD, 1 + at, CONTEXT, 8 + 4 * at) if six else None
    if not six:
        for register, value in ((1, 0), (2, 0), (3, MAPPED)):
            code.add(SET_32, register, number=value)
        code.add(LOAD, 4, CONTEXT, 4)
    for at in range(4):
        code.add(STORE, STACK, 1 + at, KEY + 4 * at)


def owned(code: Code, tables: Mapping[str, Table]) -> None:
    """Denies where the port is another account's."""
    look_up(code, tables["hw_owners"], SMALL, PORT)
    where = f"free_{len(code.rows)}"
    code.add(EQUAL, 0, at=where)
    code.add(LOAD, 1, 0, 0)
    code.add(UNEQUAL_TO, 1, UID, "deny")
    code.label(where)


def end(code: Code, tables: Mapping[str, Table] | None = None) -> None:
    """The ends of a program: allow, and with tables deny, which notes who was kept from which port."""
    code.label("allow")
    code.add(SET, 0, number=1)
    code.add(EXIT)
    if tables is None:
        return
    code.label("deny")
    code.add(STORE, STACK, UID, DOOR)
    code.add(STORE, STACK, PORT, DOOR + 4)
    code.add(STORE_NUMBER, STACK, at=SMALL, number=1)
    code.table(1, tables["hw_refused"])
    pointer(code, 2, DOOR)
    pointer(code, 3, SMALL)
    code.add(SET, 4)
    code.add(CALL, number=UPDATE)
    code.add(SET, 0)
    code.add(EXIT)


def look_up(code: Code, table: Table, place: int, register: int) -> None:
    """Looks a register up in a table, by way of a place on the stack."""
    code.add(STORE, STACK, register, place)
    code.table(1, table)
    pointer(code, 2, place)
    code.add(CALL, number=LOOK_UP)


def is_here(code: Code, tables: Mapping[str, Table]) -> None:
    """Looks the destination up among the addresses of this machine: 0 where it is none."""
    code.table(1, tables["hw_here"])
    pointer(code, 2, KEY)
    code.add(CALL, number=LOOK_UP)


def pointer(code: Code, register: int, place: int) -> None:
    """The address of a place on the stack."""
    code.add(MOVE, register, STACK)
    code.add(ADD, register, number=place)


def word(address: str, at: int = 0) -> int:
    """A word of an address as a register holds it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found: int = struct.unpack_from("=I", socket.inet_pton(family, address), 4 * at)[0]
    return found
