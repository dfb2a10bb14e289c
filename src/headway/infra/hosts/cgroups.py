"""The control groups of this machine: where ours may be, and ending and removing those of a run."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from headway.infra.hosts import processes, procfs
from headway.kernel.dataclass import dataclass

CONTROLLERS = ("memory", "pids", "cpu")
_DYING_SECONDS = 0.05  # so long it may take what was killed at one stroke to end
_LEAF = "panel"  # infra/panel/units.py names it too: systemd puts the panel there


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Where a panel's groups are on a machine, None for what that does not have or does not let us use.

    ``mount`` is the root of the v2 hierarchy and ``unified`` our folder in it; ``memory``, ``pids`` and ``cpu`` are our
    folders in the v1 trees, set only for the controllers that ``unified`` does not have. In ``cpu`` nothing is bounded:
    as a group a run has one share of the processors, however many processes and sessions it makes.
    """

    mount: Path | None = None
    unified: Path | None = None
    memory: Path | None = None
    pids: Path | None = None
    cpu: Path | None = None

    @property
    def folders(self) -> dict[str, Path]:
        """Our folder in each tree that there is, by kind."""
        kinds = {"unified": self.unified, "memory": self.memory, "pids": self.pids, "cpu": self.cpu}
        return {kind: folder for kind, folder in kinds.items() if folder}

    @property
    def holds(self) -> bool:
        """Whether a run's groups hold all that it starts, and do not only bound it."""
        return self.unified is not None or self.cpu is not None

    def run(self, name: str) -> dict[str, str]:
        """The folders of one run by kind, as an anchor wants them: "" for none."""
        there = self.folders
        return {kind: str(there[kind] / name) if kind in there else "" for kind in ("unified", *CONTROLLERS)}

    def folders_of(self, name: str) -> list[str]:
        """The folders of one run, as far as there are trees."""
        return [folder for folder in self.run(name).values() if folder]

    def path_below_root(self, name: str) -> str:
        """A run's path below the root of the v2 hierarchy, "" where there is none."""
        return "/" + str((self.unified / name).relative_to(self.mount)) if self.unified and self.mount else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTrees(Trees):
    """Those of this machine."""

    def runs(self) -> list[str]:
        """The names of the runs that have groups."""
        folders = [folder for folder in self.folders.values() if folder.is_dir()]
        return sorted({entry.name for folder in folders for entry in os.scandir(folder) if entry.is_dir()})

    def leave(self) -> None:
        """Removes our folders if nothing is in them; they are made again when they are looked for."""
        for folder in self.folders.values():
            with suppress(OSError):
                folder.rmdir()

    def bounds(self, controller: str) -> str:
        """What bounds memory or processes here: "cgroup v2", "cgroup v1" or "rlimit"."""
        if self.unified and _has(self.unified, controller):
            return "cgroup v2"
        return "cgroup v1" if controller in self.folders else "rlimit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """One that is mounted: its folder, the part of it that is seen there, its v1 controllers (v2: none)."""

    folder: Path
    root: str
    controllers: frozenset[str]
    is_unified: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is seen from its root on."""
        return self.root == "/"

    def place(self, group: str) -> Path:
        """The folder of a group that is named from the hierarchy's root."""
        below = os.path.relpath(group, self.root) if group.startswith(self.root) else "."
        return self.folder if below == "." or below.startswith("..") else self.folder / below


def discover(panel_id: str) -> LocalTrees:
    """Finds and makes this panel's folders; gives no trees where nothing may be made. Blocks."""
    found, own = hierarchies(), procfs.groups()
    below = f"headway/{panel_id}"
    top = unified_of(found)
    unified = _make(_unified_base(top, own.get("", "/")) / below) if top else None
    if unified and top:
        share(top.folder, unified)
    missing = [name for name in CONTROLLERS if not (unified and _has(unified, name))]
    old = {
        name: _make(each.place(own.get(name, "/")) / below)
        for name in missing
        for each in found
        if name in each.controllers
    }
    return LocalTrees(mount=top.folder if top else None, unified=unified, **old)


def hierarchies() -> list[Hierarchy]:
    """Those of this machine. Raises OSError."""
    return of_mounts(procfs.mounts())


def of_mounts(mounts: Iterable[procfs.Mount]) -> list[Hierarchy]:
    """The hierarchies among what is mounted."""
    return [
        Hierarchy(
            folder=Path(mount.place),
            root=mount.root,
            controllers=frozenset(mount.options.split(",") if mount.filesystem == "cgroup" else ()),
            is_unified=mount.filesystem == "cgroup2",
        )
        for mount in mounts
        if mount.filesystem in {"cgroup", "cgroup2"}
    ]


def unified_of(found: Iterable[Hierarchy]) -> Hierarchy | None:
    """The one of version 2 among them."""
    return next((each for each in found if each.is_unified), None)


def end_all(folders: Sequence[Path], seconds: float) -> bool:
    """Kills every process in the groups, and in those below them, until none is left; whether that was so in time.

    Blocks for at most ``seconds``.
    """
    began = time.monotonic()
    deadline = began + seconds
    while any(_strike(folder, began) for folder in folders):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def members(folder: Path) -> list[procfs.Process]:
    """The processes in a group and in those below it, the dead ones that nobody has buried too."""
    pids = [int(line) for group in _walk(folder) for line in _lines(group / "cgroup.procs")]
    return [process for process in map(procfs.look, pids) if process is not None]


def make_one(above: Path | None, name: str) -> Path | None:
    """A new group below another, for one program that is called ``name``; None where there is none to make it in."""
    if above is None:
        return None
    group = above / f"{name}-{secrets.token_hex(8)}"
    group.mkdir()
    return group


def could_hold(pid: int, own: Collection[str], top: str = "headway") -> bool:
    """Whether a process can be of the groups ``own``, named from where they are made: it is in one of them, or on its
    way there, and so in no other group below ``top`` and in no container. What it says of itself, by its environment
    and its arguments, is anybody's to choose.
    """
    try:
        found, ours = procfs.groups(procfs.folder_of(pid)), procfs.groups()
    except OSError:
        return False
    # What is about us both, as where a panel is itself run by a panel, tells nothing.
    paths = [_beyond(f"{path}/", f"{ours.get(controller, '').rstrip('/')}/") for controller, path in found.items()]
    inside = [each for each in paths if f"/{top}/" in each]
    if inside:
        return any(f"/{each}/" in path for path in inside for each in own)
    return procfs.counts_with_us(pid)


def remove(folders: Iterable[Path], seconds: float = 2.0) -> bool:
    """Removes groups with all below them; tried again for ``seconds``, since dead processes leave a group late."""
    deadline = time.monotonic() + seconds
    # Only what is a control group: a folder of anything else must not lose what is empty below it.
    remaining = [folder for folder in folders if (folder / "cgroup.procs").is_file()]
    while True:
        remaining = [folder for folder in remaining if not _remove_once(folder)]
        if not remaining or time.monotonic() > deadline:
            return not remaining
        time.sleep(0.005)


def memory_kills(events: Path) -> int | None:
    """How many processes of a group the kernel has ended because its memory bound was reached, as its file for such
    events says; None where it has none.
    """
    with suppress(OSError):
        return sum(int(line.split()[1]) for line in events.read_text().splitlines() if line.startswith("oom_kill "))
    return None


def share(top: Path, folder: Path) -> None:
    """Hands the controllers down to a folder, as far as those above it have them and allow it."""
    chain = [top, *reversed(folder.relative_to(top).parents), folder]
    for group in dict.fromkeys(top / part for part in chain):
        for name in CONTROLLERS:  # one by one: of several, one that is refused would keep the others away
            with suppress(OSError):
                if _has(group, name):
                    (group / "cgroup.subtree_control").write_text(f"+{name}")


def _unified_base(top: Hierarchy, own: str) -> Path:
    """Our own group where it was delegated to us, or we are in the leaf of one that was, else for root the top of the
    hierarchy.
    """
    place = top.place(own)
    for group in (place, place.parent) if place.name == _LEAF else (place,):
        if any(_reads_one(group, name) for name in ("trusted.delegate", "user.delegate")):
            _step_aside(group)
            return group
    return top.folder if os.geteuid() == 0 else place


def _step_aside(place: Path) -> None:
    """Moves what is in a delegated group into a leaf: a group with processes of its own hands no controllers down."""
    leaf = place / _LEAF
    for pid in _lines(place / "cgroup.procs"):
        with suppress(OSError):
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text(pid)


def _reads_one(folder: Path, attribute: str) -> bool:
    with suppress(OSError):
        return os.getxattr(folder, attribute) == b"1"
    return False


def _make(folder: Path) -> Path | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder / "cgroup.procs", os.W_OK) else None


def _has(group: Path, controller: str) -> bool:
    with suppress(OSError):
        return controller in (group / "cgroup.controllers").read_text().split()
    return False


def _beyond(path: str, above: str) -> str:
    return f"/{path.removeprefix(above)}" if path.startswith(above) else path


def _strike(folder: Path, began: float) -> bool:
    """One stroke at a group; whether something lived in it. The kernel's own stroke goes past a process whose first
    thread has left: what lives on is killed one by one.
    """
    if not folder.is_dir():
        return False
    lives = None
    with suppress(OSError):  # an older kernel, or a v1 tree
        (folder / "cgroup.kill").write_text("1")
        lives = "populated 1" in (folder / "cgroup.events").read_text()
    if lives is False or (lives and time.monotonic() < began + _DYING_SECONDS):
        return lives
    found = members(folder)
    for process in found:
        processes.send(signal.SIGKILL, process.pid, process.start_time)
    return lives or bool(found)


def _remove_once(folder: Path) -> bool:
    for group in reversed(_walk(folder)):
        with suppress(OSError):
            group.rmdir()
    return not folder.is_dir()


def _walk(folder: Path) -> list[Path]:
    """A group and all below it, each before those below it."""
    return [Path(path) for path, _, _ in os.walk(folder)]


def _lines(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text().splitlines()
    return []
