"""What goes to and fro between a command inside an application and whoever sits before it: pieces, each of a kind.

A message of a WebSocket is one of them: the letter of its kind, and what it holds. Between programs its length stands
in between.
"""

from __future__ import annotations

import struct
from enum import Enum

HEAD = struct.Struct("!cI")
PATH = "application-console"  # where a panel is asked to carry the pieces
LONGEST = 1 << 20  # the longest command, each of its characters written as six
MOST_UNTAKEN = 16
WITH_REASON = 1008  # with which a panel closes, and says why
WINDOW = struct.Struct("!HH")  # rows and columns


class Kind(Enum):
    """What a piece is: the first on its way says what to do (``TERMS``), the last how it has ended (``END``), both in
    JSON. An ``INPUT`` of nothing is the end of all input; each was handed on once it is ``TAKEN``, and of those that
    were not nobody sends more than ``MOST_UNTAKEN``.
    """

    TERMS = b"t"
    INPUT = b"i"
    TAKEN = b"k"
    WINDOW = b"w"
    OUTPUT = b"o"
    ERRORS = b"e"
    END = b"x"


FROM_OUTSIDE = frozenset({Kind.INPUT, Kind.WINDOW})


def framed(kind: Kind, data: bytes) -> bytes:
    """A piece as it goes between programs."""
    return HEAD.pack(kind.value, len(data)) + data


def head_of(data: bytes) -> tuple[Kind, int]:
    """The kind of a piece, and how many bytes follow. Raises ValueError where nobody would send that."""
    letter, length = HEAD.unpack(data)
    if length > LONGEST:
        raise ValueError(length)
    return Kind(letter), length


def message_of(data: bytes) -> tuple[Kind, bytes]:
    """What a message from outside is. Raises ValueError."""
    kind = Kind(data[:1])
    if kind not in FROM_OUTSIDE or (kind is Kind.WINDOW and len(data) != 1 + WINDOW.size):
        raise ValueError(kind)
    return kind, data[1:]
