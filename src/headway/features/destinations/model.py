"""Destinations of backups as records, and the storages that they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headway.core.access.machine import Need, Power
from headway.drivers.storages.base import Storage
from headway.drivers.storages.rclone_passwords import obscured
from headway.drivers.storages.rclone_policy import (
    LOCAL,
    S3,
    addresses_of,
    check_bucket,
    check_flags,
    check_type,
    judged_options,
)
from headway.infra.hosts.command import Account, led
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_PASSWORDS = frozenset({"pass", "key_file_pass", "password"})
_ENV = "RCLONE_CONFIG_DEST_"
_PLACE = re.compile(r"url|host|endpoint|addr|server|proxy|namenode|region", re.IGNORECASE)  # options that say where
_MEASURE = re.compile(r"(\d+(\.\d+)?[a-z]+)*(\d+(\.\d+)?)?", re.IGNORECASE)  # numbers, sizes and times


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """How a storage is reached. ``type`` is rclone's name of its kind, ``provider`` whose S3 it is; ``options`` are
    rclone's own for what is no S3. A ``local`` one is a folder of the panel's own, which nobody names. ``guarded``: who
    said where it is may not use the machine, and it leads to the internet only.
    """

    type: str = S3
    provider: str | None = None
    access_key: str = ""
    secret_access_key: str = field(default="", repr=False)
    bucket: str = ""
    region: str = ""
    endpoint: str = ""
    additional_flags: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    server_id: str | None = None
    guarded: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.type == LOCAL or (self.provider or "").lower() == LOCAL

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must show nowhere."""
        return tuple(each for each in (self.secret_access_key, *self.options.values()) if each)

    @property
    def address(self) -> tuple[str, ...]:
        """Whom what opens the storage is shown to."""
        named = [self.options.get(name, "") for name in addresses_of(self.type)]
        return (self.type, (self.provider or "").lower(), self.endpoint.rstrip("/"), *named)

    @property
    def places(self) -> Mapping[str, str]:
        """What says where it is, by its name: all that a program may take for a part of an address."""
        said = {"endpoint": self.endpoint, "region": self.region, **self.options}
        flags = (each.partition("=") for each in self.additional_flags)
        named = {name: value for name, _, value in flags if not _MEASURE.fullmatch(value)}
        return {name: value for name, value in said.items() if _PLACE.search(name)} | named

    @property
    def addresses(self) -> tuple[str, ...]:
        """What it is spoken to by, as far as that is said."""
        named = (self.options.get(name, "") for name in addresses_of(self.type))
        return tuple(each for each in (self.endpoint, *named) if each)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> StorageConfig:
        """What ``dump`` wrote; unknown keys are of a later version and dropped."""
        known = {each.name for each in fields(StorageConfig)}
        given = {name: value for name, value in values.items() if name in known}
        return StorageConfig(**{**given, "additional_flags": tuple(given.get("additional_flags", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination, as it is kept sealed; its ``name`` is for people. ``account`` is the number of the account that
    reaches it, and nothing else.
    """

    destination_id: str
    organization_id: str
    name: str
    reach: StorageConfig
    created_at: datetime
    account: int | None = None

    def account_of(self, uid_base: int | None, outward: int | None) -> Account | None:
        """The account; None where there are none. ``outward`` is the group of what reaches the internet only."""
        if uid_base is None or self.account is None:
            return None
        uid = uid_base + self.account
        return led(Account(uid=uid, gid=uid), outward if self.reach.guarded else None)


def judged_reach(reach: StorageConfig) -> StorageConfig:
    """The same, after all that can be told without asking the storage, its options by rclone's names. Raises
    InvalidInput.
    """
    check_flags(reach.additional_flags)
    if reach.is_local:
        return reach
    check_type(reach.type)
    if reach.type == S3:
        _check_s3(reach)
    if any("\n" in each for each in (reach.bucket, reach.region, reach.endpoint, reach.access_key)):
        raise InvalidInput("Bucket, region, endpoint and access key are one line each.")
    check_bucket(reach.bucket)
    return replace(reach, options=judged_options(reach.type, reach.options))


def needs_of(reach: StorageConfig) -> set[Need]:
    """What it needs of the machine: a folder there, with what rclone is told about it."""
    return {Need(power=Power.DESTINATION, value=" ".join(reach.additional_flags))} if reach.is_local else set()


def storage_of(
    reach: StorageConfig, folder: Path, password: Secret | None = None, account: Account | None = None
) -> Storage:
    """The storage; ``folder`` is where a local one lies. With a password objects are encrypted there."""
    if reach.is_local:
        plain = Storage(root=str(folder), flags=reach.additional_flags, account=account)
    else:
        options = _s3_options(reach) if reach.type == S3 else _options(reach)
        env = {f"{_ENV}{name.upper()}": value for name, value in options.items() if value}
        plain = Storage(
            root=f"dest:{reach.bucket.strip('/')}",
            env=env,
            flags=reach.additional_flags,
            account=account,
            guarded=reach.guarded,
            addresses=reach.addresses,
        )
    return plain if password is None else _sealed(plain, password)


def _sealed(plain: Storage, password: Secret) -> Storage:
    """The same with rclone's own encryption before it: names stay as they are, contents are authenticated."""
    options = {
        "type": "crypt",
        "remote": plain.root,
        "filename_encryption": "off",
        "directory_name_encryption": "false",
        "suffix": "none",
        "password": obscured(password.reveal()),
    }
    env = {f"RCLONE_CONFIG_SEALED_{name.upper()}": value for name, value in options.items()}
    return replace(plain, env={**plain.env, **env}, sealed=True)


def _check_s3(reach: StorageConfig) -> None:
    if not reach.bucket.strip("/"):
        raise InvalidInput("Name the bucket.")
    if reach.endpoint and not reach.endpoint.startswith(("https://", "http://")) and "://" in reach.endpoint:
        raise InvalidInput(f"{reach.endpoint!r} is no address of an S3 storage: it begins with https://.")


def _s3_options(reach: StorageConfig) -> dict[str, str]:
    return {
        "provider": reach.provider or "Other",
        "access_key_id": reach.access_key,
        "secret_access_key": reach.secret_access_key,
        "region": reach.region,
        "endpoint": reach.endpoint,
        "no_check_bucket": "true",  # or a name that was mistyped would make a bucket
        "chunk_size": "16M",  # a stream of unknown size has at most 10,000 parts: 156 GiB
        "upload_concurrency": "4",
        **reach.options,
        "type": S3,
        "env_auth": "false",
    }


def _options(reach: StorageConfig) -> dict[str, str]:
    given = {name: obscured(value) if name in _PASSWORDS else value for name, value in reach.options.items()}
    return {**given, "type": reach.type}
