"""When what was refused for now may be tried again, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headway.pages.words import plural

_HEADER = "retry-after"
_SAYS_SO = re.compile(r"again in \d")


def with_when(message: str, headers: Mapping[str, str]) -> str:
    """A refusal, with when to try again where its answer says that and its sentence does not."""
    seconds = headers.get(_HEADER, "")
    if not message or not seconds.isdecimal() or _SAYS_SO.search(message):
        return message
    return f"{message} Try again in {plural(int(seconds), 'second')}."
