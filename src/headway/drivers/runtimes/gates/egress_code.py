"""What the kernel asks of whoever may reach the internet only, and of what runs in a network of its own: containers,
and the steps of their builds. Each part goes on where it is not concerned, or ends at allow or deny.
"""

from __future__ import annotations

from collections.abc import Mapping

from headway.drivers.runtimes.gates.bpf import Code, Table
from headway.drivers.runtimes.gates.instructions import (
    ADD,
    CALL,
    CLOUD,
    CONTEXT,
    DNS,
    DOOR,
    EQUAL,
    EQUAL_TO,
    FLAGS,
    JUMP,
    LESS_32,
    LOAD,
    LOOK_UP,
    MAPPED,
    MOVE,
    MOVE_32,
    NETWORK,
    NOT_LESS_32,
    PORT,
    RIGHT,
    SET_32,
    STACK,
    STORE,
    STORE_NUMBER,
    TO_NETWORK,
    UID,
    UNEQUAL,
    UNEQUAL_TO,
    WHO,
    destination,
    is_here,
    owned,
    pointer,
    word,
)
from headway.kernel.addresses import NEAR_4

_NOBODY = -1  # no port is this account's
# Beginnings of addresses of version 6 that are of the internet's range and lead nowhere there, or elsewhere within.
_NEAR_6 = ((0x2001_0000, 9), (0x2001_0DB8, 0), (0x2002_0000, 16), (0x3FFF_0000, 12))


def require_outward(code: Code, group: int, tables: Mapping[str, Table], *, six: bool) -> None:
    """Of whoever has the group: nothing that is of this machine, of a link, private, or nobody's."""
    code.add(CALL, number=WHO)
    code.add(MOVE, PORT, 0)
    code.add(RIGHT, PORT, number=32)
    code.add(UNEQUAL, PORT, at="inward", number=group)
    code.add(MOVE_32, UID, 0)
    _to(code, six=six)
    if six:
        code.add(UNEQUAL, 2, at="out_6")
        code.add(UNEQUAL, 1, at="out_translated")
        code.add(SET_32, 5, number=MAPPED)
        code.add(EQUAL_TO, 3, 5, "out_4")
        code.add(JUMP, at="deny")
        code.label("out_translated")
        code.add(SET_32, 5, number=word("64:ff9b::"))
        code.add(UNEQUAL_TO, 1, 5, "out_6")
        code.add(EQUAL, 3, at="out_4")
        code.add(JUMP, at="deny")
        code.label("out_6")
        code.add(TO_NETWORK, 1, number=32)
        code.add(LESS_32, 1, at="deny", number=0x2000_0000)
        code.add(NOT_LESS_32, 1, at="deny", number=0x4000_0000)
        for beginning, others in _NEAR_6:
            code.add(MOVE_32, 5, 1)
            code.add(RIGHT, 5, number=others)
            code.add(EQUAL, 5, at="deny", number=beginning >> others)
        code.add(JUMP, at="out_here")
    code.label("out_4")
    code.add(MOVE_32, 5, 4)
    code.add(TO_NETWORK, 5, number=32)
    for number, network in enumerate(NEAR_4):
        code.add(LESS_32, 5, at=f"out_{number}_not", number=int(network.network_address))
        past = int(network.broadcast_address) + 1
        code.add(LESS_32, 5, at="deny", number=past) if past < 1 << 32 else code.add(JUMP, at="deny")
        code.label(f"out_{number}_not")
    code.label("out_here")
    is_here(code, tables)
    code.add(EQUAL, 0, at="allow")
    code.add(JUMP, at="deny")
    code.label("inward")


def require_apart(code: Code, home: int, tables: Mapping[str, Table], *, six: bool, ruled: bool | None) -> None:
    """Of what is in another network than this machine's own, ``home``: of the machine's addresses no port that is
    somebody's or the panel's, and nowhere a cloud's address for a machine's own secrets. What is ``ruled`` reaches of
    the machine what is open to all, and nothing else; where that is None the flags on the stack say it. Names are
    looked up by anybody anywhere.
    """
    code.add(MOVE, 1, CONTEXT)
    code.add(CALL, number=NETWORK)
    code.number(1, home)
    code.add(EQUAL_TO, 0, 1, "at_home")
    code.add(SET_32, UID, number=_NOBODY)
    _to(code, six=six)
    if six:
        code.add(UNEQUAL, 2, at="apart_here")
        code.add(UNEQUAL, 1, at="apart_cloud")
        code.add(SET_32, 5, number=MAPPED)
        code.add(EQUAL_TO, 3, 5, "apart_4")
        code.add(EQUAL, 3, at="allow")  # its own loopback
        code.add(JUMP, at="apart_here")
        code.label("apart_cloud")
        code.add(UNEQUAL, 3, at="apart_here")
        for register, at in ((1, 0), (4, 3)):
            code.add(SET_32, 5, number=word("fd00:ec2::254", at))
            code.add(UNEQUAL_TO, register, 5, "apart_here")
        code.add(JUMP, at="apart_deny_cloud")
    code.label("apart_4")
    code.add(SET_32, 5, number=word("100.100.100.200"))
    code.add(EQUAL_TO, 4, 5, "apart_deny_cloud")
    code.add(MOVE_32, 5, 4)
    code.add(TO_NETWORK, 5, number=32)
    code.add(RIGHT, 5, number=16)
    code.add(MOVE_32, 1, 5)
    code.add(RIGHT, 1, number=8)
    code.add(EQUAL, 1, at="allow")
    code.add(EQUAL, 1, at="allow", number=127)
    code.add(UNEQUAL, 5, at="apart_here", number=0xA9FE)
    code.label("apart_deny_cloud")
    code.add(ADD, PORT, number=CLOUD)
    code.add(JUMP, at="deny")
    code.label("apart_here")
    is_here(code, tables)
    code.add(EQUAL, 0, at="allow")
    owned(code, tables)
    if ruled is None:
        code.add(LOAD, 1, STACK, FLAGS)
        code.add(EQUAL, 1, at="allow")
    if ruled is not False:
        code.add(STORE_NUMBER, STACK, 0, DOOR)
        code.add(STORE, STACK, PORT, DOOR + 4)
        code.table(1, tables["hw_doors"])
        pointer(code, 2, DOOR)
        code.add(CALL, number=LOOK_UP)
        code.add(EQUAL, 0, at="deny")
    code.add(JUMP, at="allow")
    code.label("at_home")


def _to(code: Code, *, six: bool) -> None:
    """The port and the address that are gone to; a name server's port is open."""
    code.add(LOAD, PORT, CONTEXT, 24)
    code.add(TO_NETWORK, PORT, number=16)
    code.add(EQUAL, PORT, at="allow", number=DNS)
    destination(code, six=six)
