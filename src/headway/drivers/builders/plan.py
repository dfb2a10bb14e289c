"""What is to be done in a build, and what was seen in the workspace that it was decided by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from headway.drivers.buildplan.plan import Phase
from headway.kernel.artifacts import Process
from headway.kernel.dataclass import dataclass

__all__ = ["VENV", "Listing", "Phase", "Plan"]

VENV = ".venv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files at the build path that say what an application is: contents by relative name. Those that were not
    looked for are not here, whether they exist or not. ``programs`` are those of the host that were looked for and are
    there, with what they say of their version ("" where nobody asked).
    """

    files: Mapping[str, bytes]
    programs: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def text(self, name: str) -> str:
        """The contents as text, "" when there is no such file."""
        return self.files.get(name, b"").decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do, and what comes of it. ``{folder}`` in a phase's program is the build path. ``path`` are folders
    relative to the build path that come first on PATH; one of ``static_folders`` is served where nothing is to be run;
    if it ``is_built``, one that the build has written. ``env`` is the application's, and its build's. ``language``
    names what it was taken for, ``reasons`` tell the user why.
    """

    language: str = ""

    phases: tuple[Phase, ...] = ()
    processes: tuple[Process, ...] = ()
    release_command: str | None = None
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    static_folders: tuple[str, ...] = ()
    is_built: bool = False
    reasons: tuple[str, ...] = ()
