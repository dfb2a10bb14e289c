"""Which page a path names, and which path may be led to: pure decisions over text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from headway.kernel.dataclass import dataclass

_PART = "-"  # before the name of a part, where no form's name stands
_LONGEST = 2_000
HOME = "/"


class Piece(StrEnum):
    """What of a page a path names."""

    WHOLE = "whole"
    PART = "part"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A page by its own path, with what the address holds for its ids, and the ``name`` of a part or a form of it."""

    page: str
    ids: Mapping[str, str]
    piece: Piece = Piece.WHOLE
    name: str = ""


class Paths:
    """The paths of all pages. What is written out goes before an id."""

    def __init__(self, pages: Iterable[str]) -> None:
        ordered = sorted(pages, key=lambda path: (path.count("{"), path))
        self._pages = [(path, _segments(path)) for path in ordered]

    def named(self, path: str) -> tuple[Named, ...]:
        """What a path may name, the likeliest first: a form that its page has not is no form."""
        given = _segments(path)
        wholes = tuple(self._of(given))
        if not given or not given[-1]:
            return wholes
        parts = tuple(self._of(given[:-2], Piece.PART, given[-1])) if given[-2:-1] == [_PART] else ()
        return (*wholes, *parts, *self._of(given[:-1], Piece.FORM, given[-1]))

    def ours(self, text: str) -> str:
        """A path that may be led to: one of a page of ours, with its query; home for all else."""
        if len(text) > _LONGEST or not text.startswith(HOME) or text[1:2] in {"/", "\\"} or not text.isprintable():
            return HOME
        try:
            parts = urlsplit(text)
        except ValueError:
            return HOME
        if parts.scheme or parts.netloc or "\\" in text:
            return HOME
        return text if parts.path != HOME and self.named(unquote(parts.path)) else HOME

    def back(self, query: Mapping[str, str]) -> str | None:
        """Where an address says by ``back`` that somebody came from; None where that is no page of ours."""
        found = self.ours(query.get("back", ""))
        return None if found == HOME else found

    def _of(self, given: list[str], piece: Piece = Piece.WHOLE, name: str = "") -> Iterable[Named]:
        for page, segments in self._pages:
            ids = _matched(segments, given)
            if ids is not None:
                yield Named(page=page, ids=ids, piece=piece, name=name)


def _segments(path: str) -> list[str]:
    return path[1:].split("/") if path != HOME else []


def _matched(pattern: list[str], given: list[str]) -> Mapping[str, str] | None:
    if len(pattern) != len(given):
        return None
    ids: dict[str, str] = {}
    for wanted, word in zip(pattern, given, strict=True):
        if wanted.startswith("{"):
            if not word or word == _PART:
                return None
            ids[wanted[1:-1]] = word
        elif wanted != word:
            return None
    return ids
