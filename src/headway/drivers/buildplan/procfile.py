"""Heroku's Procfile: one process type a line, ``name: command``."""

from __future__ import annotations

import re

from headway.drivers.builders.base import BuildError
from headway.kernel.dataclass import dataclass

PROCFILE = "Procfile"
WEB = "web"
RELEASE = "release"

_LINE = re.compile(r"([A-Za-z0-9_-]{1,63})\s*+:\s*+(.+)")  # of a line without blanks at its end
_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Procfile:
    """The commands of a Procfile by process type; ``release`` runs once before the route moves, and is none of them."""

    processes: dict[str, str]
    release: str | None = None


def parse_procfile(data: bytes) -> Procfile:
    """The process types that the file declares, in its order. Raises BuildError that names the line which is wrong."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BuildError(
            "The Procfile is not text in UTF-8. Write one process a line: 'web: python3 app.py'."
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None or "\0" in stripped:
            raise BuildError(
                f"Line {number} of the Procfile is no process. Write it as 'name: command', such as "
                "'web: python3 app.py', with letters, digits, '-' and '_' in the name."
            )
        if match[1] in found:
            raise BuildError(f"Line {number} of the Procfile names '{match[1]}' a second time. Keep one of the two.")
        found[match[1]] = match[2].strip()
    if len(found) > _MOST:
        raise BuildError(f"The Procfile has more than {_MOST} processes, which is the most allowed.")
    release = found.pop(RELEASE, None)
    return Procfile(processes=found, release=release)
