"""A storage: how rclone reaches it, and what of that may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from headway.infra.hosts.command import Account
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

PARTIAL = ".partial"


class StorageRefused(HeadwayError):
    """The storage cannot be used as asked; the sentence says what it answered, and what to do."""


class StorageSilent(StorageRefused):
    """The storage did not answer in time: it would not answer another question either."""


class ObjectMissing(StorageRefused):
    """There is no such object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A storage. ``root`` is what paths lie below, in rclone's words (``dest:bucket`` or an absolute folder); ``env``
    holds its credentials; ``flags`` are rclone's own, already judged. With ``sealed`` objects are encrypted on their
    way there and decrypted on their way back. ``account`` is who reaches it; None: the panel's own. It is ``guarded``
    where whoever named it may not use the machine: its ``addresses`` lead to the internet, and of what it says only
    what is known is told.
    """

    root: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: tuple[str, ...] = ()
    sealed: bool = False
    account: Account | None = None
    guarded: bool = False
    addresses: tuple[str, ...] = ()

    @property
    def folder(self) -> str | None:
        """The folder on this machine, None where it lies elsewhere."""
        return self.root if self.root.startswith("/") else None

    @property
    def is_s3(self) -> bool:
        """Whether an upload that is cut off leaves parts there, which are no object yet."""
        return self.env.get("RCLONE_CONFIG_DEST_TYPE") == "s3"

    def at(self, path: str) -> str:
        """A path below the root, as rclone takes it."""
        return f"sealed:{path}" if self.sealed else f"{self.root}/{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An object or folder of a listing; ``bytes`` is -1 for a folder."""

    path: str
    name: str
    bytes: int
    is_folder: bool
    modified: str
