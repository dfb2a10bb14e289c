"""What lies at destinations, as records, and which of it may go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from headway.core.deployments.model import SubjectType
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_PREFIX = re.compile(r"[A-Za-z0-9._@+= -]+")
_LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """An object that was read back and found whole before it got its name. ``bytes`` and ``sha256`` are of what was
    handed to the storage, ``contents`` is its length unpacked; ``proven_at`` is when it was last restored on trial.
    """

    kept_file_id: str
    subject_type: SubjectType
    subject_id: str
    destination_id: str
    deployment_id: str
    path: str
    bytes: int
    contents: int
    sha256: str
    sealed: bool
    made_at: datetime
    proven_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOf:
    """What a backup has left: how many files of how many bytes, the newest of them, and when one of them was last
    restored on trial (None: never).
    """

    number: int
    bytes: int
    newest: KeptFile
    proven_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many are kept, and for how long; None: all, for ever."""

    number: int | None = None
    age: timedelta | None = None


def to_remove(files: Sequence[KeptFile], keep: Keep, now: datetime) -> list[KeptFile]:
    """Which files are beyond what is kept. Never the newest, and never the newest that was proven restorable: the last
    good one stays, however old it is.
    """
    ordered = sorted(files, key=lambda each: (each.made_at, each.kept_file_id), reverse=True)
    spared = {each.kept_file_id for each in ordered[:1]}
    spared |= {each.kept_file_id for each in [each for each in ordered if each.proven_at is not None][:1]}
    beyond = ordered[keep.number :] if keep.number is not None else []
    old = [each for each in ordered if keep.age is not None and each.made_at < now - keep.age]
    gone = {each.kept_file_id for each in (*beyond, *old)} - spared
    return [each for each in ordered if each.kept_file_id in gone]


def checked_prefix(prefix: str) -> str:
    """A prefix of names at a destination, without slashes around it; empty for none. Raises InvalidInput."""
    parts = [part for part in prefix.split("/") if part]
    if any(part in {".", ".."} or not _PREFIX.fullmatch(part) for part in parts) or len(prefix) > _LONGEST:
        raise InvalidInput(f"The prefix {prefix!r} is made of letters, digits, spaces and ._@+=- between slashes.")
    return "/".join(parts)


def path_of(app_name: str, prefix: str, made_at: datetime, deployment_id: str, suffix: str) -> str:
    """Where an object lies: no two have the same name, and names sort by time."""
    name = f"{made_at:%Y%m%dT%H%M%SZ}-{deployment_id}.{suffix}"
    return "/".join(part for part in (app_name, prefix, name) if part)


def checked_path(path: str) -> str:
    """The path of an object that a caller names. Raises InvalidInput."""
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} for part in parts) or not path.isprintable():
        raise InvalidInput(f"{path!r} is no file of a destination: name one as backup.listBackupFiles gives it.")
    if path.endswith(".partial"):
        raise InvalidInput(f"{path} was never finished, so nothing can be restored of it.")
    return path
