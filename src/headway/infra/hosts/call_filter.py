"""Which system calls what users bring may make: a filter that the kernel asks before each of them (seccomp)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import field

from headway.kernel.dataclass import dataclass

_LOAD, _EQUAL, _NOT_LESS, _ANY_BIT, _GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST, _THIRD = 0, 4, 16, 32  # where the kernel puts what is asked, and its arguments
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EPROTONOSUPPORT, _EAFNOSUPPORT = 1, 38, 93, 97
_NEW_USER = 0x10000000
_X32 = 0x40000000
_FAMILIES = (1, 2, 10, 16)  # unix, both of the internet, netlink
_PROTOCOLS = (33, 132, 136, 262)  # DCCP, SCTP, UDP-Lite, MPTCP: ways past what is asked of TCP and UDP

# Mounts, other namespaces, keys, kernels and their modules, programs in the kernel, and what was too often a way in.
_NEVER: Mapping[str, tuple[int | None, int | None, int | None]] = {
    # name: x86-64, ARM64, i386
    "mount": (165, 40, 21),
    "umount2": (166, 39, 52),
    "umount": (None, None, 22),
    "pivot_root": (155, 41, 217),
    "open_tree": (428, 428, 428),
    "move_mount": (429, 429, 429),
    "fsopen": (430, 430, 430),
    "fsconfig": (431, 431, 431),
    "fsmount": (432, 432, 432),
    "fspick": (433, 433, 433),
    "mount_setattr": (442, 442, 442),
    "open_tree_attr": (467, 467, 467),
    "setns": (308, 268, 346),
    "kexec_load": (246, 104, 283),
    "kexec_file_load": (320, 294, None),
    "init_module": (175, 105, 128),
    "finit_module": (313, 273, 350),
    "delete_module": (176, 106, 129),
    "bpf": (321, 280, 357),
    "perf_event_open": (298, 241, 336),
    "userfaultfd": (323, 282, 374),
    "add_key": (248, 217, 286),
    "request_key": (249, 218, 287),
    "keyctl": (250, 219, 288),
    "open_by_handle_at": (304, 265, 342),
    "io_uring_setup": (425, 425, 425),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
}
_CLONE3, _SOCKETCALL = 435, 102
_I386 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """A way of calling the kernel: its number in AUDIT_ARCH, and those of the calls that are looked at closer."""

    number: int
    column: int
    clone: int
    unshare: int
    socket: int


_MACHINES: Mapping[str, Sequence[_Machine]] = {
    "x86_64": (
        _Machine(number=0xC000003E, column=0, clone=56, unshare=272, socket=41),
        _Machine(number=0x40000003, column=2, clone=120, unshare=310, socket=359),
    ),
    "aarch64": (_Machine(number=0xC00000B7, column=1, clone=220, unshare=97, socket=198),),
}


@dataclass(slots=True)
class _Rows:
    """Instructions, put together from the last to the first, so that what is jumped to is there already."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)

    def put(self, operation: int, value: int, yes: int = 0, no: int = 0) -> None:
        """In front of the others; ``yes`` and ``no`` count rows that are passed over."""
        self.rows.insert(0, (operation, yes, no, value))

    def bytes(self) -> bytes:
        """What the kernel takes."""
        return b"".join(struct.pack("=HBBI", *row) for row in self.rows)


def call_filter(machine: str) -> bytes:
    """The filter for a machine (uname -m), empty for one of which the numbers are not known here."""
    kinds = _MACHINES.get(machine, ())
    rows = _Rows()
    if not kinds:
        return b""
    rows.put(_GIVE, _ERROR | _ENOSYS)  # a program for another kind of machine
    for kind in reversed(kinds):
        block = _judged(kind)
        rows.rows[:0] = [(_EQUAL, 1, 0, kind.number), (0x05, 0, 0, len(block)), *block]
    rows.put(_LOAD, _MACHINE)
    return rows.bytes()


def _judged(kind: _Machine) -> list[tuple[int, int, int, int]]:
    """All calls of one kind; every way through it ends in it."""
    rows = _Rows()
    rows.put(_GIVE, _ALLOW)
    for number in sorted(each[kind.column] or -1 for each in _NEVER.values()):
        if number >= 0:
            _refuse(rows, number, _EPERM)
    _refuse(rows, _CLONE3, _ENOSYS)  # its flags lie in memory; whoever asks falls back to the other
    for number in (kind.clone, kind.unshare):
        # No namespace of users: in one, an account is root to parts of the kernel that nobody else reaches.
        rows.rows[:0] = [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _FIRST),
            (_ANY_BIT, 0, 1, _NEW_USER),
            (_GIVE, 0, 0, _ERROR | _EPERM),
            (_GIVE, 0, 0, _ALLOW),
        ]
    rows.rows[:0] = _sockets(kind.socket)
    if kind.column == _I386:
        # The old way to make a socket has its arguments in memory; the new one is ten years old.
        rows.rows[:0] = [
            (_EQUAL, 0, 4, _SOCKETCALL),
            (_LOAD, 0, 0, _FIRST),
            (_EQUAL, 0, 1, 1),
            (_GIVE, 0, 0, _ERROR | _ENOSYS),
            (_GIVE, 0, 0, _ALLOW),
        ]
    if kind.column == 0:
        rows.rows[:0] = [(_NOT_LESS, 0, 1, _X32), (_GIVE, 0, 0, _ERROR | _ENOSYS)]
    rows.put(_LOAD, _NUMBER)
    return rows.rows


def _refuse(rows: _Rows, number: int, error: int) -> None:
    rows.put(_GIVE, _ERROR | error)
    rows.put(_EQUAL, number, 0, 1)


def _sockets(number: int) -> list[tuple[int, int, int, int]]:
    families = len(_FAMILIES)
    protocols = len(_PROTOCOLS)
    body = [
        (_LOAD, 0, 0, _FIRST),
        *((_EQUAL, families - at, 0, each) for at, each in enumerate(_FAMILIES)),
        (_GIVE, 0, 0, _ERROR | _EAFNOSUPPORT),
        (_LOAD, 0, 0, _THIRD),
        *((_EQUAL, protocols - at, 0, each) for at, each in enumerate(_PROTOCOLS)),
        (_GIVE, 0, 0, _ALLOW),
        (_GIVE, 0, 0, _ERROR | _EPROTONOSUPPORT),
    ]
    return [(_EQUAL, 0, len(body), number), *body]
