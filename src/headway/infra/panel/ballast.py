"""Disk space held back, given up when the disk is full so that the ends of deployments can still be written."""

from __future__ import annotations

import os
from pathlib import Path

_ROOM_TO_SPARE = 4  # times its own size that the disk must have free before the ballast is taken


def take_ballast(path: Path, size: int) -> bool:
    """Fills the file to ``size`` bytes where the disk has room to spare; whether it is there."""
    if size == 0:
        path.unlink(missing_ok=True)
        return False
    if path.exists() and path.stat().st_size >= size:
        return True
    free = os.statvfs(path.parent)
    if free.f_bavail * free.f_frsize < size * _ROOM_TO_SPARE:
        return False
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
    return True


def drop_ballast(path: Path, least_free: int) -> bool:
    """Gives the space back when less than ``least_free`` bytes are free; whether it did."""
    free = os.statvfs(path.parent)
    if free.f_bavail * free.f_frsize >= least_free or not path.exists():
        return False
    path.unlink()
    return True
