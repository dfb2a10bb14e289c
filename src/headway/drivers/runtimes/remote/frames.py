"""Messages between panel and attendant: JSON, each with its length before it."""

from __future__ import annotations

import json
import struct
from typing import Any

HEAD = struct.Struct("!I")
LONGEST = 64 << 20
Json = Any


def framed(message: Json) -> bytes:
    """The bytes of a message."""
    body = json.dumps(message).encode()
    return HEAD.pack(len(body)) + body


def length_of(head: bytes, most_bytes: int = LONGEST) -> int:
    """How many bytes follow. Raises ValueError where nobody would send that."""
    length: int = HEAD.unpack(head)[0]
    if length > most_bytes:
        raise ValueError(length)
    return length
