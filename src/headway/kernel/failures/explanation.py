"""What an output says of its own end, in one sentence that leads to the mend.

The rules are loaded when something has failed: hundreds of them would take a twentieth of the panel's start.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from headway.kernel.dataclass import dataclass
from headway.kernel.failures.rule import Phase
from headway.kernel.lines import without_folders
from headway.kernel.own_threads import OwnThreads, TookTooLong

MOST_CHARACTERS: Final = 128 << 10
# What a program wrote as it ended: some of its last lines.
_MOST_AT_START: Final = 16 << 10
_THREADS: Final = OwnThreads(2, "failures", seconds=20.0)  # of the worst of so many characters it takes a few
_FIRST_WORDS: Final = frozenset(
    ("a", "an", "it", "no", "ports", "some", "something", "tests", "the", "there", "this", "two", "what")
)
# What the launcher says of a process' layer (drivers/runtimes/launch/layer.py) before the program writes anything.
_OF_LAYERS: Final = re.compile(
    r"^(?:[\w.-]{1,60} +\| )?headway: The kernel (?:lends no file under another owner|refuses an overlay) here, .*\n?",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The line that says what went wrong, and, where it is known, why it mostly does and what mends it."""

    line: str
    cause: str = ""
    mend: str = ""

    @property
    def advice(self) -> str:
        """Cause and mend as a sentence that follows another, "" where nothing is known."""
        return f" {_sentence(self.cause)}: {self.mend.removesuffix('.')}." if self.mend else ""


async def on_own_threads(work: Callable[[], Explanation]) -> Explanation:
    """What goes through what a tenant's programs wrote, in threads that nothing else of the panel waits for. Nothing is
    known of what takes too long.
    """
    try:
        return await _THREADS.run(work)
    except TookTooLong:
        return Explanation(line="")


def explain(output: str, phase: Phase) -> Explanation | None:
    """What the rules know of what was printed, None where they know nothing. The end of the output counts, as far as
    MOST_CHARACTERS, of a program that starts less.
    """
    from headway.kernel.failures.selection import selected  # noqa: PLC0415 - see above

    end = output[-(MOST_CHARACTERS if phase is Phase.BUILD else _MOST_AT_START) :]
    found = selected(_without_layers(end), phase)
    return None if found is None else Explanation(line=found[0], cause=found[1], mend=found[2])


def told(output: str, phase: Phase) -> Explanation:
    """What the rules know of it, else the line that tells most."""
    return explain(output, phase) or plain(output)


def plain(output: str) -> Explanation:
    """The line of it that tells most, whose cause nobody knows."""
    from headway.kernel.failures.line_choice import telling_line  # noqa: PLC0415 - see above

    return Explanation(line=without_folders(telling_line(_without_layers(output[-MOST_CHARACTERS:]))))


def _without_layers(output: str) -> str:
    """How a process was started is never why its program ended."""
    return _OF_LAYERS.sub("", output) if "headway: The kernel " in output else output


def _sentence(cause: str) -> str:
    """With a capital, unless it begins with a name: of a file, or one that the output has."""
    first = cause.partition(" ")[0]
    return f"{cause[:1].upper()}{cause[1:]}" if first in _FIRST_WORDS else cause
