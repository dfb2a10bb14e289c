"""A user's variables: read from the text that they wrote, and which of them must not show."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secrecy import looks_secret
from headway.kernel.variable_lines import variable_lines

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LEAST_SECRET = 6
MOST_BYTES = 128 * 1024 - 1  # of a name, its sign and its value, as Linux gives them to a program
_OPEN_NAMES = frozenset(
    [
        "CI",
        "DEBUG",
        "DJANGO_SETTINGS_MODULE",
        "DOKPLOY_DEPLOY_URL",
        "ENV",
        "ENVIRONMENT",
        "FLASK_APP",
        "FLASK_ENV",
        "HOST",
        "HOSTNAME",
        "LANG",
        "LC_ALL",
        "LOG_LEVEL",
        "NODE_ENV",
        "NODE_VERSION",
        "PATH",
        "PORT",
        "PYTHON_VERSION",
        "RAILS_ENV",
        "TZ",
    ]
)
_OPEN_PREFIXES = ("NIXPACKS_", "HEADWAY_")


def parse_variables(text: str) -> dict[str, str]:
    """The variables of a text of ``NAME=value`` lines; values may be quoted and then hold newlines, ``#`` begins a
    comment, a later line wins. Raises InvalidInput that names the line.
    """
    found: dict[str, str] = {}
    for line in variable_lines(text):
        where = f"Line {line.number} of the variables"
        if line.is_wrong:
            raise InvalidInput(f"{where} cannot be read; write NAME=value, and quote a value that has newlines.")
        if line.name is None:
            continue
        if not _NAME.match(line.name):
            # What stands there is not repeated: it may be a line of a key that somebody forgot to quote.
            raise InvalidInput(
                f"{where} does not begin with the name of a variable, which has letters, digits and _ only. Put quotes "
                "around a value of several lines."
            )
        if "\0" in (line.value or ""):
            raise InvalidInput(
                f"{where}: the value of {line.name} holds a NUL character, which no program can be given."
            )
        if len(f"{line.name}={line.value}".encode(errors="surrogatepass")) > MOST_BYTES:
            raise InvalidInput(
                f"{where}: {line.name} is longer than the 128 KiB that a program can be given. Put it into a file."
            )
        found[line.name] = line.value or ""
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a user says of their variables where the rule does not fit: names that are open, and names that are secret.
    Of other layers than the application's own they are written as references name them (``project.NAME``).
    """

    open: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()

    def is_masked(self, name: str, value: str) -> bool:
        """Whether a log is not to show a variable's value: as the user says, else where name or value look so."""
        return name in self.secret or (self.is_secret(name) and looks_secret(name.rpartition(".")[2], value))

    def is_secret(self, name: str) -> bool:
        """Whether a variable's value is for nobody else: all are, but those of names that are known to hold nothing
        secret, unless the user says otherwise.
        """
        if name in self.secret:
            return True
        plain = name.rpartition(".")[2]
        return name not in self.open and plain not in _OPEN_NAMES and not plain.startswith(_OPEN_PREFIXES)


_NO_MARKS = Marks()


def secrets_among(variables: Mapping[str, str], marks: Marks = _NO_MARKS) -> tuple[str, ...]:
    """The values that are masked wherever a log would show them, but for very short ones, which logs are full of."""
    return tuple(
        value for name, value in variables.items() if len(value) >= _LEAST_SECRET and marks.is_masked(name, value)
    )
