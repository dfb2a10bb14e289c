"""The program of the anchor: perl text that needs nothing but what Debian's essential packages bring."""

from __future__ import annotations

from importlib.resources import files

# In this order: each part uses only those before it, and the last one runs.
PARTS = ("kernel", "link", "processes", "cgroups", "spool", "init", "command", "exits", "requests", "anchor")


def program() -> bytes:
    """The whole program as one text, so that it can be kept in one file or sent over one connection."""
    folder = files(__name__)
    return b"".join(
        b'{\n#line 1 "%s.pl"\n%s}\n' % (name.encode(), (folder / f"{name}.pl").read_bytes()) for name in PARTS
    )
