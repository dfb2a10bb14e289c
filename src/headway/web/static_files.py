"""Styles, scripts and pictures of the pages: under an address that changes with them, so that they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from headway.http.answers import Answer

PREFIX = "/static/"
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGEST_BYTES = 8


class StaticFiles:
    """The files of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        found = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for name, body in self._files.items():
            digest.update(b"%s %d\n%s" % (name.encode(), len(body), body))
        self.digest = digest.hexdigest()  # another one when any of them is another
        self._base = f"{PREFIX}{self.digest}/"

    def address(self, name: str) -> str:
        """The address of a file. Raises LookupError where there is none."""
        if name not in self._files:
            raise LookupError(name)
        return self._base + name

    def answer(self, path: str) -> Answer | None:
        """The file at an address, None where there is none."""
        name = path.removeprefix(self._base)
        if name == path or name not in self._files:
            return None
        headers = (
            (b"content-type", _TYPES[Path(name).suffix].encode()),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"cross-origin-resource-policy", b"same-origin"),
        )
        return Answer(status=200, headers=headers, body=self._files[name])
