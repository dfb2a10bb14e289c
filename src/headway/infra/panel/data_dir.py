"""The data directory: one panel at a time, its identity and key, and the folders that unprivileged accounts reach."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Self

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, HeadwayError
from headway.kernel.vault import Vault

# What belongs to this machine, or is made anew: no part of a backup.
KEPT_APART = frozenset(
    {"lock", "run", "work", "uploads", "backups", "passing", "ballast", "daemon.json", "traefik.log", "traefik.old"}
)
_LOCK_SECONDS = 2.0  # what a panel was just starting when it was killed has the lock until it is another program
_SHELTER = Path("/var/lib/headway-work")
_PANEL_ID_BYTES = 6
_UIDS = 1_879_100_000  # above what systemd gives to containers (uids and gids on systemd systems, systemd.io)
_UIDS_OF_A_PANEL = 100_000
_PANELS = 2_600  # so that all uids fit 31 bits: the database and old programs hold no larger ones


class OwnProgram(IntEnum):
    """Programs of ours that have an account of their own, by its number from the last one of the panel's down: the
    services' are counted from the first one up. What has OUTWARD as its group reaches the internet only; TOOLCHAINS
    fetches languages.
    """

    EDGE = 1
    TRIAL = 2
    OUTWARD = 3
    TOOLCHAINS = 4
    CHANNELS = 5


class DataDirInUse(Conflict):
    """Another panel works with this data directory."""


class DataDirUnusable(HeadwayError):
    """The data directory cannot be made or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDir:
    """An opened data directory. ``work`` is the root of what builds and applications reach: below the directory
    itself, or beside it where a parent is closed to other accounts. ``uid_base`` is None unless the panel is root.
    ``lock`` is None for whoever works there beside the panel.
    """

    path: Path
    work: Path
    panel_id: str
    vault: Vault
    lock: int | None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Makes what is missing and takes the lock. Raises DataDirInUse, DataDirUnusable."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            return cls._made(path, _lock(path))
        except OSError as error:
            raise DataDirUnusable(
                f"The data directory {path} cannot be used: {error.strerror}. Choose another with --data-dir."
            ) from error

    @classmethod
    def beside(cls, path: Path) -> Self:
        """A directory that a panel works with, for what serves it in a process of its own. Raises DataDirUnusable."""
        if not (path / "panel.id").exists():
            raise DataDirUnusable(
                f"{path} is no data directory of a panel. 'headway install' and 'headway serve' make one."
            )
        return cls._made(path, None)

    @classmethod
    def _made(cls, path: Path, lock: int | None) -> Self:
        if _is_root():
            path.chmod(0o711)
        panel_id = _kept(path / "panel.id", lambda: secrets.token_hex(_PANEL_ID_BYTES).encode()).decode()
        key = _kept(path / "vault.key", Vault.new_key)
        work = _work_folder(path)
        for folder in (path / "run", path / "logs"):
            folder.mkdir(mode=0o700, exist_ok=True)
        return cls(path=path, work=work, panel_id=panel_id, vault=Vault(key), lock=lock)

    @property
    def vault_key(self) -> Path:
        """The key of everything that is stored encrypted."""
        return self.path / "vault.key"

    @property
    def logs(self) -> Path:
        """The logs of deployments."""
        return self.path / "logs"

    @property
    def uploads(self) -> Path:
        """Uploads while they come in."""
        return self.path / "uploads"

    @property
    def runs(self) -> Path:
        """Run folders and epochs of this machine as a host."""
        return self.path / "run"

    @property
    def ballast(self) -> Path:
        """A file that only takes up space."""
        return self.path / "ballast"

    @property
    def home(self) -> str:
        """An empty folder, which is nobody's: where programs begin that are to find nothing."""
        return str(self.work / "empty")

    @property
    def trial_uid(self) -> int | None:
        """The last of this panel's accounts: it tries what is not kept yet, and so has none of its own."""
        return None if self.uid_base is None else self.uid_base + _UIDS_OF_A_PANEL - 1

    @property
    def uid_base(self) -> int | None:
        """The first uid of this panel's accounts; two panels of one machine have different ones."""
        return self._uids if _is_root() else None

    @property
    def outward_gid(self) -> int | None:
        """The group of whatever is to reach the internet only."""
        return None if self.uid_base is None else self.account_of(OwnProgram.OUTWARD)

    @property
    def channels_uid(self) -> int | None:
        """The account that tells by Apprise."""
        return None if self.uid_base is None else self.account_of(OwnProgram.CHANNELS)

    def account_of(self, program: OwnProgram) -> int:
        """The uid and gid of a program of ours, on machines where we are root."""
        return self._uids + _UIDS_OF_A_PANEL - program

    @property
    def _uids(self) -> int:
        number = int.from_bytes(hashlib.sha256(self.panel_id.encode()).digest()[:4])
        return _UIDS + number % _PANELS * _UIDS_OF_A_PANEL

    @property
    def accounts(self) -> range | None:
        """The uids of those that build and run what users bring, which are all but git's; None unless root."""
        first = self.uid_base
        return None if first is None else range(first + 1, first + _UIDS_OF_A_PANEL)

    def close(self) -> None:
        """Gives the directory back."""
        if self.lock is not None:
            os.close(self.lock)


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _is_ours(descriptor, _LOCK_SECONDS):
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise DataDirInUse(
            f"Another panel (process {holder or 'unknown'}) works with the data directory {path}. Stop it first, or "
            "give this one a directory of its own with --data-dir."
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _is_ours(descriptor: int, seconds: float) -> bool:
    """Whether nobody else has the lock, or has let go of it within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _kept(path: Path, new: Callable[[], bytes]) -> bytes:
    """The content of a file that is made once; written beside and renamed, so that it is never half there."""
    if not path.exists():
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, new())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.rename(path)
        sync_folder(path.parent)
    return path.read_bytes()


def holder_of(path: Path) -> int | None:
    """The process of the panel that works with the directory now, None where there is none. Takes no lock itself, which
    would refuse a panel that starts at this moment.
    """
    try:
        found = (path / "lock").stat()
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    inode = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for fields in (line.split() for line in locks):
        if fields[1] == "FLOCK" and fields[5] == inode:
            return int(fields[4])
    return None


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def work_of(path: Path) -> Path:
    """Where unprivileged accounts can reach their folders: some parents (/root, a private temporary folder) let nobody
    pass, and then they lie in a place of their own.
    """
    if _is_root() and not all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents):
        return shelter_of(path)
    return path / "work"


def shelter_of(path: Path) -> Path:
    """The place of its own where that of a data directory with such a parent lies."""
    return _SHELTER / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]


def _work_folder(path: Path) -> Path:
    work = work_of(path)
    work.mkdir(mode=0o711, parents=True, exist_ok=True)
    if work.is_relative_to(_SHELTER):
        _SHELTER.chmod(0o711)
    work.chmod(0o711)
    (work / "empty").mkdir(mode=0o555, exist_ok=True)
    return work


def _is_root() -> bool:
    return os.geteuid() == 0
