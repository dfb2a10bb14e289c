"""What pages say of values: durations, sizes, times, states, and the addresses that may be linked. All of it is pure,
and knows no time of now, so that one thing is always told alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from headway.kernel.dataclass import dataclass

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_LONGEST_LINK = 2_000
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # but for tabs and ends of lines
_UNITS = ("KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state as it is shown: its word, its icon, and its tone, of which the colour is made. ``at`` is since when it is
    so, ``why`` the reason as a sentence, where that is known.
    """

    word: str
    icon: str
    tone: str
    at: str | None = None
    why: str | None = None


def duration(milliseconds: float | None) -> str:
    """A time as precisely as one cares to know: 21 ms, 0.4 s, 42 s, 3 min 05 s, 1 h 12 min, 2 d 3 h; "" where it is not
    known.
    """
    if milliseconds is None:
        return ""
    seconds = max(0.0, milliseconds / 1_000)
    if seconds < 0.0995:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def size(count: int | None) -> str:
    """Bytes as a person reads them: 0 B, 812 B, 4.0 KiB, 310 MiB; "" where they are not known."""
    if count is None:
        return ""
    if count < 1_024:
        return f"{count} B"
    amount, units = count / 1_024, iter(_UNITS)
    unit = next(units)
    while amount >= 1_023.5 and (larger := next(units, "")):
        amount, unit = amount / 1_024, larger
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"


def count(number: int | None, *, at_least: bool = False) -> str:
    """A number with its thousands apart; with ``at_least`` there may be more."""
    return "" if number is None else f"{number:,}{'+' if at_least else ''}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: "1 service", "3 services"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def moment(given: str | datetime) -> datetime:
    """A time of the wire, or one that is read already, in UTC."""
    read = datetime.fromisoformat(given) if isinstance(given, str) else given
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def iso(given: str | datetime) -> str:
    """A time for programs, in whole seconds."""
    return f"{moment(given):%Y-%m-%dT%H:%M:%SZ}"


def utc(given: str | datetime | None) -> str:
    """A time for persons: 29 Nov 2026, 12:03:04 UTC; "" where it is not known."""
    if given is None:
        return ""
    read = moment(given)
    return f"{read.day} {read:%b %Y, %H:%M:%S} UTC"


def link(given: str | None) -> str:
    """An address that may be linked, as it was given: http and https alone, with nothing hidden in it; else ""."""
    if not given or len(given) > _LONGEST_LINK or re.search(r"[\x00-\x20\x7f-\x9f\\]", given):
        return ""
    try:
        parts = urlsplit(given)
        known = bool(parts.hostname) and parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        return ""
    return given if known and parts.scheme in {"http", "https"} else ""


def label(name: str) -> str:
    """The name of a field of the wire as words: keepConfiguration, "Keep configuration"."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").lower()
    apart = re.sub(r"\bid\b", "ID", apart)
    return apart[:1].upper() + apart[1:]


def cut(text: str | None, most: int = 300) -> str:
    """The beginning of a text from outside, which may be of any length: an ellipsis says that there is more. What would
    turn the text around, or could not be seen in it, is shown by its number.
    """
    if text is None:
        return ""
    shown = text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", shown)


def first_line(text: str | None) -> str:
    """The first line of a text that says something: the title of a commit."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def short_hash(text: str | None) -> str:
    """The beginning of a commit's hash."""
    return (text or "")[:8]


STATES: Mapping[str, State] = MappingProxyType(
    {
        "pending": State(word="pending", icon="clock", tone="wait"),
        "running": State(word="running", icon="loader", tone="busy"),
        "ending": State(word="ending", icon="loader", tone="busy"),
        "done": State(word="done", icon="check", tone="good"),
        "error": State(word="error", icon="cross", tone="bad"),
        "cancelled": State(word="cancelled", icon="ban", tone="off"),
        "unknown": State(word="unknown", icon="question", tone="unknown"),
        "unstable": State(word="unstable", icon="warning", tone="warn"),
        # Of services, which do not end.
        "serving": State(word="running", icon="check", tone="good"),
        "starting": State(word="starting", icon="loader", tone="busy"),
        "stopped": State(word="stopped", icon="stop", tone="off"),
        "idle": State(word="not deployed yet", icon="dashed", tone="off"),
    }
)
_ASKED_FOR = frozenset({"cancelled", "killed", "superseded"})


def state(key: str) -> State:
    """A state by its key. What has no entry is shown as what it calls itself, in no colour."""
    return STATES.get(key) or State(word=key.replace("_", " "), icon="dashed", tone="off")


def deployment_state(row: Mapping[str, object]) -> State:
    """The state of a deployment by its row of the wire: how it ended, or since when nothing is known of it."""
    status, reason = str(row["status"]), row.get("reason")
    if status == "error":
        kind = state("cancelled" if reason in _ASKED_FOR else "error")
        return _since(kind, row.get("finishedAt"), word=str(reason or "error").replace("_", " "))
    if status == "running" and (away := row.get("outOfReachSince")):
        return _since(state("unknown"), away, why="its server does not answer")
    if status == "running":
        asked = row.get("killRequestedAt")
        return _since(state("ending" if asked else "running"), asked or row.get("startedAt"))
    if status == "pending":
        waits = row.get("waitsFor")
        why = str(waits["message"]) if isinstance(waits, Mapping) else None
        return _since(state("pending"), row.get("createdAt"), why=why)
    return _since(state("unstable" if row.get("unstable") else status), row.get("finishedAt"))


def _since(kind: State, at: object, *, word: str | None = None, why: str | None = None) -> State:
    told = None if at is None else str(at)
    return State(word=word or kind.word, icon=kind.icon, tone=kind.tone, at=told, why=why)


def usually(span: Mapping[str, object]) -> str:
    """A span of ``deployment.usual`` as words: usually 42 s, usually 42 s to 1 min 05 s."""
    half, most = (duration(float(str(span[name]))) for name in ("p50Ms", "p95Ms"))
    return f"usually {half}" if half == most else f"usually {half} to {most}"


def counted(words: Iterable[str]) -> str:
    """How often each word comes, the most frequent first: "18 done, 2 failed"."""
    found = Counter(words)
    return ", ".join(f"{count(number)} {word}" for word, number in found.most_common())


def took(row: Mapping[str, object]) -> int | None:
    """How many milliseconds a deployment ran; None while it has not ended, or where it never began."""
    began, ended = row.get("startedAt"), row.get("finishedAt")
    if not began or not ended:
        return None
    return round((moment(str(ended)) - moment(str(began))).total_seconds() * 1_000)


# What templates need of this, by the names that they use: the environment that renders them takes these as filters.
FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            duration,
            size,
            count,
            plural,
            iso,
            utc,
            link,
            label,
            cut,
            first_line,
            short_hash,
            state,
            deployment_state,
            usually,
            counted,
            took,
        )
    }
)
