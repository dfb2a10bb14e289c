"""What features register under a name: none takes the place of another's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RegisteredTwice(ValueError):
    """Two features, or one twice, bring something under the same name: of these only one could be found."""

    def __init__(self, *names: object) -> None:
        super().__init__(f"brought twice: {', '.join(sorted(map(str, names)))}")


def register(known: dict[K, V], brought: Iterable[tuple[K, V]]) -> None:
    """Adds what is brought, each under its name. Raises RegisteredTwice, and adds none, for a name that is there
    already or comes twice.
    """
    added: dict[K, V] = {}
    twice: set[K] = set()
    for name, each in brought:
        if name in known or name in added:
            twice.add(name)
        added[name] = each
    if twice:
        raise RegisteredTwice(*twice)
    known.update(added)
