"""The program of the anchor: perl text that needs nothing but what Debian's essential packages bring."""

from __future__ import annotations

from importlib.resources import files

# In this order: each part uses only those before it, and the last one runs.
PARTS = ("kernel", "link", "processes", "cgroups", "spool", "init", "command", "exits", "requests", "anchor")


def program() -> bytes:
    """The whole program as one text, so that it can be kept in one file or sent over one connection."""
    return b"".join(part(name) for name in PARTS)


def part(name: str) -> bytes:
    """One part, as it stands in a program."""
    return enclosed(name, (files(__name__) / f"{name}.pl").read_bytes())


def enclosed(name: str, text: bytes) -> bytes:
    """A text as a part of a program: a block of its own, whose complaints name it."""
    return b'{\n#line 1 "%s.pl"\n%s}\n' % (name.encode(), text)
