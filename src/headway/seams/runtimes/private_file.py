"""Files that only Headway may read, whole at every moment, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_privately(path: Path, text: str, *, beside: Path | None = None) -> None:
    """Writes a file for our eyes only, synced and renamed into place; until then it is in the folder ``beside`` (its
    own without one), so that a folder that somebody follows shows whole files only.
    """
    new = (beside or path.parent) / f".{path.name}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
