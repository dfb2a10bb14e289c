"""The control groups that have gates: a panel's tree, what its containers begin in, and the root of the hierarchy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from headway.drivers.runtimes.gates import bpf, instructions
from headway.infra.hosts import cgroups, procfs
from headway.kernel.dataclass import dataclass


class Role(StrEnum):
    """What is in a group: all that a panel starts (``TREE``), containers that an engine begins there, or, at the
    ``ROOT``, what carries the panel's mark wherever an engine has put it. Containers that are ``RULED`` reach of the
    machine what is open to all only; to ``OPEN`` ones its services are open too.
    """

    TREE = "tree"
    OPEN = "open"
    RULED = "ruled"
    ROOT = "root"

    @property
    def kinds(self) -> Sequence[bpf.Kind]:
        """Where programs are attached."""
        match self:
            case Role.TREE:
                return (instructions.CREATE, instructions.BOUND_4, instructions.BOUND_6, *instructions.REACHED)
            case Role.ROOT:
                return (instructions.SYSCTL, *instructions.REACHED)
        return instructions.REACHED


CONTAINERS = (Role.OPEN, Role.RULED)


@dataclass(frozen=True, slots=True)
class Place:
    """A group with programs; an engine calls it as ``shown``."""

    folder: Path
    role: Role = Role.TREE
    shown: str = ""


def trees_of(panel_id: str) -> list[Path]:
    """The groups of all that the panel starts: where releases are, and where its runs are if that is another."""
    top = _unified()
    if top is None:
        return []
    own = top.place(procfs.groups().get("", "/"))
    places = dict.fromkeys(each / "headway" / panel_id for each in (top.folder, own, own.parent))
    return [each for each in places if each.is_dir()]


def places_of(panel_id: str) -> list[Place]:
    """What its containers begin in, as far as it is there."""
    folder = root()
    if folder is None:
        return []
    engines = (_below(folder, panel_id, role, slices=slices) for slices in (False, True) for role in CONTAINERS)
    return [each for each in engines if each.folder.is_dir()]


def place_of(panel_id: str, role: Role, *, slices: bool) -> Place | None:
    """What containers begin in; an engine reads it from the root of the hierarchy."""
    folder = root()
    return None if folder is None else _below(folder, panel_id, role, slices=slices)


def _below(folder: Path, panel_id: str, role: Role, *, slices: bool) -> Place:
    if not slices:
        shown = f"/headway/{panel_id}/containers/{role}"
        return Place(folder / shown.lstrip("/"), role, shown)
    name = f"headway-{panel_id.replace('-', '_')}"  # a dash is a slice within another
    return Place(folder / "headway.slice" / f"{name}.slice" / f"{name}-{role}.slice", role, f"{name}-{role}.slice")


def root() -> Path | None:
    """The root of the hierarchy; None where it is not seen."""
    top = _unified()
    return None if top is None or not top.is_whole else top.folder


def numbers() -> set[int]:
    """What the kernel knows the groups of this machine by."""
    folder, found = root(), set[int]()
    for path, _, _ in os.walk(folder) if folder is not None else ():
        with contextlib.suppress(FileNotFoundError):
            found.add(Path(path).stat().st_ino)
    return found


def number_of(pid: int) -> int | None:
    """What the kernel knows the group by that a process is in; None where it is gone, or in the root."""
    folder = root()
    try:
        group = procfs.groups(f"{procfs.PROC}/{pid}").get("", "/").lstrip("/")
        return None if folder is None or not group else (folder / group).stat().st_ino
    except OSError:
        return None


def _unified() -> cgroups.Hierarchy | None:
    return cgroups.unified_of(cgroups.hierarchies())
