"""Lets the archive of one image through, as an engine saves it, and leaves it no name but the one that is expected:
what another machine's engine sends may name any image of this one's.

It runs as a script and imports nothing but the standard library: ``python3 -I -c SCRIPT NAME``, from its standard input
to its standard output.
"""

from __future__ import annotations

import io
import json
import posixpath
import sys
import tarfile
from typing import Any, BinaryIO

_MOST_BYTES = 8 << 20
_LISTS = frozenset({"manifest.json", "index.json"})
_NAMED = "io.containerd.image.name"
_TAGGED = "org.opencontainers.image.ref.name"


def main(name: str) -> int:
    """The exit status: 1 for what is no archive of one image."""
    try:
        let_through(sys.stdin.buffer, sys.stdout.buffer, name)
    except (ValueError, KeyError, TypeError, AttributeError, tarfile.TarError) as error:
        sys.stderr.write(f"What came is no archive of one image: {error}\n")
        return 1
    return 0


def let_through(came: BinaryIO, goes: BinaryIO, name: str) -> None:
    """Raises ValueError, KeyError, TypeError, AttributeError or TarError."""
    with tarfile.open(fileobj=came, mode="r|") as old, tarfile.open(fileobj=goes, mode="w|") as new:
        for entry in old:
            path = posixpath.normpath(f"/{entry.name}").lstrip("/")
            if not path or path == "repositories":  # what older engines list names in
                continue
            entry.name = path
            if entry.isreg() and path in _LISTS:
                text = _renamed(path, _read(old, entry), name)
                entry.size = len(text)
                new.addfile(entry, io.BytesIO(text))
            elif entry.isreg():
                new.addfile(entry, old.extractfile(entry))
            elif entry.isdir() or (entry.issym() and path.endswith("/layer.tar")):
                new.addfile(entry)
            else:
                raise ValueError(f"it holds {path[:100]!r}, which is no plain file")
    while came.read(1 << 16):  # whoever sends it is heard to the end
        pass


def _read(old: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    if entry.size > _MOST_BYTES:
        raise ValueError(f"{entry.name} has {entry.size} bytes")
    file = old.extractfile(entry)
    return b"" if file is None else file.read()


def _renamed(path: str, text: bytes, name: str) -> bytes:
    held: Any = json.loads(text)
    if path == "manifest.json":
        if not isinstance(held, list) or len(held) != 1:
            raise ValueError("it does not hold exactly one image")
        held[0]["RepoTags"] = [name]
        return json.dumps(held).encode()
    for number, each in enumerate(held["manifests"]):
        kept = {key: said for key, said in (each.get("annotations") or {}).items() if key not in {_NAMED, _TAGGED}}
        own = {_NAMED: _whole(name), _TAGGED: name.rpartition(":")[2]} if number == 0 else {}
        each["annotations"] = {**kept, **own}
    return json.dumps(held).encode()


def _whole(name: str) -> str:
    """The name as engines keep it, with its registry."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
