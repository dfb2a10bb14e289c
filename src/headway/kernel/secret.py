"""A text that must not show: it prints as stars and is revealed only where it is used."""

from __future__ import annotations

from dataclasses import field

from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a secret text; ``reveal`` gives it, everything else shows stars."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself, for an environment, a standard input or the masker; never for a message or a log."""
        return self._text

    def __str__(self) -> str:
        return "******"

    def __bool__(self) -> bool:
        return bool(self._text)
