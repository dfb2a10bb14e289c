"""API keys as they are stored: by digest only, so that whoever reads the database can use none."""

from __future__ import annotations

import hashlib

from headway.kernel.errors import InvalidInput

_LONGEST = 512
_SHOWN = 6  # characters that a key is known by in lists
_LEAST_HIDDEN = 26


def digest(key: str) -> str:
    """The SHA-256 of a key in hexadecimal. Keys are long and random, so a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def start_of(key: str, prefix: str | None) -> str | None:
    """The characters that a key is known by; None for one so short that they would give it away."""
    shown = len(prefix or "") + _SHOWN
    return key[:shown] if len(key) >= shown + _LEAST_HIDDEN else None


def check(key: str) -> None:
    """Whether a key that somebody chose can travel in a header. Raises InvalidInput."""
    if not 0 < len(key) <= _LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            f"An API key is 1 to {_LONGEST} printable ASCII characters without spaces; this one is not. "
            "Set HEADWAY_OWNER_KEY to such a key, or leave it out and one is made."
        )
