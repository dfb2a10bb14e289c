"""Puts a restored folder in the place of another on this machine: every step stands being repeated after a crash."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from headway.infra.panel.data_dir import sync_folder


@dataclass(frozen=True, slots=True)
class Exchange:
    """The place of a folder, and the names beside it: of the ``fresh`` one until it is in place, of the ``old`` one
    while it may still be wanted, and of one that is ``going``. All lie in one folder, so each move is one rename.
    """

    place: Path
    mark: str

    @property
    def fresh(self) -> Path:
        return self.place.with_name(f"{self.place.name}.new-{self.mark}")

    @property
    def old(self) -> Path:
        return self.place.with_name(f"{self.place.name}.old-{self.mark}")

    @property
    def going(self) -> Path:
        return self.place.with_name(f"{self.place.name}.gone-{self.mark}")

    def begin(self) -> None:
        """An empty fresh folder."""
        _remove(self.fresh)
        self.fresh.mkdir(mode=0o700)

    def exchange(self) -> None:
        """The fresh folder is in place, the old one beside it."""
        if not self.old.exists() and self.fresh.exists():
            if not self.place.exists():  # an application that has kept nothing yet
                self.place.mkdir(mode=0o700)
            self.place.rename(self.old)
        if self.fresh.exists():
            self.fresh.rename(self.place)
        sync_folder(self.place.parent)

    def settle(self) -> None:
        """The old folder is wanted no more: from the first move on nothing puts it back."""
        if self.old.exists():
            self.old.rename(self.going)
            sync_folder(self.place.parent)
        _remove(self.going)

    def put_back(self) -> None:
        """The old folder is in place again, if it is still wanted; nothing is beside it."""
        if self.old.exists():
            _remove(self.place)
            self.old.rename(self.place)
            sync_folder(self.place.parent)
        _remove(self.fresh)
        _remove(self.going)

    @property
    def is_out_of_place(self) -> bool:
        """Whether the old folder has been moved away, and is wanted still."""
        return self.old.exists()


def _remove(folder: Path) -> None:
    if os.path.lexists(folder):
        shutil.rmtree(folder)
