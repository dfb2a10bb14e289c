"""Texts that make a pattern work as long as it can, made from its own source: what it repeats comes very often, after
what has to come before it.
"""

from __future__ import annotations

import importlib
import re
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FrameType
from typing import Any, Final

from tests.support.product_patterns import SEARCHED

op: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

_LONGEST: Final = 128_000
_LENGTHS: Final = (32, 128, 512, 2_000, 8_000, 32_000, _LONGEST)  # each four times the one before
_SHOWN: Final = 8_000  # of so many characters quadratic time is to be seen
_QUADRATIC: Final = 8  # four times a text takes four times as long in linear time, here sixteen times
_LINEAR: Final = 5
_FLOOR_SECONDS: Final = 0.0004
# So long says it all. What takes less is asked for more, where a bound of the pattern's own may be met; of the longest
# text it counts if it is more than what memory costs that grows.
_LONG_SECONDS: Final = 0.1
_SURE_SECONDS: Final = 0.03
_BEYOND_NOISE_SECONDS: Final = 0.5
_ENDLESS_SECONDS: Final = 1.5
_FILLINGS: Final = (" ", "\t", "\n", "a", "1", "(", "{", "[", "<", '"', "'", "/", " \n", "a\n", "a.")
_END: Final = "\0 \0\n\0"  # fits neither the end of a line, nor what takes all of a line, nor what takes no blanks
_MOST_HEADS: Final = 6
_MOST_MEMBERS: Final = 8
_CHARACTERS: Final = "a1 \"'-.\t\n({[<=:/,;_AZ@$%#*+?!^~|\\)}]>&\u00e9"
_CLASSES: Final[Mapping[Any, str]] = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
_SPELLED: Final = (op.LITERAL, op.RANGE)


class _Endless(Exception):
    """A short text has taken seconds."""


def hostile_texts(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """What begins each text, and what is then repeated in it."""
    walk = _Walk()
    befores = ("", "\n") if pattern.flags & re.MULTILINE else ("",)
    ends = walk.walked(parser.parse(pattern.pattern, pattern.flags), [""])
    found = {("", each) for each in (*_FILLINGS, *walk.members())}
    for head, item in walk.repeated:
        for filling in {item, " ", "a", "\n", *walk.members()} - {""}:
            found |= {(f"{before}{head}", filling) for before in befores}
        found |= {("", f"{head}{after}") for after in ("", item, " ", "\n")} if head else set()
    for end in ends:
        found |= {("", end), ("", f"{end}\n"), ("", end[:-1] or end)} if end else set()
    return found


def slowest(pattern: re.Pattern[Any], asked: Collection[str]) -> str | None:
    """A text of which four times as much takes far more than four times as long; None where there is none."""
    ask = _question(pattern, asked)
    for head, filling in sorted(hostile_texts(pattern)):
        if grows := _growth(partial(_seconds, ask, pattern, head, filling)):
            return f"{head[-60:]!r} and then {filling[:60]!r} again and again: {grows}"
    return None


def longest(pattern: re.Pattern[Any], asked: Collection[str], length: int) -> float:
    """How many seconds of a processor the worst text of a length takes."""
    ask = _question(pattern, asked)
    texts = hostile_texts(pattern)
    return max(min(_seconds(ask, pattern, *each, length) for _ in range(2)) for each in texts)


def _growth(seconds: Callable[[int], float]) -> str | None:
    before = 0.0
    for length in _LENGTHS:
        try:
            with _ending() if length <= _SHOWN else nullcontext():
                now = seconds(length)
        except _Endless:
            return f"more than {_ENDLESS_SECONDS} s for {length} characters"
        if _FLOOR_SECONDS < now < _BEYOND_NOISE_SECONDS:
            now, before = min(now, seconds(length)), min(before, seconds(length // 4))
        if now > max(_QUADRATIC * before, _LONG_SECONDS if length < _LONGEST else _SURE_SECONDS):
            return f"{before * 1e3:.1f} ms for {length // 4} characters, {now * 1e3:.0f} ms for {length}"
        if length >= _SHOWN and now < max(_FLOOR_SECONDS, _LINEAR * before):
            return None
        before = now
    return None


@contextmanager
def _ending() -> Iterator[None]:
    """Interrupts a search that goes on for seconds, which a signal can where another thread cannot."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _Endless

    former = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, _ENDLESS_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)


def _question(pattern: re.Pattern[Any], asked: Collection[str]) -> Callable[[Any], object]:
    if not asked or SEARCHED.intersection(asked):
        return lambda text: sum(1 for _ in pattern.finditer(text))
    return pattern.fullmatch if "fullmatch" in asked else pattern.match


def _seconds(ask: Callable[[Any], object], pattern: re.Pattern[Any], head: str, filling: str, length: int) -> float:
    text = f"{head}{filling * (length // len(filling))}{_END}"
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    before = time.thread_time()
    ask(given)
    return time.thread_time() - before


class _Walk:
    """A way through a pattern: what is ``repeated`` on it, after which texts, and what is of the classes that are."""

    def __init__(self) -> None:
        self.repeated: set[tuple[str, str]] = set()
        self._classes: set[frozenset[str]] = set()

    def members(self) -> list[str]:
        """A character for each way to be of some of the repeated classes, those of most of them first."""
        by_classes: dict[tuple[bool, ...], str] = {}
        for each in _CHARACTERS:
            by_classes.setdefault(tuple(each in among for among in self._classes), each)
        return [by_classes[key] for key in sorted(by_classes, key=sum, reverse=True) if any(key)][:_MOST_MEMBERS]

    def walked(self, nodes: Any, heads: Sequence[str]) -> list[str]:  # noqa: ANN401
        """The shortest texts that go through the nodes."""
        for kind, given in nodes:
            heads = list(heads)[:_MOST_HEADS]
            match kind:
                case op.LITERAL | op.NOT_LITERAL | op.ANY | op.IN:
                    one = next(iter(_characters(kind, given)), "a")
                    heads = [f"{head}{one}" for head in heads]
                case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                    heads = self._repeat(heads, *given)
                case op.SUBPATTERN:
                    heads = self.walked(given[3], heads)
                case op.ATOMIC_GROUP:
                    heads = self.walked(given, heads)
                case op.BRANCH:
                    heads = [end for branch in given[1] for end in self.walked(branch, heads[:2])[:2]]
                case op.ASSERT | op.ASSERT_NOT if given[0] > 0:
                    self.walked(given[1], heads)
        return list(heads)

    def _repeat(self, heads: list[str], least: int, most: int, inner: Any) -> list[str]:  # noqa: ANN401
        items = self.walked(inner, [""])[:2]
        if most is op.MAXREPEAT or most > 10:
            self.repeated |= {(head, item) for head in heads for item in items}
            self._classes |= {frozenset(_characters(*node)) for node in inner}
        longer = [f"{head}{item * min(max(least, 1), 5)}" for head in heads for item in items]
        return longer + ([] if least else heads)


def _characters(kind: Any, given: Any) -> list[str]:  # noqa: ANN401
    """Which of some characters fit a node, those first by which a text is made."""
    match kind:
        case op.LITERAL:
            return [chr(given)]
        case op.NOT_LITERAL:
            return [each for each in _CHARACTERS if each != chr(given)]
        case op.ANY:
            return [each for each in _CHARACTERS if each != "\n"]
        case op.IN:
            is_negated = given[0][0] is op.NEGATE
            among = given[1:] if is_negated else given
            rarer = (chr(each[1] if each[0] is op.LITERAL else each[1][0]) for each in among if each[0] in _SPELLED)
            return [each for each in (*_CHARACTERS, *rarer) if _is_in(each, among) != is_negated]
    return []


def _is_in(character: str, members: Any) -> bool:  # noqa: ANN401
    for kind, given in members:
        match kind:
            case op.LITERAL if chr(given) == character:
                return True
            case op.RANGE if given[0] <= ord(character) <= given[1]:
                return True
            case op.CATEGORY if re.match(_CLASSES[given], character):
                return True
    return False
