"""Variables as pages show them: their names, and the values of those alone that are no secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headway.kernel.errors import InvalidInput
from headway.kernel.variables import Marks, parse_variables
from headway.kernel.veil import MARK, veiled_variables

_NO_MARKS = Marks()


def is_hidden(marks: Marks, name: str, value: str) -> bool:
    """Whether a value is for nobody's eyes, or the caller was not told it either."""
    return value == MARK or bool(value and marks.is_secret(name))


def shown_text(text: str, marks: Marks = _NO_MARKS) -> str:
    """A text of variables with a mark for each that is secret: sent back, it stands for the value that is kept."""
    veiled = veiled_variables(text)
    try:
        variables = parse_variables(text)
    except InvalidInput:
        return veiled
    for name, value in variables.items():
        line = f"{name}={value}"
        if not is_hidden(marks, name, value) and parse_variables(line) == {name: value}:
            whole = re.compile(rf"^{re.escape(name)}={re.escape(MARK)}$", re.MULTILINE)
            veiled = whole.sub(lambda _, told=line: told, veiled)  # type: ignore[misc]  # it is called at once
    return veiled


def names_in(text: str) -> Sequence[str]:
    """The names of variables. A line of a value may look like one, so that they are looked for without the values."""
    lines = (line.strip() for line in veiled_variables(text).splitlines())
    return [line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]
