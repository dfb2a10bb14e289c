"""What all commands share: how much is said, and the panel that they speak to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer

from headway.faces.cli import output
from headway.kernel.settings import default_data_dir

if TYPE_CHECKING:
    from headway.faces.cli.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of the command."""

    verbose: bool

    @classmethod
    def of(cls, context: typer.Context) -> Self:
        """The session that the top of the command line has set up."""
        session = context.find_object(cls)
        if session is None:
            raise TypeError("a command was called without its session")
        return session

    def client(self) -> Client:
        """A client of the panel that the environment names."""
        from headway.faces.cli.client import Client, find_target

        target = find_target(os.environ, _data_dirs())
        if self.verbose:
            origin = "without a key" if target.key is None else f"with the key from {target.key_origin}"
            output.warn(f"asking {target.url} {origin}")
        return Client(target)


def _data_dirs() -> tuple[Path, ...]:
    """Where a panel on this machine may have left its key: where it was told to, else where it does by default."""
    from headway.faces.cli.machine import facts

    if given := os.environ.get("HEADWAY_DATA_DIR", "").strip():
        return (Path(given).expanduser(),)
    return (default_data_dir(facts()), Path("/var/lib/headway"))
