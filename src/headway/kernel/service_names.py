"""Names of services: what a person may write, and the host name that is made of it."""

from __future__ import annotations

import secrets
import string
import unicodedata
from collections.abc import Callable

from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug

_LONGEST = 255
_LETTERS, _ENDING = string.ascii_lowercase + string.digits, 6


def check_name(name: str, whose: str = "An application's") -> None:
    """Any printable text is a name, shell characters too: it is in no path and no command. Raises InvalidInput."""
    if not name.strip() or len(name) > _LONGEST:
        raise InvalidInput(f"{whose} name has 1 to {_LONGEST} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise InvalidInput(f"{whose} name cannot hold control characters.")


def app_name_for(name: str, is_taken: Callable[[str], bool]) -> str:
    """What a new service is called on its machine: its name in lower case, with six random letters and digits behind
    it, as clients expect: they look for containers by a part of that. Raises InvalidInput for a name without a letter
    or digit.
    """
    wanted = _slug(name)
    candidate = f"{wanted}-{_ending()}"
    while is_taken(candidate):
        candidate = f"{wanted}-{_ending()}"
    return candidate


def host_name_for(name: str, app_name: str, is_free: Callable[[str], bool]) -> str:
    """Where below the base domain a new application is reached: by its name, and by what it is called on its machine
    where somebody else is there already. Raises InvalidInput as ``app_name_for`` does.
    """
    wanted = _slug(name)
    return wanted if is_free(wanted) else app_name


def free_name(name: str, is_free: Callable[[str], bool]) -> str:
    """The name in lower case, with a random ending only where that is taken: of previews, whose address tells what they
    are. Raises InvalidInput as ``app_name_for`` does.
    """
    wanted = _slug(name)
    candidate = wanted
    while not is_free(candidate):
        candidate = f"{wanted}-{_ending()}"
    return candidate


def _slug(name: str) -> str:
    wanted = slug(name)
    if not wanted:
        raise InvalidInput(f"No host name can be made of {name!r}: use at least one letter or digit (a-z, 0-9).")
    return wanted


def _ending() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_ENDING))
