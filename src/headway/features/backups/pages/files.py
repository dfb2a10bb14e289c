"""How a file of a destination is named in an address: its path has slashes, which an address parts at."""

from __future__ import annotations

import base64
import binascii

from headway.core.access.policy import Missing, Noun

_LONGEST = 6_000


def file_id(path: str) -> str:
    """The name of a path."""
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


def path_of(file: str) -> str:
    """The path of a name. Raises Missing for what names none."""
    try:
        if len(file) > _LONGEST or not file.isascii():
            raise Missing(Noun.BACKUP)
        found = base64.b64decode(file + "=" * (-len(file) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Missing(Noun.BACKUP) from None
    return found
