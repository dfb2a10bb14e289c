"""rclone's command line as values; credentials are in the environment only."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from headway.drivers.storages.base import Listed, Storage
from headway.kernel.dataclass import dataclass

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NO_FOLDER, NO_FILE = 3, 4  # its exit statuses (https://rclone.org/docs/#exit-code)

# What storages answer, in their own words, and what to do about it. The first that fits is said.
_ANSWERS: tuple[tuple[str, str], ...] = (
    (
        "connect: operation not permitted",
        "it leads to this machine or to a private network, which is for who may use the machine",
    ),
    (
        "cannot allocate memory|out of memory",
        "it takes more memory than it may; raise HEADWAY_STORAGE_MEMORY if that is meant to be so",
    ),
    (
        "RequestTimeTooSkewed|RequestTimeSkewed",
        "it refuses this machine's clock; set the time (timedatectl set-ntp true)",
    ),
    (
        "NoSuchBucket|bucket does not exist|ContainerNotFound",
        "there is no such bucket; make it, or correct its name",
    ),
    ("InvalidAccessKeyId", "it does not know the access key; correct it"),
    ("SignatureDoesNotMatch", "the secret key does not fit the access key; correct it"),
    (
        "AccessDenied|Forbidden|unable to authenticate|Unauthorized",
        "it denies access; give the key rights to list, read, write and delete there",
    ),
    (
        "no space left on device|disk quota exceeded|QuotaExceeded|insufficient storage",
        "it is full; make room there, or keep fewer backups",
    ),
    (
        "failed to authenticate decrypted block",
        "it was encrypted with another encryptionPassword than the backup has now, or is damaged; set that one again",
    ),
    ("no such host|server misbehaving", "there is no host of that name; correct the endpoint"),
    (
        "certificate|x509|tls:",
        "its certificate is not trusted here; install its authority's, or pass --no-check-certificate",
    ),
    (
        "connection (refused|reset)|is unreachable|no route to host|timeout|deadline|EOF|dial tcp|not seekable",
        "it does not answer; look whether it is up and can be reached from here",
    ),
    (
        "didn't find section|unsupported protocol scheme|invalid endpoint|Endpoint",
        "its address is not one; correct the endpoint",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rclone:
    """The program, and what is typed for it. The commands of one object take its path below the storage's root."""

    program: str

    @staticmethod
    def installed() -> Rclone:
        """The one that came with Headway, else the machine's."""
        own = Path(sys.prefix) / "bin" / "rclone"
        return Rclone(program=str(own) if own.exists() else shutil.which("rclone") or "rclone")

    def env(self, storage: Storage) -> Mapping[str, str]:
        """The whole environment of its commands."""
        return {"PATH": _PATH, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **storage.env}

    def upload(self, storage: Storage, path: str) -> tuple[str, ...]:
        """Writes its standard input to an object, and says every half minute how far it is."""
        return self._argv(
            storage,
            "rcat",
            "--inplace",
            "--stats=30s",
            "--stats-one-line",
            "--stats-log-level=NOTICE",
            storage.at(path),
        )

    def download(self, storage: Storage, path: str) -> tuple[str, ...]:
        """Writes an object to its standard output; of one that there is not, nothing."""
        return self._argv(storage, "cat", storage.at(path))

    def move(self, storage: Storage, source: str, target: str) -> tuple[str, ...]:
        """Gives an object another name."""
        return self._argv(storage, "moveto", "--no-traverse", storage.at(source), storage.at(target))

    def remove(self, storage: Storage, path: str) -> tuple[str, ...]:
        """Deletes an object; ends with 3 or 4 where there is none."""
        return self._argv(storage, "deletefile", storage.at(path))

    def drop_parts(self, storage: Storage, path: str) -> tuple[str, ...]:
        """Removes the parts of an object that was begun on an S3 storage and never finished; no listing shows them."""
        return self._argv(storage, "backend", "cleanup", "-o", "max-age=0s", f"{storage.root}/{path}")

    def list(self, storage: Storage, folder: str) -> tuple[str, ...]:
        """What lies in a folder, and not below it, as JSON."""
        return self._argv(storage, "lsjson", "--no-mimetype", storage.at(folder))

    def size(self, storage: Storage, path: str) -> tuple[str, ...]:
        """An object as JSON; a folder where there is none."""
        return self._argv(storage, "lsjson", "--stat", "--no-mimetype", storage.at(path))

    def _argv(self, storage: Storage, verb: str, *words: str) -> tuple[str, ...]:
        return (self.program, "--config=", "--retries=1", "--low-level-retries=3", *storage.flags, verb, *words)


def read_list(text: bytes, folder: str) -> Iterator[Listed]:
    """What ``Rclone.list`` printed, with paths below the storage's root."""
    for each in json.loads(text or b"[]"):
        path = "/".join(part for part in (folder.strip("/"), each["Path"]) if part)
        yield Listed(
            path=path, name=each["Name"], bytes=each["Size"], is_folder=each["IsDir"], modified=each["ModTime"]
        )


def explained(said: str, *, guarded: bool = False) -> str:
    """What a storage's words mean, in a clause that says what to do; where that is not known its own last line, but of
    one that is ``guarded``.
    """
    for words, meaning in _ANSWERS:
        if re.search(words, said, re.IGNORECASE):
            return meaning
    if guarded:
        return "it does not do what was asked of it; look whether address, name and keys are right"
    lines = [line for line in said.splitlines() if line.strip()]
    return _bare(lines[-1]) if lines else "it did not say why"


def _bare(line: str) -> str:
    """A line of rclone's without date and level."""
    return re.sub(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\w+ *: )?", "", line).strip().rstrip(".")
