"""How much a YAML text comes to once its references are followed, counted without following any of them."""

from __future__ import annotations

from dataclasses import field

import yaml

from headway.kernel.dataclass import dataclass

MOST_VALUES = 10_000
_MOST_DEPTH = 64


class TooMuch(ValueError):
    """The text comes to more than may be read; the message is the end of the sentence "The compose file …"."""


@dataclass(slots=True)
class _Open:
    """A value whose end has not come: what it comes to so far."""

    anchor: str | None = None
    values: int = 1
    references: int = 0


@dataclass(slots=True)
class _Counting:
    most_references: int
    open: list[_Open] = field(default_factory=lambda: [_Open()])
    anchors: dict[str, _Open] = field(default_factory=dict)

    def begin(self, anchor: str | None) -> None:
        self.open.append(_Open(anchor=anchor))
        if len(self.open) > _MOST_DEPTH:
            raise TooMuch(f"is nested more than {_MOST_DEPTH} deep")

    def end(self) -> None:
        ended = self.open.pop()
        if ended.anchor:
            self.anchors[ended.anchor] = ended
        self.add(ended.values, ended.references)

    def refer(self, anchor: str) -> None:
        """A reference to what is not there is the parser's to complain of; one to what is open has no end."""
        if any(each.anchor == anchor for each in self.open):
            raise TooMuch(f"has a reference (*{anchor}) within what it stands for")
        known = self.anchors.get(anchor)
        self.add(known.values if known else 1, 1 + (known.references if known else 0))

    def add(self, values: int, references: int) -> None:
        into = self.open[-1]
        into.values += values
        into.references += references
        if into.references > self.most_references:
            raise TooMuch(f"comes to more than {self.most_references} references (HEADWAY_COMPOSE_ALIASES)")
        if into.values > MOST_VALUES:
            raise TooMuch(f"comes to more than {MOST_VALUES} values")


def require_few(text: str, most_references: int) -> None:
    """Returns where the text is of a size that can be read. Raises TooMuch, and yaml.YAMLError where it is no YAML."""
    counting = _Counting(most_references)
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        match event:
            case yaml.AliasEvent():
                counting.refer(event.anchor or "")
            case yaml.ScalarEvent():
                counting.begin(event.anchor)
                counting.end()
            case yaml.CollectionStartEvent():
                counting.begin(event.anchor)
            case yaml.CollectionEndEvent():
                counting.end()
