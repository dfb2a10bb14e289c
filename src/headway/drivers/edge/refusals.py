"""Which route files Traefik says that it cannot read. It takes up nothing of anybody for as long as there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from headway.kernel.dataclass import dataclass

_MOST_BYTES = 256 << 10
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Its own words from the beginning of the line: what a user wrote stands behind them, and never begins one.
_REFUSED = re.compile(
    r"\S+ ERR Error (?:while building configuration(?: \(for the first time\))?|occurred during watcher callback)"
    r' error="collecting file configs: (?:[^"]*?/)?(?P<id>[A-Za-z0-9_-]+)\.yml: (?P<why>.*)" providerName=file'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Those that the ``log`` of a Traefik tells. All of it blocks."""

    log: Path

    def told_by_now(self) -> int:
        """The place in the log, in bytes, from which on more is told."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def since(self, place: int) -> Mapping[str, str]:
        """Why it could not read a file, by the file's application, as told behind the place."""
        try:
            with self.log.open("rb") as file:
                end = self.told_by_now()
                file.seek(max(place if place <= end else 0, end - _MOST_BYTES))  # it may have been begun anew
                text = file.read(_MOST_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return {}
        found = (_REFUSED.match(line) for line in _COLOUR.sub("", text).split("\n"))
        return {each["id"]: each["why"] for each in found if each is not None}
