"""Image registries as records."""

from __future__ import annotations

import re
from datetime import datetime

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_URL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry as lists show it; its password stays sealed. An empty ``url`` is Docker Hub. ``guarded``: who gave its
    address may not use the machine, and it leads to the internet only.
    """

    registry_id: str
    organization_id: str
    name: str
    url: str
    image_prefix: str | None
    username: str
    created_at: datetime
    guarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What opens a registry; ``image_prefix`` is what its images are called by before their own names."""

    url: str
    username: str
    password: Secret
    image_prefix: str | None = None
    guarded: bool = False


def checked_url(url: str) -> str:
    """The address of a registry as images name it. Raises InvalidInput."""
    bare = url.strip().removeprefix("https://").removeprefix("http://").rstrip("/")
    if bare and not _URL.fullmatch(bare):
        raise InvalidInput(f"{url!r} is no address of a registry: give a host name, such as registry.example.org:5000.")
    return bare
