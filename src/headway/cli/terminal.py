"""What a terminal may be told by a text of somebody else's: letters, colours, line ends, and nothing that steers it."""

from __future__ import annotations

import re

# What begins with ESC, or with its single character of the C1 set: a colour (SGR), another sequence, a string that only
# its end or BEL closes, or a short sequence. None of them may swallow more than it is, or it would hide what follows.
_LONGEST = 4_096
_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]{0,64}m)"
    r"|(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{{0,{_LONGEST}}}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,8}[0-Z\\`-~]"
    r"|(?P<end>\r\n)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_BEGUN = re.compile(
    r"\r\Z"
    r"|\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[ -/]{0,8})?\Z"
    r"|\x9b[0-?]{0,64}[ -/]{0,8}\Z"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{{0,{_LONGEST}}}\x1b?\Z"
)


class Screened:
    """A text that comes in pieces, with nothing left in it that steers a terminal; what may be the beginning of
    something is kept until it is known what it is. What a line writes over itself is shown line by line.
    """

    def __init__(self) -> None:
        self._kept = ""

    def feed(self, text: str) -> str:
        """What may be shown of it so far."""
        text, self._kept = self._kept + text, ""
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST - 8))
        if begun is not None:
            text, self._kept = text[: begun.start()], text[begun.start() :]
        return _plain(text)

    def rest(self) -> str:
        """What was kept, which nothing follows any more."""
        kept, self._kept = self._kept, ""
        return _plain(kept)


def screened(text: str) -> str:
    """A whole text with nothing left in it that steers a terminal."""
    return _plain(text)


def _plain(text: str) -> str:
    return _SEQUENCE.sub(_kept_of, text)


def _kept_of(found: re.Match[str]) -> str:
    if found["colour"] or found["end"]:
        return found[0]
    return "\n" if found[0] == "\r" else ""
