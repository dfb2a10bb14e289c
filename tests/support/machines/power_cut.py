"""A disk that forgets what nobody has asked it to keep: a file system on a file, of which a power cut is a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# linux/ext4.h: EXT4_IOC_SHUTDOWN, and EXT4_GOING_FLAGS_NOLOGFLUSH.
_SHUT_DOWN = 0x8004587D
_WITHOUT_ITS_JOURNAL = (2).to_bytes(4, "little")


@dataclass(frozen=True)
class ForgetfulDisk:
    """What is written below ``mounted`` is in the memory of its file system first, and in no copy of its ``image``."""

    image: Path
    mounted: Path

    @contextmanager
    def after_a_power_cut(self) -> Iterator[Path]:
        """What is on the disk if the power goes now, as the next start of the machine finds it."""
        with tempfile.TemporaryDirectory(prefix="headway-cut-") as made:
            copy, place = Path(made) / "image", Path(made) / "mounted"
            _run("cp", "--sparse=always", "--reflink=never", str(self.image), str(copy))
            place.mkdir()
            with _mounted(copy, place):
                yield place

    def break_down(self) -> None:
        """From now on whatever is asked of it is an error of input or output, as of a disk that has died."""
        folder = os.open(self.mounted, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, _SHUT_DOWN, _WITHOUT_ITS_JOURNAL)
        finally:
            os.close(folder)


@contextmanager
def forgetful_disk(mebibytes: int = 256) -> Iterator[ForgetfulDisk]:
    """A disk of its own, through whose folders every account may pass."""
    made = Path(tempfile.mkdtemp(prefix="headway-disk-"))
    made.chmod(0o711)
    try:
        disk = ForgetfulDisk(made / "image", made / "mounted")
        disk.mounted.mkdir()
        with disk.image.open("wb") as image:
            image.truncate(mebibytes << 20)
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(disk.image))
        # Nothing of it is written by the clock alone within a test.
        with _mounted(disk.image, disk.mounted, "loop,commit=300"):
            disk.mounted.chmod(0o711)
            yield disk
    finally:
        shutil.rmtree(made)


@cache
def lacks_loop_devices() -> str:
    """Why there can be none on this machine, "" where there can."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin") is None:
        return "needs root and mkfs.ext4"
    try:
        with forgetful_disk(16):
            return ""
    except subprocess.CalledProcessError as error:
        return f"no file can be mounted here: {error.stderr}"


@contextmanager
def _mounted(image: Path, place: Path, options: str = "loop") -> Iterator[None]:
    _run("mount", "-o", options, str(image), str(place))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(place))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
