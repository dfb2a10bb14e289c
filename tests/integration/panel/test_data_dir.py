"""The data directory of a panel that was killed is the next one's at once."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Timer

import pytest

from headway.infra.panel.data_dir import DataDir, DataDirInUse


def held(path: Path) -> int:
    """The lock, as a process has it that a panel was just starting when it was killed."""
    DataDir.open(path).close()
    descriptor = os.open(path / "lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def test_whoever_still_has_the_lock_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    lets_go = Timer(0.3, os.close, [held(tmp_path)])
    lets_go.start()
    DataDir.open(tmp_path).close()
    lets_go.join()


def test_whoever_keeps_it_is_named(tmp_path: Path) -> None:
    descriptor = held(tmp_path)
    with pytest.raises(DataDirInUse, match=f"process {os.getpid()}"):
        DataDir.open(tmp_path)
    os.close(descriptor)
