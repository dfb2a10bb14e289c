"""The lines of an output, and the one that says what went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_CHARACTERS_OF_A_LINE = 300

_LINES_SEARCHED = 20
_RAW_LINES_SEARCHED = 200
_MOST_LOOKED_AT = 2_000  # characters of a line: patterns take the square of that at most
_ESCAPE_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movement
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STATES_AN_ERROR = re.compile(
    r"^(?:\S+\s+){0,3}(?:npm err!|npm error|e:|error|err!|fatal|panic|critical)\b"
    r"|^thread '.*' panicked at\b|^\*\* \(\w|\(\w+(?:Error|Exception)\)$|^Unhandled exception\b"
    r"|\b\w*(?:error|exception|fault|panic)\b(?:\[\w+\])?:"
    r"|\b(?:command not found|no such file or directory|permission denied|no space left on device|out of memory)\b"
    r"|\bsegmentation fault\b",
    re.IGNORECASE,
)
_LOOKS_LIKE_AN_ERROR = re.compile(
    r"\b(?:errors?|fatal|fail(?:ed|ure|s)?|panic|exception|cannot|can't|could not|couldn't|unable|denied|refused|"
    r"not found|no such|undefined|unknown|invalid|missing|killed|abort(?:ed)?|timed out|unexpected)\b",
    re.IGNORECASE,
)
# A lock file that is out of step: what is said of it comes before long lists and the usage of a program.
_OUT_OF_STEP = re.compile(
    r"`npm ci` can only install packages when|ERR_PNPM_OUTDATED_LOCKFILE|lockfile would have been (?:modified|created)"
    r"|Your lockfile needs to be updated|lockfile had changes, but lockfile is frozen|The lockfile is out of date"
    r"|The lockfile at `.*` needs to be updated|poetry\.lock was last generated|Pipfile\.lock .* out of date"
)
_SAYS_NOTHING = re.compile(
    r"complete log of this run|^\W*(?:hint|note|tip|warning)\b|for more information|see above|0 errors"
    r"|^\W*error\W*$|^(?:make|gmake)(?:\[\d+\])?: \*\*\*"
    r"|npm err(?:!|or)\s*(?:(?:code|errno|syscall|path|command|signal|workspace|location|cwd|lifecycle script)\b.*)?$"
    r"|^exit status \d+$|^(?:\S+\s+){0,5}worker (?:exiting|\(pid:|failed to boot)|^error: script .* exited with code"
    r"|^\W*ELIFECYCLE\b",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(r"^thread '.*' panicked at .*:$")
# Where a program was when it broke; a trace may be longer than all that is looked at.
_OF_A_TRACE = re.compile(
    r"^at \S|^from \S+:\d+|^\.\.\. \d+ (?:more|common frames)|^File \".*\", line \d+|^#\d+ |^goroutine \d+ \[|^\d+: 0x|"
    r"^\S+\.(?:go|rs|cc?|exs?|erl|rb|php):\d+(?::\d+)?(?:\s+\+0x[0-9a-f]+)?$|^[\w./*()-]+\(.*\)$|^[\^~\s|]+$"
)


def lines_of(text: str) -> list[str]:
    """Each line ends with a line feed and nothing else, as those who count them do."""
    return text.removesuffix("\n").split("\n") if text else []


def last_meaningful_line(text: str) -> str:
    """The line of a log's end that best says what went wrong, at most 300 characters, "" where there is none: the last
    of the last 20 that states an error, else the last that looks like one, else the last that is not empty. The lines
    of a stack trace do not count.
    """
    near = [line for raw in text.split("\n")[-_RAW_LINES_SEARCHED:] if (line := visible(raw))]
    if said := next((line for line in reversed(near) if _OUT_OF_STEP.search(line)), None):
        return shortened(said)
    lines = [line for line in near if not _OF_A_TRACE.search(line)][-_LINES_SEARCHED:] or near
    telling = [_with_next(line, lines) for line in lines if not _SAYS_NOTHING.search(line)]
    for looks in (_STATES_AN_ERROR, _LOOKS_LIKE_AN_ERROR):
        for line in reversed(telling):
            if looks.search(line):
                return shortened(line)
    return shortened((telling or lines or [""])[-1])


def _with_next(line: str, lines: Sequence[str]) -> str:
    """The line; where it only leads to what is said in the next one, both."""
    at = lines.index(line) + 1
    return f"{line} {lines[at]}" if _LEADS_ON.search(line) and at < len(lines) else line


def visible(line: str) -> str:
    """What a terminal would show of a line in the end: what a carriage return has overwritten is gone."""
    for part in reversed(line.split("\r")):
        seen = _CONTROL.sub("", _ESCAPE_SEQUENCES.sub("", part[:_MOST_LOOKED_AT])).strip()
        if seen:
            return seen
    return ""


def shortened(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS_OF_A_LINE else line[: MOST_CHARACTERS_OF_A_LINE - 1] + "…"
