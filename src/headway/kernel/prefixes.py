"""Lines as a tool wrote them, without what those that collect, pass on and mark its output put before each."""

from __future__ import annotations

import re
from typing import Final

from headway.kernel.lines import visible

_MOST_PREFIXES: Final = 4
_MOST_OF_GIT: Final = 4  # a line or two of a server of git is its own; more are a build that it passes on
# Ticks, boxes and arrows.
_DRAWN = re.compile(r"[\u00d7\u2190-\u21ff\u2500-\u27bf\u2a2f]{1,60}")
_BLANKS = re.compile(r" {2,}")
_TIME = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_BEFORE = re.compile(
    # BuildKit
    r"^(?:#\d{1,4} (?:\d{1,6}\.\d{1,3}(?: |$))?|\d{1,6}\.\d{1,3}(?: |$)"
    # compose; a number before a bar is a line of a source
    r"|(?![\d.]{1,60} )[\w.-]{1,60} +\|(?: |$)"
    # a time, and the name of a process of Heroku's after it
    rf"|\[?\d{{4}}-\d\d-\d\d[T ]{_TIME}(?: ?(?:Z|[+-]\d\d:?\d\d))?\]?(?:[ \t]|$)|\[?{_TIME}(?: [AP]M)?\]?:?[ \t]"
    r"|(?:app|heroku)\[[\w.-]{1,40}\]: |##\[error\]"
    # npm, pnpm and Yarn about what the script of a package said
    r"|npm (?:error|ERR!) (?=gyp )|\S{1,160}(?: (?:pre|post)?install)?[:$|] (?=(?:npm|gyp) (?:ERR!|error|info|WARN))"
    r"|(?:\u27a4 )?YN0000: (?:\u2502 )?\S{1,100} STD(?:OUT|ERR) "
    # turbo and pnpm about the script of a package of a workspace
    r"|(?:@?[\w./-]{1,80}:|[\w.@-]{0,40}/[\w./-]{1,80} |\. )"
    r"(?:pre|post)?(?:build|generate|compile|typecheck|check-types)(?::[\w-]{1,20})?: )[ \t]*"
)
_OF_GIT = re.compile(r"^remote: ?[ \t]*")
# gh names job and step before each line.
_OF_A_JOB = re.compile(r"^[^\t\n]{1,80}\t[^\t\n]{1,80}\t\ufeff?(?=\d{4}-\d\d-\d\dT)")
_IN_A_JOB = re.compile(r"^[^\t\n]{1,80}\t[^\t\n]{1,80}\t\ufeff?")
# UTF-8 that was read as a code page of Windows: three characters in the place of a tick, a bullet or a quote.
_OF_CODE_PAGES: Final = tuple(
    (page, re.compile(f"[{first}][{re.escape(bytes(range(0x80, 0xC0)).decode(page, 'ignore'))}]{{2}}"))
    for page, first in (("cp437", "\u0393\u2229"), ("cp1252", "\u00e2"))
)


def bare_lines(text: str) -> list[str]:
    """Each line as a terminal would show it, without prefixes of collectors; those that are blank are empty."""
    lines = [visible(line) for line in _repaired(text).split("\n")]
    if any(_OF_A_JOB.match(line) for line in lines):
        lines = [_IN_A_JOB.sub("", line) for line in lines]
    if sum(line.startswith("remote:") for line in lines) > _MOST_OF_GIT:
        lines = [_OF_GIT.sub("", line) for line in lines]
    return [_bare(line) for line in lines]


def _bare(line: str) -> str:
    for _ in range(_MOST_PREFIXES):
        found = _BEFORE.match(line)
        if found is None:
            break
        line = line[found.end() :]
    return _BLANKS.sub(" ", _DRAWN.sub(" ", line.removeprefix("\ufeff"))).strip()


def _repaired(text: str) -> str:
    for page, garbled in _OF_CODE_PAGES:
        text = garbled.sub(lambda found, page=page: found[0].encode(page, "replace").decode(errors="replace"), text)  # type: ignore[misc]
    return text
