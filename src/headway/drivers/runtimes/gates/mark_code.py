"""What tells a panel's containers from others wherever an engine puts them: a number that the engine writes, before
anything of a container runs, into a setting of its network that means nothing (``tag``). The kernel sees it written,
and knows the group from then on, and with it all groups that are made within: what comes in later has one of its own.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

from headway.drivers.runtimes.gates.bpf import Code, Kind, Table
from headway.drivers.runtimes.gates.egress_code import require_apart
from headway.drivers.runtimes.gates.instructions import (
    CALL,
    CONTEXT,
    EQUAL,
    EQUAL_TO,
    EXIT,
    FLAGS,
    GROUP,
    GROUP_ABOVE,
    JUMP,
    LOAD,
    LOOK_UP,
    MARK,
    MARKS,
    MOVE,
    SET,
    SET_32,
    SIX,
    STACK,
    STORE,
    STORE_LONG,
    STORE_NUMBER,
    SYSCTL_NAME,
    SYSCTL_VALUE,
    UNEQUAL,
    UNEQUAL_TO,
    UPDATE,
    end,
    pointer,
)

SETTING = "net.ipv4.conf.lo.tag"
_MOST_DEPTH = 32
_NAME = SETTING.replace(".", "/").encode()
_NAME_AT, _VALUE_AT, _NAME_BYTES, _VALUE_BYTES = -24, -40, 24, 16


def mark(panel_id: str, *, ruled: bool) -> str:
    """What containers of a panel have as the setting."""
    number = int.from_bytes(hashlib.sha256(panel_id.encode()).digest()[:8]) % 10**8
    return f"1{number:08d}{int(ruled)}"


def noted(panel_id: str, root: int, tables: Mapping[str, Table]) -> Code:
    """Notes the group of whoever writes a mark of the panel, but for the ``root``, in which all sorts of things are.
    One that cannot be noted is not written, so that what is to be judged does not begin. A group that is ruled stays
    so, whatever is written after.
    """
    code = Code()
    code.add(MOVE, CONTEXT, 1)
    code.add(LOAD, 1, CONTEXT, 0)
    code.add(EQUAL, 1, at="allow")  # it is read
    for call, place, most in ((SYSCTL_NAME, _NAME_AT, _NAME_BYTES), (SYSCTL_VALUE, _VALUE_AT, _VALUE_BYTES)):
        code.add(MOVE, 1, CONTEXT)
        pointer(code, 2, place)
        code.add(SET, 3, number=most)
        code.add(SET, 4)
        code.add(CALL, number=call)
        wanted = _NAME if call == SYSCTL_NAME else mark(panel_id, ruled=False).encode()
        code.add(UNEQUAL, 0, at="allow", number=len(wanted))
        for at in range(0, len(wanted) - len(wanted) % 4, 4):
            code.add(LOAD, 1, STACK, place + at)
            code.add(SET_32, 5, number=_word(wanted, at))
            code.add(UNEQUAL_TO, 1, 5, "allow")
    code.add(LOAD, 1, STACK, _VALUE_AT + 8)
    for ruled in (False, True):
        code.add(SET_32, 5, number=_word(mark(panel_id, ruled=ruled).encode(), 8))
        code.add(UNEQUAL_TO, 1, 5, f"not_{ruled}")
        code.add(STORE_NUMBER, STACK, at=FLAGS, number=int(ruled))
        code.add(JUMP, at="marked")
        code.label(f"not_{ruled}")
    code.add(JUMP, at="allow")
    code.label("marked")
    _group(code)
    code.number(1, root)
    code.add(EQUAL_TO, 0, 1, "allow")
    _look_up(code, tables)
    code.add(EQUAL, 0, at="new")
    code.add(LOAD, 1, 0, 0)
    code.add(UNEQUAL, 1, at="allow")
    code.label("new")
    code.table(1, tables[MARKS])
    pointer(code, 2, MARK)
    pointer(code, 3, FLAGS)
    code.add(SET, 4)
    code.add(CALL, number=UPDATE)
    code.add(EQUAL, 0, at="allow")
    code.add(SET, 0)
    code.add(JUMP, at="out")
    code.label("allow")
    code.add(SET, 0, number=1)
    code.label("out")
    code.add(EXIT)
    return code


def judged(home: int, tables: Mapping[str, Table], kind: Kind) -> Code:
    """Judges where what is marked goes; see ``require_apart``. All else of the machine goes where it likes."""
    code = Code()
    code.add(MOVE, CONTEXT, 1)
    for depth in range(1, _MOST_DEPTH + 1):  # outermost first: what was written within another's changes nothing
        code.add(SET, 1, number=depth)
        code.add(CALL, number=GROUP_ABOVE)
        code.add(EQUAL, 0, at="allow")  # it is in none so deep
        code.add(STORE_LONG, STACK, 0, MARK)
        _look_up(code, tables)
        code.add(UNEQUAL, 0, at="marked")
    code.add(JUMP, at="allow")
    code.label("marked")
    code.add(LOAD, 1, 0, 0)
    code.add(STORE, STACK, 1, FLAGS)
    require_apart(code, home, tables, six=kind in SIX, ruled=None)
    end(code, tables)
    return code


def _group(code: Code) -> None:
    """The number of the group that asks, as a key of the table of marks."""
    code.add(CALL, number=GROUP)
    code.add(STORE_LONG, STACK, 0, MARK)


def _look_up(code: Code, tables: Mapping[str, Table]) -> None:
    """What the table of marks has under the key."""
    code.table(1, tables[MARKS])
    pointer(code, 2, MARK)
    code.add(CALL, number=LOOK_UP)


def _word(text: bytes, at: int) -> int:
    found: int = struct.unpack("=I", text[at : at + 4].ljust(4, b"\0"))[0]
    return found
