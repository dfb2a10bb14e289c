"""Archives as people and their enemies make them."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

FILES = {"app.py": "print(1)\n", "web/index.html": "<p>one</p>\n"}


def tar(path: Path, files: Mapping[str, str], *more: tarfile.TarInfo, compressed: str = "gz") -> Path:
    """A tar with the files, and then further entries."""
    with tarfile.open(path, f"w:{compressed}", format=tarfile.GNU_FORMAT) as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            archive.addfile(entry(name, size=len(text.encode())), io.BytesIO(text.encode()))
        for info in more:
            archive.addfile(info, io.BytesIO(b"\0" * info.size) if info.isreg() else None)
    return path


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, *, target: str = "", mode: int = 0o644, size: int = 0
) -> tarfile.TarInfo:
    """An entry of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size, info.mtime = kind, target, mode, size, 1_700_000_000
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link."""
    return entry(name, tarfile.SYMTYPE, target=target)


def zipped(path: Path, files: Mapping[str, str], modes: Mapping[str, int] | None = None) -> Path:
    """A zip; ``modes`` are those of files that are no plain ones."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0))
            info.create_system = 3
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, text, zipfile.ZIP_DEFLATED)
    return path
