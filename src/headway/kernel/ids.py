"""Identifiers: random ones for rows, readable ones for applications."""

from __future__ import annotations

import re
import secrets

from headway.kernel.errors import InvalidInput

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_LENGTH = 21
_ID = re.compile(rf"[A-Za-z0-9_-]{{{_LENGTH}}}")
_IN_NAMES = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_id() -> str:
    """A nanoid: 21 characters of a 64-letter URL-safe alphabet, nearly 126 random bits. The first is a letter or digit:
    on a command line, what begins with a hyphen is an option.
    """
    first = secrets.choice(_ALPHABET.rstrip("_-"))
    return first + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def is_id(text: str) -> bool:
    """Whether this could be the id of a row."""
    return _ID.fullmatch(text) is not None


def checked_id(text: str) -> str:
    """The text itself, if it can be a file name and part of a program's name. Raises InvalidInput."""
    if not _IN_NAMES.fullmatch(text):
        raise InvalidInput(f"{text!r} is no identifier: it has letters, digits, _ and - only, 64 at most.")
    return text


def new_key(prefix: str = "") -> str:
    """An API key of 64 characters (some clients insist on that length): the prefix and hexadecimal ones."""
    return prefix + secrets.token_hex(32)[len(prefix) :]


def slug(name: str) -> str:
    """``name`` as a host-name label: lower case, digits, inner hyphens, at most 40 characters; "" if none is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
