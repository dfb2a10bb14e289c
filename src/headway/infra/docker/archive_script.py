"""Lets the archive of one image through, as an engine saves it, and leaves it no name but the one that is expected:
what another machine's engine sends may name any image of this one's.

It runs as a script and imports nothing but the standard library: ``python3 -I -c SCRIPT NAME``, from its standard input
to its standard output.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from typing import Any, BinaryIO, TypeVar

_T = TypeVar("_T")

_MOST_BYTES = 8 << 20
_MANIFEST = "manifest.json"
_INDEX = "index.json"
_REPOSITORIES = "repositories"  # what older engines list names in
_NAMED = "io.containerd.image.name"
_TAGGED = "org.opencontainers.image.ref.name"
_PART = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.-]{1,128}"
_PATH = re.compile(rf"{_PART}(?:/{_PART}){{0,7}}", re.ASCII)  # nothing that any two readers could read differently
_LAYER = re.compile(rf"{_PART}/layer\.tar", re.ASCII)
_TO_LAYER = re.compile(rf"\.\./{_PART}/layer\.tar", re.ASCII)


def main(name: str) -> int:
    """The exit status: 1 for what is no archive of one image."""
    try:
        let_through(sys.stdin.buffer, sys.stdout.buffer, name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, tarfile.TarError) as error:
        sys.stderr.write(f"What came is no archive of one image: {error}\n")
        return 1
    return 0


def let_through(came: BinaryIO, goes: BinaryIO, name: str) -> None:
    """Writes an archive of its own, of which nothing but checked paths, lengths and modes, and what the files hold, is
    what came. Raises ValueError, KeyError, TypeError, AttributeError, RecursionError or TarError.
    """
    seen: set[str] = set()  # what is no folder, and may neither come again nor have anything below it
    with (
        tarfile.open(fileobj=came, mode="r|") as old,
        tarfile.open(fileobj=goes, mode="w|", format=tarfile.GNU_FORMAT) as new,
    ):
        for entry in old:
            _check(entry, seen)
            if entry.name == _REPOSITORIES:
                continue
            made = tarfile.TarInfo(entry.name)  # a new one: what extended headers say goes before all else
            made.mode = entry.mode & 0o777
            if entry.isdir() or entry.issym():
                made.type, made.linkname = (tarfile.SYMTYPE, entry.linkname) if entry.issym() else (tarfile.DIRTYPE, "")
                new.addfile(made)
            elif entry.name in {_MANIFEST, _INDEX}:
                held = json.loads(_read(old, entry))
                text = json.dumps(_manifest(held, name) if entry.name == _MANIFEST else _index(held, name)).encode()
                made.size = len(text)
                new.addfile(made, io.BytesIO(text))
            else:
                made.size = entry.size
                new.addfile(made, old.extractfile(entry))
    if _MANIFEST not in seen:
        raise ValueError("it does not say what the image consists of")
    while came.read(1 << 16):  # whoever sends it is heard to the end
        pass


def _check(entry: tarfile.TarInfo, seen: set[str]) -> None:
    path = entry.name
    is_file = entry.isreg() and not entry.issparse() and entry.size >= 0
    is_folder = entry.isdir() and path not in {_MANIFEST, _INDEX, _REPOSITORIES}
    is_link = entry.issym() and bool(_LAYER.fullmatch(path)) and bool(_TO_LAYER.fullmatch(entry.linkname))
    if not _PATH.fullmatch(path) or not (is_file or is_folder or is_link):
        raise ValueError(f"it holds {path[:100]!r}, which is no plain file")
    if path in seen:
        raise ValueError(f"{path} comes twice")
    parts = path.split("/")
    if any("/".join(parts[:count]) in seen for count in range(1, len(parts))):
        raise ValueError(f"{path} lies below what is no folder")
    if not is_folder:
        seen.add(path)


def _read(old: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    if entry.size > _MOST_BYTES:
        raise ValueError(f"{entry.name} has {entry.size} bytes")
    file = old.extractfile(entry)
    return b"" if file is None else file.read()


def _manifest(held: object, name: str) -> list[dict[str, Any]]:
    """What it says, built anew: engines read keys in whatever case, and take the last."""
    (image,) = _typed(held, list)
    layers = image["Layers"] if image["Layers"] is not None else []
    return [
        {
            "Config": _typed(image["Config"], str),
            "RepoTags": [name],
            "Layers": [_typed(each, str) for each in _typed(layers, list)],
        }
    ]


def _index(said: object, name: str) -> dict[str, Any]:
    held = _typed(said, dict)
    (image,) = _typed(held["manifests"], list)
    made: dict[str, Any] = {"mediaType": _typed(image["mediaType"], str), "digest": _typed(image["digest"], str)}
    made["size"] = _typed(image["size"], int)
    if image.get("platform") is not None:
        made["platform"] = _platform(image["platform"])
    made["annotations"] = {_NAMED: _whole(name), _TAGGED: name.rpartition(":")[2]}
    kind = {} if held.get("mediaType") is None else {"mediaType": _typed(held["mediaType"], str)}
    return {"schemaVersion": _typed(held["schemaVersion"], int), **kind, "manifests": [made]}


def _platform(said: object) -> dict[str, Any]:
    held = _typed(said, dict)
    words = ("architecture", "os", "os.version", "variant")
    made: dict[str, Any] = {word: _typed(held[word], str) for word in words if word in held}
    if "os.features" in held:
        made["os.features"] = [_typed(each, str) for each in _typed(held["os.features"], list)]
    return made


def _typed(held: object, kind: type[_T]) -> _T:
    if type(held) is not kind:  # a truth value is no number
        raise TypeError(f"it says {str(held)[:100]!r}, which is no {kind.__name__}")
    return held


def _whole(name: str) -> str:
    """The name as engines keep it, with its registry."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
