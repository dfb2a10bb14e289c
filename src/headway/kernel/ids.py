"""Identifiers: random ones for rows, readable ones for applications."""

from __future__ import annotations

import re
import secrets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_LENGTH = 21
_ID = re.compile(rf"[A-Za-z0-9_-]{{{_LENGTH}}}")


def new_id() -> str:
    """A nanoid: 21 characters of a 64-letter URL-safe alphabet, nearly 126 random bits. The first is a letter or digit:
    on a command line, what begins with a hyphen is an option.
    """
    first = secrets.choice(_ALPHABET.rstrip("_-"))
    return first + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def is_id(text: str) -> bool:
    """Whether this could be the id of a row."""
    return _ID.fullmatch(text) is not None


def new_key(prefix: str = "") -> str:
    """An API key of 64 characters (some clients insist on that length): the prefix and hexadecimal ones."""
    return prefix + secrets.token_hex(32)[len(prefix) :]


def slug(name: str) -> str:
    """``name`` as a host-name label: lower case, digits, inner hyphens, at most 40 characters; "" if none is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
