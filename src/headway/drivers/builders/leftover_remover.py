"""Leaves of a built site what is served. Handed to the host's python3 whole, so it knows nothing of Headway."""

from __future__ import annotations

import os
import shutil
import sys


def main(served: str) -> None:
    """Removes, below the working folder, all but the served folder. Nothing where that leads, by a link, to what would
    be removed.
    """
    root = os.path.realpath(".")
    kept = os.path.join(root, os.path.normpath(served))  # noqa: PTH118 - no class to learn for one line
    if os.path.realpath(kept) != kept or not kept.startswith(f"{root}/") or leads_out(kept):
        return
    folder = root
    for part in os.path.relpath(kept, root).split("/"):
        with os.scandir(folder) as entries:
            for entry in list(entries):
                if entry.name == part:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)  # noqa: PTH108 - as above
        folder = f"{folder}/{part}"


def leads_out(kept: str) -> bool:
    """Whether a link below the folder leads out of it."""
    for folder, folders, files in os.walk(kept):
        for name in (*folders, *files):
            path = f"{folder}/{name}"
            if os.path.islink(path) and not os.path.realpath(path).startswith(f"{kept}/"):  # noqa: PTH114 - as above
                return True
    return False


if __name__ == "__main__":
    main(sys.argv[1])
