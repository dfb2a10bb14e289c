"""Small programs that the kernel runs for the processes of a control group (BPF): written down, loaded, attached, and
the tables that they look things up in. Nothing but the system call is needed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from functools import cache
from pathlib import Path

from headway.kernel.dataclass import dataclass

_CALLS: Mapping[str, int] = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
_MAP_CREATE, _LOOKUP, _UPDATE, _DELETE, _NEXT_KEY, _PROG_LOAD = range(6)
_ATTACH, _DETACH = 8, 9
_PROG_FD, _MAP_FD, _INFO, _QUERY = 13, 14, 15, 16
_HASH = 1
_BESIDE_OTHERS = 2  # BPF_F_ALLOW_MULTI: those of systemd, or of the machine's owner, stay in force
_MOST_PROGRAMS = 64
_INFO_BYTES = 256
_NAME_BYTES = 16


class Refused(OSError):
    """The kernel does not take a program, or this machine has no such call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type of program and where in a group it is attached, in the kernel's numbers."""

    type: int
    attach: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the kernel's, from keys to values of fixed sizes, behind a descriptor."""

    descriptor: int
    key_bytes: int
    value_bytes: int

    def fill(self, wanted: dict[bytes, bytes]) -> None:
        """Makes its content what is wanted; what is there already stays there throughout."""
        for key in [each for each in self.keys() if each not in wanted]:
            with suppress(FileNotFoundError):
                self.drop(key)
        for key, value in wanted.items():
            self.put(key, value)

    def put(self, key: bytes, value: bytes) -> None:
        """Puts one in. Raises OSError where it is full."""
        kept, given = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value)
        pointers = (ctypes.addressof(kept), ctypes.addressof(given))
        _call(_UPDATE, struct.pack("=IIQQQ", self.descriptor, 0, *pointers, 0))

    def content(self) -> dict[bytes, bytes]:
        """All that is in it."""
        found = ((key, self.value(key)) for key in list(self.keys()))
        return {key: value for key, value in found if value is not None}

    def value(self, key: bytes) -> bytes | None:
        """What is in it under a key."""
        kept, given = ctypes.create_string_buffer(key), ctypes.create_string_buffer(self.value_bytes)
        pointers = (ctypes.addressof(kept), ctypes.addressof(given))
        try:
            _call(_LOOKUP, struct.pack("=IIQQQ", self.descriptor, 0, *pointers, 0))
        except FileNotFoundError:
            return None
        return given.raw

    def keys(self) -> Iterator[bytes]:
        """Its keys; a table that changes meanwhile may give one twice, or leave one out."""
        found: set[bytes] = set()
        last: bytes | None = None
        while True:
            after = ctypes.create_string_buffer(last) if last is not None else None
            given = ctypes.create_string_buffer(self.key_bytes)
            start = 0 if after is None else ctypes.addressof(after)
            try:
                _call(_NEXT_KEY, struct.pack("=IIQQ", self.descriptor, 0, start, ctypes.addressof(given)))
            except FileNotFoundError:
                return
            last = given.raw
            if last in found:
                return
            found.add(last)
            yield last

    def drop(self, key: bytes) -> None:
        """Takes a key out. Raises FileNotFoundError where it is not there."""
        kept = ctypes.create_string_buffer(key)
        _call(_DELETE, struct.pack("=IIQ", self.descriptor, 0, ctypes.addressof(kept)))

    def number(self) -> int:
        """What the kernel knows it by."""
        found: int = struct.unpack_from("=I", _info(self.descriptor), 4)[0]
        return found

    def close(self) -> None:
        """Lets go of it; the programs that use it keep it."""
        os.close(self.descriptor)


@dataclass(slots=True)
class Code:
    """A program as it is being written: instructions in order, jumps to labels."""

    rows: list[tuple[int, int, int, int | str, int]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def add(self, operation: int, to: int = 0, source: int = 0, at: int | str = 0, number: int = 0) -> None:
        """One instruction; ``at`` is an offset, or the label that is jumped to."""
        self.rows.append((operation, to, source, at, number))

    def label(self, name: str) -> None:
        """The next instruction is known by this name."""
        self.labels[name] = len(self.rows)

    def table(self, to: int, table: Table) -> None:
        """Loads a reference to a table into a register."""
        self.add(0x18, to, 1, 0, table.descriptor)
        self.add(0)

    def number(self, to: int, value: int) -> None:
        """Loads a number of 64 bits into a register."""
        self.add(0x18, to, number=value & 0xFFFFFFFF)
        self.add(0, number=value >> 32)

    def assembled(self) -> bytes:
        """The bytes."""
        rows = []
        for here, (operation, to, source, at, number) in enumerate(self.rows):
            offset = self.labels[at] - here - 1 if isinstance(at, str) else at
            signed = (number & 0xFFFFFFFF) - ((number & 0x80000000) << 1)
            rows.append(struct.pack("=BBhi", operation, source << 4 | to, offset, signed))
        return b"".join(rows)


def make_table(name: str, *, key_bytes: int, value_bytes: int, entries: int) -> Table:
    """A new, empty table. Raises OSError."""
    with suppress(OSError, ValueError):  # kernels before 5.11 count it as memory that is locked
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    given = struct.pack("=IIIIIII16s", _HASH, key_bytes, value_bytes, entries, 0, 0, 0, _named(name))
    return Table(descriptor=_call(_MAP_CREATE, given), key_bytes=key_bytes, value_bytes=value_bytes)


def load(name: str, kind: Kind, code: Code) -> int:
    """The descriptor of a loaded program. Raises Refused, with the kernel's reasons."""
    text, licence, log = code.assembled(), ctypes.create_string_buffer(b"GPL"), ctypes.create_string_buffer(1 << 16)
    given = ctypes.create_string_buffer(text, len(text))
    pointers = (ctypes.addressof(given), ctypes.addressof(licence))
    head = struct.pack("=IIQQ", kind.type, len(text) // 8, *pointers)
    quiet = struct.pack("=IIQII16sII", 0, 0, 0, 0, 0, _named(name), 0, kind.attach)
    telling = struct.pack("=IIQII16sII", 1, len(log), ctypes.addressof(log), 0, 0, _named(name), 0, kind.attach)
    with suppress(OSError):
        return _call(_PROG_LOAD, head + quiet)
    try:
        return _call(_PROG_LOAD, head + telling)
    except OSError as error:
        said = log.value.decode(errors="replace")[-600:]
        raise Refused(error.errno, f"{error.strerror} {said}".strip()) from error


def attach(folder: Path, kind: Kind, program: int) -> None:
    """Has it run for every process of a group, beside what is attached there already. Raises OSError."""
    with _Opened(folder) as group:
        _call(_ATTACH, struct.pack("=IIII", group, program, kind.attach, _BESIDE_OTHERS))


def detach(folder: Path, kind: Kind, program: int) -> None:
    """Takes it off again. Raises OSError."""
    with _Opened(folder) as group:
        _call(_DETACH, struct.pack("=IIII", group, program, kind.attach, 0))


def attached(folder: Path, kind: Kind) -> list[int]:
    """Descriptors of the programs that are attached to a group itself; the caller closes them. Raises OSError."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    with _Opened(folder) as group:
        given = struct.pack("=IIIIQI", group, kind.attach, 0, 0, ctypes.addressof(numbers), _MOST_PROGRAMS)
        count = struct.unpack_from("=I", _asked(_QUERY, given), 24)[0]
    return [_call(_PROG_FD, struct.pack("=III", number, 0, 0)) for number in numbers[:count]]


@contextmanager
def held(descriptors: list[int]) -> Iterator[list[int]]:
    """Closes them in the end."""
    try:
        yield descriptors
    finally:
        for each in descriptors:
            os.close(each)


def name_of(program: int) -> str:
    """What a loaded program is called."""
    return _info(program)[64 : 64 + _NAME_BYTES].rstrip(b"\0").decode(errors="replace")


def tables_of(program: int) -> dict[str, Table]:
    """The tables that a loaded program uses, by name."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    count = struct.unpack_from("=I", _info(program, numbers), 52)[0]
    found = {}
    for number in numbers[:count]:
        descriptor = _call(_MAP_FD, struct.pack("=III", number, 0, 0))
        info = _info(descriptor)
        name = info[24 : 24 + _NAME_BYTES].rstrip(b"\0").decode(errors="replace")
        key_bytes, value_bytes = struct.unpack_from("=II", info, 8)
        found[name] = Table(descriptor=descriptor, key_bytes=key_bytes, value_bytes=value_bytes)
    return found


class _Opened:
    """A folder's descriptor for the time of a block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> int:
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _info(descriptor: int, tables: Sequence[int] | ctypes.Array[ctypes.c_uint32] = ()) -> bytes:
    info = ctypes.create_string_buffer(_INFO_BYTES)
    if isinstance(tables, ctypes.Array):
        struct.pack_into("=IQ", info, 52, len(tables), ctypes.addressof(tables))
    _call(_INFO, struct.pack("=IIQ", descriptor, _INFO_BYTES, ctypes.addressof(info)))
    return info.raw


def _named(name: str) -> bytes:
    return name.encode()[: _NAME_BYTES - 1].ljust(_NAME_BYTES, b"\0")


def _call(command: int, given: bytes) -> int:
    return _performed(command, ctypes.create_string_buffer(given, max(len(given), 128)))


def _asked(command: int, given: bytes) -> bytes:
    """The same where the answer is written into what is given."""
    told = ctypes.create_string_buffer(given, max(len(given), 128))
    _performed(command, told)
    return told.raw


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _performed(command: int, given: ctypes.Array[ctypes.c_char]) -> int:
    number = _CALLS.get(os.uname().machine)
    if number is None or struct.calcsize("P") != 8:
        raise Refused(0, "there is no such call on this machine")
    found: int = _library().syscall(number, command, given, len(given))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found
