"""What is kept of a container on the panel's own disk: the files that are mounted into it, and when it was healthy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from headway.infra.hosts.private_file import write_privately
from headway.kernel.artifacts import MountKind, ReleaseSpec
from headway.kernel.ids import checked_id

_HEALTHY = "healthy.json"
_FILES = "files"


class Marks:
    """A folder for each release, below one that only the panel enters. Every call blocks."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write_files(self, spec: ReleaseSpec) -> dict[str, str]:
        """Writes the files to mount, and gives their places by their targets. Whoever runs in the container may read
        them; on this machine nobody comes so far.
        """
        folder = self._folder(spec.release_id)
        written = {}
        for number, mount in enumerate(spec.container.mounts):
            if mount.kind is MountKind.FILE and mount.content is not None:
                (folder / _FILES).mkdir(parents=True, exist_ok=True)
                path = folder / _FILES / str(number)
                write_privately(path, mount.content.reveal())
                path.chmod(0o644)
                written[mount.target] = str(path)
        return written

    def healthy(self, release_id: str, exits: int, ended: Sequence[str] = ()) -> None:
        """Notes that the release is healthy, how often it had ended by then, and what of it where that has names."""
        write_privately(self._folder(release_id) / _HEALTHY, json.dumps({"exits": exits, "ended": list(ended)}))

    def was_healthy(self, release_id: str) -> bool:
        """Whether it has ever been."""
        return (self._root / checked_id(release_id) / _HEALTHY).exists()

    def exits_when_healthy(self, release_id: str) -> int:
        """How often it had ended when it was healthy; 0 where it never was."""
        try:
            return int(json.loads((self._root / checked_id(release_id) / _HEALTHY).read_text())["exits"])
        except FileNotFoundError:
            return 0

    def ended_when_healthy(self, release_id: str) -> set[str]:
        """What of it had ended when it was healthy; nothing where it never was."""
        try:
            return {*json.loads((self._root / checked_id(release_id) / _HEALTHY).read_text())["ended"]}
        except FileNotFoundError:
            return set()

    def remove(self, release_id: str) -> None:
        """Removes all of it."""
        shutil.rmtree(self._root / checked_id(release_id), ignore_errors=True)

    def _folder(self, release_id: str) -> Path:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)
        folder = self._root / checked_id(release_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
