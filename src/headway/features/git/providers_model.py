"""Git providers as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from urllib.parse import urlsplit

from headway.drivers.forges.base import ForgeConnection, ForgeName
from headway.drivers.forges.registry import FORGES
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_LONGEST_URL = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class GitProvider:
    """A forge with what opens it, as lists show it: its secrets stay sealed, and ``has`` names those that there are.
    ``api_url`` is None where it follows from ``url``. ``facts`` are what its forge needs beside that (``user``,
    ``group``, ``app_id``, …). One that is not ``shared`` only its maker and the owners see. ``guarded``: whoever gave
    its address may not use the machine, and it leads to the internet only.
    """

    provider_id: str
    organization_id: str
    forge: ForgeName
    name: str
    url: str
    api_url: str | None
    facts: Mapping[str, str]
    has: frozenset[str]
    created_by: str
    created_at: datetime
    shared: bool = True
    guarded: bool = False

    @property
    def git_provider_id(self) -> str:
        """The id by the name that clients and the audit log have for it."""
        return self.provider_id

    def connection(self, secrets: Mapping[str, str]) -> ForgeConnection:
        """With what the forge is asked."""
        token, key = secrets.get("token"), secrets.get("private_key")
        return ForgeConnection(
            forge=self.forge,
            provider_id=self.provider_id,
            url=self.url,
            api_url=self.api_url or FORGES[self.forge].api_of(self.url),
            user=self.facts.get("user", ""),
            group=self.facts.get("group", ""),
            app_id=self.facts.get("app_id", ""),
            installation_id=self.facts.get("installation_id", ""),
            token=Secret(token) if token else None,
            private_key=Secret(key) if key else None,
            guarded=self.guarded,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """A provider as somebody asks for it. What is None stays as it is; an empty text takes it away."""

    name: str | None = None
    url: str | None = None
    api_url: str | None = None
    facts: Mapping[str, str | None] = field(default_factory=dict)
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)


def changed(before: Mapping[str, str], wished: Mapping[str, str | None]) -> dict[str, str]:
    """The texts with those that were sent."""
    merged = {**before, **{name: value for name, value in wished.items() if value is not None}}
    return {name: value for name, value in merged.items() if value}


def checked_url(forge: ForgeName, url: str | None) -> str:
    """The address of a forge, its usual one where none is given. Raises InvalidInput."""
    text = (url or "").strip().rstrip("/") or FORGES[forge].url
    if not _is_address(text):
        raise InvalidInput(
            "The address of a forge begins with https:// or http://, and holds neither credentials nor a query."
        )
    return text


def _is_address(text: str) -> bool:
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _LONGEST_URL:
        return False
    try:
        parts = urlsplit(text)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and "@" not in parts.netloc and not parts.query and not parts.fragment
