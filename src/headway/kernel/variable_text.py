"""A text of variables as its owner wrote it: with some of them set or taken out, all else as it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headway.kernel.errors import Conflict, NotFound
from headway.kernel.variable_lines import variable_lines


class VariablesChanged(Conflict):
    """A text of variables is another by now than the one that a change was made from."""

    def __init__(self) -> None:
        super().__init__(
            "The variables were changed meanwhile, and nothing is saved. Read them again, and send yours once more."
        )


def require_as_read(kept: str, was: str | None) -> None:
    """Raises VariablesChanged where the kept text is not the one that a change was made from, if that is said."""
    if was is not None and was != kept:
        raise VariablesChanged


def merged(text: str, variables: Mapping[str, str]) -> str:
    """The text with some variables set: their old lines go, all else stays."""
    kept = _kept(text, variables)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return kept + "".join(f"{name}={_quoted(value)}\n" for name, value in variables.items())


def without(text: str, names: Collection[str]) -> str:
    """The text without the lines of some variables. Raises NotFound for one that it has not."""
    known = {line.name for line in variable_lines(text)}
    for name in names:
        if name not in known:
            raise NotFound(f"There is no variable {name}.")
    return _kept(text, names)


def _kept(text: str, names: Collection[str]) -> str:
    return "".join(line.text for line in variable_lines(text) if line.name not in names)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
