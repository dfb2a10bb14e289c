"""Where a forge shows what lies between two commits: decided from the address that git fetches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from headway.drivers.forges.base import ForgeName

_HASH = re.compile(r"[0-9a-f]{7,64}")
_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w-]+):(?!/)(?P<path>[^\s:]+)")
_KNOWN: Mapping[str, ForgeName] = MappingProxyType(
    {
        "github.com": ForgeName.GITHUB,
        "gitlab.com": ForgeName.GITLAB,
        "gitea.com": ForgeName.GITEA,
        "codeberg.org": ForgeName.GITEA,
        "bitbucket.org": ForgeName.BITBUCKET,
    }
)
_WAYS: Mapping[ForgeName, str] = MappingProxyType(
    {
        ForgeName.GITHUB: "/compare/{before}...{after}",
        ForgeName.GITLAB: "/-/compare/{before}...{after}",
        ForgeName.GITEA: "/compare/{before}...{after}",
        ForgeName.BITBUCKET: "/branches/compare/{after}%0D{before}",
    }
)


def comparison_link(url: str, before: str, after: str, forge: ForgeName | None = None) -> str | None:
    """The page of these two commits, of a repository that is fetched from ``url``; None where it is not known which
    ``forge`` that is, or where one of the two is no commit.
    """
    place = _place(url)
    if place is None or before == after or not (_HASH.fullmatch(before) and _HASH.fullmatch(after)):
        return None
    base, host = place
    known = forge or _KNOWN.get(host)
    return None if known is None else base + _WAYS[known].format(before=before, after=after)


def _place(url: str) -> tuple[str, str] | None:
    """Where people see a repository, and its host, without credentials and without the port of SSH."""
    if "://" not in url:
        found = _SCP.fullmatch(url)
        return None if found is None else _base("https", found["host"], found["path"])
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in {"http", "https", "ssh", "git"}:
        return None
    is_web = parts.scheme in {"http", "https"}
    return _base(parts.scheme if is_web else "https", f"{host}:{port}" if is_web and port else host, parts.path)


def _base(scheme: str, host: str, path: str) -> tuple[str, str] | None:
    plain = path.strip("/").removesuffix(".git")
    return (f"{scheme}://{host}/{quote(plain)}", host.lower()) if "/" in plain else None
