"""What all commands share: how much is said, and the panel that they speak to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer

from headway.cli import output
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of the command; ``profile`` is the one that it names."""

    verbose: bool
    profile: str | None = None

    @classmethod
    def of(cls, context: typer.Context) -> Self:
        """The session that the top of the command line has set up."""
        session = context.find_object(cls)
        if session is None:
            raise TypeError("a command was called without its session")
        return session

    def client(self) -> Client:
        """A client of the panel that the profile or the environment names."""
        from headway.cli.client import Client

        target = self.target()
        if self.verbose:
            origin = "without a key" if target.key is None else f"with the key from {target.key_origin}"
            output.warn(f"asking {target.url} {origin}")
        return Client(target, by_hand=sys.stdin is not None and sys.stdin.isatty())

    def target(self) -> Target:
        """The panel that the profile or the environment names, and the key to it."""
        from headway.cli.profiles import Profiles
        from headway.cli.target import find_target

        return find_target(os.environ, _data_dirs(), Profiles.load(profiles_file()), self.profile)


def profiles_file() -> Path:
    """Where the profiles of this account are kept."""
    from headway.cli.profiles import profile_path

    return profile_path(os.environ, Path.home())


def _data_dirs() -> Iterator[Path]:
    """Where a panel on this machine may have left its key: where it was told to, else where it does by default. What
    knows the default is loaded where somebody asks.
    """
    if given := os.environ.get("HEADWAY_DATA_DIR", "").strip():
        yield Path(given).expanduser()
        return
    from headway.cli.machine import facts
    from headway.kernel.settings import default_data_dir

    yield default_data_dir(facts())
    yield Path("/var/lib/headway")
