"""Turns what a host kept of a run's output into the text of its log: valid UTF-8 in which no secret shows."""

from __future__ import annotations

import asyncio
import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from headway.infra.logs.occurrences import Occurrences, Span
from headway.kernel.phrase import plain_bytes

if TYPE_CHECKING:
    from headway.infra.logs.variants import Variants

MASK = b"******"

_LINE_END_BYTES = b"\r\n"
_LINE_END = re.compile(rb"[\r\n]")
_EMPTY_LINES = re.compile(rb"[\r\n]{3}")  # no wrapped text holds them, so they bound how long a begun one is waited for
_REPLACEMENT = "\ufffd".encode()
# How a host ends a line that a command had left open: what stands before was cut off there.
_CUT = b"\0\n"
_MARK = _CUT[:1]
_CUT_OFF = (_MARK, _REPLACEMENT)
_LITTLE = 1 << 10  # characters
_FEW = 8 << 10  # characters of secrets, which are compiled in a moment, and of which the result is kept for a while
_TELLING_BYTES = 8  # from here on the beginning of a secret that was cut off tells something


class Masker:
    """The set of secrets of one run, compiled; it never changes, and what it makes of an output never does.

    The log is ``mask(output)``, however the output comes in pieces, and what Headway says itself is read back behind
    the mask (see ``kernel.phrase``). Text is made valid before secrets are looked for: a secret is whole characters,
    which the repair of what stands around it never touches, and nothing that the repair puts together is left unseen.
    Of several secrets the one that begins first is masked, of those the longest.
    Where an output says that it was cut off in a line, it is taken as ended there, and the line just ends.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.variants, self._exact, self._wrapped = _compiled(frozenset(secrets))

    def stream(self) -> MaskStream:
        """The masking of one output, from its beginning or from where an earlier stream had ``settled``."""
        return MaskStream(self)

    def mask(self, output: bytes) -> bytes:
        """The text of a whole output."""
        stream = self.stream()
        return stream.feed(output) + stream.finish()

    def mask_text(self, text: str) -> str:
        """A message of Headway's own (an error, a title) without secrets."""
        return self.mask(text.encode("utf-8", "replace")).decode()

    def settle(self, text: bytes, *, final: bool, cut: bytes = b"") -> tuple[bytes, bytes]:
        """What of ``text`` is decided, masked, and the rest, which could be the beginning of a secret.

        ``text`` is valid UTF-8 and begins where everything before it is decided. With ``final`` there is no rest: the
        beginning of a secret, which somebody was killed in the middle of, is masked like a whole one. ``cut`` stands
        behind ``text`` for a character that was cut off then.
        """
        whole = text + cut
        spans, begun = self._exact.find(whole), self._exact.begun(text)
        if self._wrapped.longest:
            unwrapped = _Unwrapped(whole)
            spans += unwrapped.find(self._wrapped)
            begun += (_Unwrapped(text) if cut else unwrapped).begun(self._wrapped)
        if final:
            begun = [place for place in begun if len(text) - place >= _TELLING_BYTES]
        shown, rest = _cover(whole, sorted(spans, key=lambda span: (span.start, -span.end)), sorted(begun))
        return (shown + MASK, b"") if final and rest else (shown, rest)


class MaskStream:
    """One output on its way through a masker, fed in pieces of any size."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = b""
        self._fed = 0

    def feed(self, piece: bytes) -> bytes:
        """The text that is decided now that ``piece`` has come; at most a tail that may begin a secret is kept back."""
        self._fed += len(piece)
        text, ended = self._held + self._repair(piece), list[bytes]()
        if _MARK in text:  # one byte is found ten times as fast as two are
            *ended, text = text.split(_CUT)
        shown = [self._cut_off(each) for each in ended]
        begun, broken, mark = _without_cut(text)
        decided, held = self._masker.settle(begun + broken, final=False)
        if broken:  # what comes next tells whether a secret was cut off in a character
            sooner, rest = self._masker.settle(begun, final=False)
            if rest and len(rest + broken) > len(held):
                decided, held = sooner, rest + broken
        self._held = held + mark
        return plain_bytes(b"\n".join((*shown, decided)))

    def finish(self) -> bytes:
        """The text that was kept back; nothing may be fed after it."""
        text, self._held = self._held + self._repair(b"", final=True), b""
        return plain_bytes(self._ended(text))

    @property
    def held(self) -> bytes:
        """The text that is kept back."""
        return plain_bytes(self._held)

    @property
    def is_likely_open(self) -> bool:
        """Whether what is kept back would be shown as it stands if nothing came after it."""
        return self._ended(self._held) == self._held

    @property
    def settled(self) -> int | None:
        """How many bytes of the output the text so far stands for: a new stream that is fed from there goes on as this
        one does. None where that cannot be told, because repaired bytes are among those that are kept back.
        """
        if _REPLACEMENT in self._held:
            return None
        return self._fed - len(self._held) - len(self._decoder.getstate()[0])

    def _ended(self, text: bytes) -> bytes:
        """What is not decided, where nothing comes after it; a mark of where it was cut off may stand behind it."""
        whole = text.removesuffix(_MARK)
        return self._cut_off(whole) + text[len(whole) :]

    def _cut_off(self, text: bytes) -> bytes:
        """What is not decided, where it is cut off behind it, which may be in a character."""
        begun = text.removesuffix(_REPLACEMENT)
        return self._masker.settle(begun, final=True, cut=text[len(begun) :])[0]

    def _repair(self, piece: bytes, *, final: bool = False) -> bytes:
        if piece.isascii() and not self._decoder.getstate()[0]:
            return piece
        return self._decoder.decode(piece, final).encode()


async def masker_of(secrets: Iterable[str]) -> Masker:
    """A masker that is compiled in a thread, unless there is little to compile: of secrets of many lines that takes
    seconds, and of a few words less than a thread.
    """
    given = tuple(secrets)
    return await asyncio.to_thread(Masker, given) if sum(map(len, given)) > _LITTLE else Masker(given)


def takes_long(secrets: Iterable[str]) -> bool:
    """Whether a masker of these is to be compiled in a thread."""
    return sum(map(len, secrets)) > _FEW


def _compiled(secrets: frozenset[str]) -> tuple[Variants, Occurrences, Occurrences]:
    """What is looked for; runs and logs of one service follow one another."""
    return (_of_many if takes_long(secrets) else _of_few)(secrets)


@lru_cache(maxsize=1)  # up to some hundred megabytes
def _of_many(secrets: frozenset[str]) -> tuple[Variants, Occurrences, Occurrences]:
    return _made(secrets)


@lru_cache(maxsize=8)  # a few megabytes each at most
def _of_few(secrets: frozenset[str]) -> tuple[Variants, Occurrences, Occurrences]:
    return _made(secrets)


def _made(secrets: frozenset[str]) -> tuple[Variants, Occurrences, Occurrences]:
    from headway.infra.logs.variants import variants_of  # noqa: PLC0415 - a panel at rest writes no log

    variants = variants_of(secrets)
    return variants, Occurrences(variants.exact), Occurrences(variants.wrapped)


class _Unwrapped:
    """A text seen without its line ends, with the way back to the places in the text."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._plain = text.translate(None, _LINE_END_BYTES)
        self._breaks: list[int] | None = None

    def find(self, patterns: Occurrences) -> list[Span]:
        """Where patterns stand, with at most one line end between any two of their bytes."""
        spans = [Span(self._place(span.start), self._place(span.end - 1) + 1) for span in patterns.find(self._plain)]
        return [span for span in spans if not _EMPTY_LINES.search(self._text, span.start, span.end)]

    def begun(self, patterns: Occurrences) -> list[int]:
        """From where on the text could be the beginning of a pattern."""
        places = [self._place(position) for position in patterns.begun(self._plain)]
        return [place for place in places if not _EMPTY_LINES.search(self._text, place)]

    def _place(self, position: int) -> int:
        """The place in the text of the byte at ``position`` without line ends."""
        if self._breaks is None:
            # The n-th line end (from 0) has its own place minus n other bytes before it.
            self._breaks = [match.start() - n for n, match in enumerate(_LINE_END.finditer(self._text))]
        return position + bisect_right(self._breaks, position)


def _without_cut(text: bytes) -> tuple[bytes, bytes, bytes]:
    """A text, what at its end may stand for a character that was cut off, and the mark of where it was cut off."""
    if not text.endswith(_CUT_OFF):
        return text, b"", b""
    whole = text.removesuffix(_MARK)
    begun = whole.removesuffix(_REPLACEMENT)
    return begun, whole[len(begun) :], text[len(whole) :]


def _cover(text: bytes, spans: list[Span], begun: list[int]) -> tuple[bytes, bytes]:
    """Covers the spans, which come in the order in which they count, up to the first place that is not decided."""
    parts: list[bytes] = []
    done = 0
    undecided = iter([*begun, len(text)])
    limit = next(undecided)
    for span in spans:
        if span.start < done:
            continue
        while limit < done:  # inside of what is covered nothing begins
            limit = next(undecided)
        if limit <= span.start:
            break
        parts += (text[done : span.start], MASK)
        done = span.end
    while limit < done:
        limit = next(undecided)
    parts.append(text[done:limit])
    return b"".join(parts), text[limit:]
