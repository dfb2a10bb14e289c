"""How answers look on a terminal: tables that fit it, ages, states, and nothing that could steer it."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, TextIO
from unicodedata import combining, east_asian_width

from headway.cli.terminal import screened
from headway.kernel.dataclass import dataclass

Row = Mapping[str, Any]

_STATES: Mapping[str, str] = {
    "done": "green",
    "ok": "green",
    "serves": "green",
    "running": "cyan",
    "pending": "dim",
    "idle": "dim",
    "stopped": "dim",
    "never deployed": "dim",
    "deploys": "cyan",
    "unstable": "yellow",
    "warn": "yellow",
}
_GAP = 2
_LEAST_WIDTH = 4
_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: a ``whole`` one is never shortened, the others share what is left; ``most`` bounds one."""

    title: str
    whole: bool = False
    right: bool = False
    most: int | None = None
    states: bool = False


def say(text: str = "") -> None:
    """A line of a command's result."""
    print(screened(text) if is_terminal() else text, flush=True)  # noqa: T201 - what a command line is for


def warn(text: str) -> None:
    """A sentence beside the result; a person's terminal breaks no word of it."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        wrap = functools.partial(textwrap.fill, width=width, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(wrap(line) for line in screened(text).split("\n"))
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - as say


def say_rest(shown: int, of: int | None = None, *, most: int | None = None) -> None:
    """Says beside a list that it is not the whole one; ``of`` how many rows, where that is known, and ``most`` is the
    longest that one may ask for.
    """
    whole = of is not None and (most is None or of <= most)
    hint = (
        f"--limit {of} shows all" if whole else "a larger --limit shows more" if shown != most else "no list is longer"
    )
    warn(f"These are the newest {shown}{'' if of is None else f' of {of}'}; {hint}.")


@contextmanager
def aside(*, wanted: bool) -> Iterator[None]:
    """What is said inside goes beside the result, where that is wanted: standard output may be for JSON alone."""
    with redirect_stdout(sys.stderr) if wanted else nullcontext():
        yield


def say_text(text: str) -> None:
    """A text of several lines as it is, its last line ended; a terminal is not steered by it."""
    text = screened(text) if is_terminal() else text
    sys.stdout.write(text if not text or text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """A value as JSON, for programs."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], below: Iterable[Sequence[str]] = ()) -> None:
    """A table in the width of the terminal, 80 columns where there is none; ``below`` has lines that stand under a
    row.
    """
    cells = [[clean(text) for text in row] for row in rows]
    lines = [[column.title for column in columns], *cells]
    wanted = [max(width_of(text) for text in texts) for texts in zip(*lines, strict=True)]
    widths = fitted(columns, wanted, shutil.get_terminal_size().columns)
    _say_row(columns, widths, lines[0], title=True)
    for row, more in zip_longest(cells, below, fillvalue=()):
        _say_row(columns, widths, row)
        for line in more:
            say(line)


def _say_row(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str], *, title: bool = False) -> None:
    told = []
    for column, width, text in zip(columns, widths, row, strict=True):
        shown = shortened(text, width)
        padding = " " * (width - width_of(shown))
        if has_colours() and (title or column.states):
            shown = f"\x1b[1m{shown}\x1b[0m" if title else painted(shown, len(shown), of=text)
        told.append(padding + shown if column.right else shown + padding)
    say((" " * _GAP).join(told).rstrip())


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia take two, what combines none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def shortened(text: str, width: int) -> str:
    """A text within a width, its end left out where it is too long."""
    if width_of(text) <= width:
        return text
    while width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def fitted(columns: Sequence[Column], wanted: Sequence[int], width: int) -> list[int]:
    """The widths of columns within ``width``: whole ones get what they want, the others share what is left, the most
    modest first.
    """
    widths = [min(want, column.most or want) for column, want in zip(columns, wanted, strict=True)]
    flexible = sorted((number for number, column in enumerate(columns) if not column.whole), key=lambda at: widths[at])
    left = width - _GAP * (len(columns) - 1) - sum(widths[at] for at in range(len(columns)) if at not in flexible)
    for position, at in enumerate(flexible):
        widths[at] = max(_LEAST_WIDTH, min(widths[at], left // (len(flexible) - position)))
        left -= widths[at]
    return widths


def say_fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values below each other; what has no value is left out. A person's terminal breaks no word of one."""
    shown = [(name, clean(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        line, room = f"{name:<{width}}  {value}", shutil.get_terminal_size().columns
        if is_terminal() and width_of(line) > room:
            indent = " " * (width + 2)
            line = textwrap.fill(line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        say(line)


def state_style(state: str) -> str:
    """The colour of a state or of a reason."""
    return _STATES.get(state.rpartition(",")[2].strip(), "red")


def painted(state: str, width: int, of: str | None = None) -> str:
    """A state (or the beginning of the one that it is ``of``) in its colour where a person reads, filled up to
    ``width``.
    """
    padding = " " * (width - len(state))
    if not has_colours():
        return state + padding
    code = {"green": 32, "yellow": 33, "cyan": 36, "dim": 2}.get(state_style(of or state), 31)
    return f"\x1b[{code}m{state}\x1b[0m{padding}"


def state_of(row: Row) -> str:
    """A deployment's state in a word: why it ended where that was an error, and whether its server is away."""
    if row["status"] == "error":
        return str(row.get("reason") or "error").replace("_", " ")
    if row.get("outOfReachSince") or (row.get("waitsFor") or {}).get("what") == "server":
        return f"{row['status']}, out of reach"
    return "done, unstable" if row.get("unstable") else str(row["status"])


def age_of(row: Row, now: datetime) -> str:
    """How long ago a deployment was asked for."""
    return rounded((now - moment(row["createdAt"])).total_seconds())


def time_of(row: Row, now: datetime) -> str:
    """How long a deployment took, or has taken so far; "" while it waits."""
    if not row.get("startedAt"):
        return ""
    end = moment(row["finishedAt"]) if row.get("finishedAt") else now
    return exact((end - moment(row["startedAt"])).total_seconds())


def moment(text: str) -> datetime:
    """A time of the wire."""
    return datetime.fromisoformat(text)


def now() -> datetime:
    """The time that ages are counted from."""
    return datetime.now(UTC)


def size(count: int | None) -> str:
    """Bytes as a person reads them; "" where they are not known."""
    if count is None:
        return ""
    if count < 1 << 20:
        return f"{-(-count >> 10)} KiB"
    return f"{count / (1 << 20):.1f} MiB" if count < 1 << 30 else f"{count / (1 << 30):.1f} GiB"


def rounded(seconds: float) -> str:
    """A time in its largest unit: 5s, 3m, 7h, 12d."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def exact(seconds: float) -> str:
    """A time as precisely as one cares to know: 21ms, 0.4s, 42s, 3m 05s, 1h 12m."""
    seconds = max(0.0, seconds)
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def clean(text: str) -> str:
    """A text of others on one line, without anything that could move the cursor or change the terminal."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def has_colours(stream: TextIO | None = None) -> bool:
    """Whether a person reads the stream (else standard output), on a terminal that shows colours, who has not said
    otherwise.
    """
    return takes_back(stream) and not os.environ.get("NO_COLOR")


def takes_back(stream: TextIO | None = None) -> bool:
    """Whether the stream (else standard output) is a terminal on which a line can be taken back."""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()
