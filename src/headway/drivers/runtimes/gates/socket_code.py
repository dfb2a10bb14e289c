"""What the kernel asks of a process that opens a socket, takes a port, or goes to an address of the machine itself."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from enum import IntFlag

from headway.drivers.runtimes.gates.bpf import Code, Kind, Table
from headway.drivers.runtimes.gates.egress_code import require_apart, require_outward
from headway.drivers.runtimes.gates.instructions import (
    ADD,
    AND,
    CALL,
    CLOUD,
    CONTEXT,
    DNS,
    DOOR,
    EQUAL,
    EQUAL_TO,
    FLAGS,
    FOUND,
    HAS,
    JUMP,
    LEFT,
    LESS,
    LET_GO,
    LOAD,
    LOOK_UP,
    MAPPED,
    MOVE,
    MOVE_32,
    NOT_LESS,
    OWN_PORT,
    PORT,
    PRIORITY,
    SEND_4,
    SEND_6,
    SET,
    SET_32,
    SIX,
    SMALL,
    STACK,
    STORE,
    STORE_HALF,
    STORE_NUMBER,
    TCP,
    TO_NETWORK,
    TUPLE,
    TUPLE_BYTES,
    UDP,
    UID,
    UNEQUAL,
    UNEQUAL_TO,
    WHO,
    destination,
    end,
    is_here,
    look_up,
    owned,
    pointer,
    word,
)
from headway.kernel.dataclass import dataclass


class Holds(IntFlag):
    """What holds for an account. A build, of which nothing is said, is kept from what belongs to others."""

    RULED = 1
    OPEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts that are judged, from the first to the one before ``end``. Whoever has the group ``outward``,
    whatever its account, reaches the internet only. ``home`` is what the kernel calls the machine's own network: what
    is in another one is judged as such.
    """

    first: int
    end: int
    outward: int | None = None
    home: int | None = None


def created(accounts: Accounts) -> Code:
    """Marks each socket with its account, by the one property of a socket that no account can set so high."""
    code = Code()
    _begin(code, accounts)
    _tag(code, 1)
    code.add(STORE, CONTEXT, 1, PRIORITY)
    end(code)
    return code


def bound(accounts: Accounts, tables: Mapping[str, Table]) -> Code:
    """Lets nobody take a port that is another's."""
    code = Code()
    _begin(code, accounts)
    code.add(LOAD, PORT, CONTEXT, OWN_PORT)
    owned(code, tables)
    end(code, tables)
    return code


def reached(accounts: Accounts, tables: Mapping[str, Table], kind: Kind) -> Code:
    """Judges where a connection or a datagram goes."""
    six = kind in SIX
    code = Code()
    code.add(MOVE, CONTEXT, 1)
    if accounts.outward is not None:
        require_outward(code, accounts.outward, tables, six=six)
    if accounts.home is not None:
        require_apart(code, accounts.home, tables, six=six, ruled=False)
    _judged(code, accounts)
    code.add(LOAD, PORT, CONTEXT, 24)
    code.add(TO_NETWORK, PORT, number=16)
    code.add(EQUAL, PORT, at="allow", number=DNS)
    code.add(STORE_NUMBER, STACK, at=FLAGS)
    look_up(code, tables["hw_accounts"], SMALL, UID)
    code.add(EQUAL, 0, at="known")
    code.add(LOAD, 1, 0, 0)
    code.add(HAS, 1, at="allow", number=Holds.OPEN)
    code.add(STORE, STACK, 1, FLAGS)
    code.label("known")
    _told_apart(code, tables, six=six)
    _within(code, tables, six=six, datagrams=kind in {SEND_4, SEND_6})
    end(code, tables)
    return code


def apart(home: int, tables: Mapping[str, Table], kind: Kind, *, ruled: bool) -> Code:
    """Judges where containers go; see ``require_apart``."""
    code = Code()
    code.add(MOVE, CONTEXT, 1)
    require_apart(code, home, tables, six=kind in SIX, ruled=ruled)
    end(code, tables)
    return code


def address_key(address: str) -> bytes:
    """An address as a key of the table of this machine's."""
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return socket.inet_pton(socket.AF_INET6, f"::ffff:{address}")


def _begin(code: Code, accounts: Accounts) -> None:
    code.add(MOVE, CONTEXT, 1)
    _judged(code, accounts)


def _judged(code: Code, accounts: Accounts) -> None:
    code.add(CALL, number=WHO)
    code.add(MOVE_32, UID, 0)
    code.add(LESS, UID, at="allow", number=accounts.first)
    code.add(NOT_LESS, UID, at="allow", number=accounts.end)


def _told_apart(code: Code, tables: Mapping[str, Table], *, six: bool) -> None:
    """Goes on at one of the labels loop_4, loop_6, or allows. What is another machine's is nobody's business here, but
    for where clouds tell a machine's own secrets.
    """
    destination(code, six=six)
    code.add(MOVE, FOUND, 4)
    if six:
        _told_apart_6(code)
    code.label("four")
    code.add(SET_32, 5, number=word("127.0.0.1"))
    code.add(UNEQUAL, FOUND, at="not_any")
    code.add(MOVE, FOUND, 5)
    code.label("not_any")
    code.add(MOVE, 1, FOUND)
    code.add(AND, 1, number=0xFF)
    code.add(EQUAL, 1, at="loop_4", number=127)
    code.add(MOVE, 1, FOUND)
    code.add(AND, 1, number=0xFFFF)
    code.add(EQUAL, 1, at="deny_cloud", number=word("169.254.0.0"))
    code.add(SET_32, 5, number=word("100.100.100.200"))
    code.add(UNEQUAL_TO, FOUND, 5, "elsewhere")
    code.label("deny_cloud")
    code.add(ADD, PORT, number=CLOUD)
    code.add(JUMP, at="deny")
    code.label("elsewhere")
    is_here(code, tables)
    code.add(EQUAL, 0, at="allow")
    code.add(SET, FOUND)
    owned(code, tables)
    code.add(JUMP, at="allow")


def _told_apart_6(code: Code) -> None:
    """``::1`` and ``::`` are the loopback; an address of version 4 in this form is one; fd00:ec2::254 is a cloud's."""
    code.add(UNEQUAL, 2, at="elsewhere")
    code.add(UNEQUAL, 1, at="cloud")
    code.add(SET_32, 5, number=MAPPED)
    code.add(EQUAL_TO, 3, 5, "four")
    code.add(UNEQUAL, 3, at="elsewhere")
    code.add(EQUAL, 4, at="loop_6")
    code.add(SET_32, 5, number=word("::1", 3))
    code.add(UNEQUAL_TO, 4, 5, "elsewhere")
    code.add(JUMP, at="loop_6")
    code.label("cloud")
    code.add(UNEQUAL, 3, at="elsewhere")
    for register, at in ((1, 0), (4, 3)):
        code.add(SET_32, 5, number=word("fd00:ec2::254", at))
        code.add(UNEQUAL_TO, register, 5, "elsewhere")
    code.add(JUMP, at="deny_cloud")


def _within(code: Code, tables: Mapping[str, Table], *, six: bool, datagrams: bool) -> None:
    """On the loopback: never what is another's; beyond that what is open, and what listens there under this account."""
    if six:
        code.label("loop_6")
        for at, number in enumerate((0, 0, 0, 0, 0, 0, 0, word("::1", 3), 0)):
            code.add(STORE_NUMBER, STACK, at=TUPLE + 4 * at, number=number)
        _to_port(code, 6)
        code.add(JUMP, at="owned")
    code.label("loop_4")
    code.add(STORE_NUMBER, STACK, at=TUPLE)
    code.add(STORE, STACK, FOUND, TUPLE + 4)
    code.add(STORE_NUMBER, STACK, at=TUPLE + 8)
    _to_port(code, 4)
    code.label("owned")
    owned(code, tables)
    code.add(LOAD, 1, STACK, FLAGS)
    code.add(HAS, 1, at="ruled", number=Holds.RULED)
    code.add(JUMP, at="allow")
    code.label("ruled")
    for own in (True, False):
        code.add(*((STORE, STACK, UID, DOOR) if own else (STORE_NUMBER, STACK, 0, DOOR)))
        code.add(STORE, STACK, PORT, DOOR + 4)
        code.table(1, tables["hw_doors"])
        pointer(code, 2, DOOR)
        code.add(CALL, number=LOOK_UP)
        code.add(UNEQUAL, 0, at="allow")
    if six:
        code.add(EQUAL, FOUND, at="own_6", number=TUPLE_BYTES[6])
    for version in (4, 6) if six else (4,):
        code.label(f"own_{version}")
        _own_listener(code, version, datagrams=datagrams)


def _to_port(code: Code, version: int) -> None:
    """The port that is gone to, as the last of what a listener is looked up by."""
    code.add(SET, FOUND, number=TUPLE_BYTES[version])
    code.add(MOVE, 1, PORT)
    code.add(TO_NETWORK, 1, number=16)
    code.add(STORE_HALF, STACK, 1, TUPLE + TUPLE_BYTES[version] - 2)


def _own_listener(code: Code, version: int, *, datagrams: bool) -> None:
    """Allows where nobody listens, for the kernel to say so, or who listens has the mark of this account."""
    for call in (UDP,) if datagrams else (TCP, UDP):
        if call == UDP:
            code.label(f"udp_{version}")
        else:
            code.add(LOAD, 1, CONTEXT, 32)
            code.add(UNEQUAL, 1, at=f"udp_{version}", number=1)
        code.add(MOVE, 1, CONTEXT)
        pointer(code, 2, TUPLE)
        code.add(SET, 3, number=TUPLE_BYTES[version])
        code.add(SET, 4, number=-1)
        code.add(SET, 5)
        code.add(CALL, number=call)
        code.add(EQUAL, 0, at="allow")
        code.add(LOAD, FOUND, 0, PRIORITY)
        code.add(MOVE, 1, 0)
        code.add(CALL, number=LET_GO)
        _tag(code, 1)
        code.add(EQUAL_TO, FOUND, 1, "allow")
        code.add(JUMP, at="deny")


def _tag(code: Code, register: int) -> None:
    """The account's own mark: an account itself can set no more than the four lowest bits."""
    code.add(MOVE_32, register, UID)
    code.add(LEFT, register, number=4)
