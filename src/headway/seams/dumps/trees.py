"""A folder with all that is in it as one stream: owners by number, modes, links, holes, times, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.seams.dumps.base import PATH

PROGRAM = "tar"
CHANGED = 1  # tar's exit status where only something changed while it was read
ENV: Mapping[str, str] = MappingProxyType({"PATH": PATH, "LC_ALL": "C.UTF-8"})
_KEPT = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls")


def read(folder: str) -> tuple[str, ...]:
    """Writes what is in a folder to standard output; times to the nanosecond, holes as holes."""
    return (PROGRAM, "--create", "--format=posix", "--sparse", *_KEPT, "--file=-", f"--directory={folder}", ".")


def list_names() -> tuple[tuple[str, ...], ...]:
    """Reads the whole stream and prints how many entries it has."""
    return ((PROGRAM, "--list", "--file=-", "--quoting-style=escape"), ("wc", "--lines"))


def write(folder: str) -> tuple[str, ...]:
    """Makes of standard input what ``read`` was given, in an empty folder."""
    kept = ("--same-owner", "--same-permissions", "--delay-directory-restore", *_KEPT)
    return (PROGRAM, "--extract", *kept, "--file=-", f"--directory={folder}")
