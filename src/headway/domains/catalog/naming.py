"""Names of services: what a person may write, and the host name that is made of it."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable

from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug

_LONGEST = 255
_SUFFIX_BYTES = 3


def check_name(name: str, whose: str = "An application's") -> None:
    """Any printable text is a name, shell characters too: it is in no path and no command. Raises InvalidInput."""
    if not name.strip() or len(name) > _LONGEST:
        raise InvalidInput(f"{whose} name has 1 to {_LONGEST} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise InvalidInput(f"{whose} name cannot hold control characters.")


def app_name_for(name: str, is_taken: Callable[[str], bool]) -> str:
    """The host name of a new service: its name in lower case, with a random ending only where that is taken.

    Raises InvalidInput for a name without a letter or digit.
    """
    wanted = slug(name)
    if not wanted:
        raise InvalidInput(f"No host name can be made of {name!r}: use at least one letter or digit (a-z, 0-9).")
    candidate = wanted
    while is_taken(candidate):
        candidate = f"{wanted}-{secrets.token_hex(_SUFFIX_BYTES)}"
    return candidate
