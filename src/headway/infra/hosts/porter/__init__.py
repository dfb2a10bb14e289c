"""The program of the porter: perl text that carries what the panel asks to the anchors and files of a server, and that
needs nothing there but what Debian's essential packages bring.
"""

from __future__ import annotations

from importlib.resources import files

from headway.infra.hosts import anchor

# In this order: each part uses only those before it, and the last one runs.
SHARED = ("kernel", "link", "processes", "cgroups")
PARTS = ("files", "trees", "runs", "exchange", "openings", "hands", "porter")


class PorterLost(Exception):
    """The session with the porter is gone; what it was asked may or may not have been done."""


def program() -> bytes:
    """The whole program as one text, to be sent over one connection."""
    own = files(__name__)
    parts = [anchor.part(name) for name in SHARED]
    return b"".join([*parts, *(anchor.enclosed(name, (own / f"{name}.pl").read_bytes()) for name in PARTS)])
