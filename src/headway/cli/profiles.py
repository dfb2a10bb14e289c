"""The panels that a person works with, each under a name: kept in one file that only its owner can read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound

DEFAULT = "default"


class ProfileNotFound(NotFound):
    """No panel is known under this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where a panel is and the key to it."""

    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """All that is known; ``current`` is used where none is named."""

    current: str
    known: Mapping[str, Profile]

    @classmethod
    def load(cls, path: Path) -> Self:
        """What the file holds; nothing where there is none. Raises InvalidInput for one that cannot be read."""
        try:
            held = json.loads(path.read_text())
            known = {str(name): Profile(url=str(it["url"]), key=str(it["key"])) for name, it in held["known"].items()}
            return cls(current=str(held["current"]), known=known)
        except (FileNotFoundError, NotADirectoryError):
            return cls(current=DEFAULT, known={})
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"{path} is not what 'headway login' writes; remove it and log in again.") from error

    def save(self, path: Path) -> None:
        """Replaces the file as a whole; it is never open to anybody else. Raises InvalidInput."""
        text = json.dumps({"current": self.current, "known": {name: asdict(it) for name, it in self.known.items()}})
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 600
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(f"{text}\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(path)
            except BaseException:
                with suppress(OSError):
                    Path(draft).unlink()
                raise
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from error

    def named(self, name: str) -> Profile:
        """The panel of that name. Raises ProfileNotFound."""
        if name not in self.known:
            known = ", ".join(sorted(self.known))
            raise ProfileNotFound(
                f"There is no profile {name}. "
                + (f"There are: {known}." if known else "'headway login URL --profile NAME' makes one.")
            )
        return self.known[name]

    def with_one(self, name: str, profile: Profile) -> Profiles:
        """With this panel known under the name, and used from now on."""
        return replace(self, current=name, known={**self.known, name: profile})

    def without(self, name: str) -> Profiles:
        """With nothing known under the name. Raises ProfileNotFound."""
        self.named(name)
        left = {each: profile for each, profile in self.known.items() if each != name}
        current = self.current if self.current in left else next(iter(sorted(left)), DEFAULT)
        return replace(self, current=current, known=left)


def profile_path(env: Mapping[str, str], home: Path) -> Path:
    """Where the file is, as the XDG Base Directory Specification has it."""
    configured = env.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured.startswith("/") else home / ".config"
    return base / "headway" / "profiles.json"
