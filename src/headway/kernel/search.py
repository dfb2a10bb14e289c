"""What a list is searched for, and which part of what is found is asked for: a pure rule for every such list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Generic, TypeVar

from headway.kernel.dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of what was found, and how much there is in all."""

    items: list[T]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """``anywhere`` stands in one of the fields, and each of ``within`` in its own; case and outer spaces do not count,
    and an empty text stands everywhere. Of what is found, ``limit`` after the first ``offset`` are asked for.
    """

    anywhere: str = ""
    within: Mapping[str, str] = field(default_factory=dict)
    limit: int = 20
    offset: int = 0

    def page(self, things: Iterable[T], fields: Callable[[T], Mapping[str, str | None]]) -> Page[T]:
        """The part of those things that hold the words, in the given order."""
        found = [thing for thing in things if self._stand_in(fields(thing))]
        return Page(items=found[self.offset : self.offset + self.limit], total=len(found))

    def _stand_in(self, fields: Mapping[str, str | None]) -> bool:
        texts = {name: (text or "").casefold() for name, text in fields.items()}
        anywhere = self.anywhere.strip().casefold()
        return any(anywhere in text for text in texts.values()) and all(
            word.strip().casefold() in texts[name] for name, word in self.within.items()
        )
