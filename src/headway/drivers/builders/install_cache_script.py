"""Takes what an installation made before from a cache, and keeps it there: standard input and output hold JSON.

Run as a script by the system's Python, under the account that builds, in the build path: ``python3 -I -c TEXT``. All
that it reads and writes is that account's own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOTE = "note.json"
DRAFT = ".draft-"
GONE = ".gone-"
TEMPORARY_SECONDS = 3600.0  # of a run that was killed; no copy takes longer
CP = ("/usr/bin/cp", "--archive", "--reflink=auto", "--")

STAGE = Path(".headway", "recalled")
RELEASE = Path("/etc/os-release")
PACKAGES = Path("/var/lib/dpkg/status")


class Unfit(Exception):
    """It cannot be kept or taken; the text says why."""


FAULTS = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    subprocess.SubprocessError,
    Unfit,
)


def main() -> None:
    """Answers what is asked on standard input."""
    asked = json.load(sys.stdin)
    try:
        answer = {"take": taken, "keep": kept, "clear": cleared}[asked["do"]](asked)
    except FAULTS as error:
        answer = {"why": told(error)}
    json.dump(answer, sys.stdout)


def taken(asked: dict[str, Any]) -> dict[str, Any]:
    """Lays out what was kept of the same inputs. ``key`` is given where what is made may be kept, ``made`` where it was
    taken, ``why`` where it was there and could not be: it is dropped.
    """
    removed(STAGE)
    if any(os.path.lexists(each) for each in asked["makes"]):
        return {}
    key = key_of(asked)
    place = Path(asked["cache"], key)
    if asked["fresh"]:
        removed(place)
    if not os.path.lexists(place):
        return {"key": key}
    try:
        note = json.loads((place / NOTE).read_text())
        made = int(note["made"])
        if time.time() - made > asked["most_seconds"]:
            raise Unfit(f"it is older than {asked['most_seconds'] / 86_400:.0f} days")
        lay_out(place, note, asked["makes"])
        for each in note["made_of"].values():
            Path(each).parent.mkdir(parents=True, exist_ok=True)
            (STAGE / each).rename(each)
        os.utime(place)
    except FAULTS as error:
        for each in asked["makes"]:
            removed(Path(each))
        removed(place)
        return {"key": key, "why": told(error)}
    finally:
        removed(STAGE)
    return {"key": key, "made": made}


def cleared(asked: dict[str, Any]) -> dict[str, Any]:
    """Removes what one who was killed while taking has left in the build path, if that was begun at all, and what was
    to be taken: whoever takes it next could end likewise. Raises where something cannot be removed.
    """
    if os.path.lexists(STAGE) or left_of(STAGE):
        for each in (*map(Path, asked["makes"]), STAGE):
            for path in (*left_of(each), each):
                erase(path)
    with contextlib.suppress(*FAULTS):  # without a key nothing is kept
        key = key_of(asked)
        removed(Path(asked["cache"], key))
        return {"key": key}
    return {}


def left_of(path: Path) -> list[Path]:
    """Where it lies while it is being removed."""
    return [each for each in path.parent.glob(f"{GONE}*-{path.name}") if each.name[len(GONE)].isdigit()]


def erase(path: Path) -> None:
    """Removes it and all below, whatever their modes say."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for each, it in walked(path):
        if stat.S_ISDIR(it.st_mode):
            each.chmod(0o700)
    shutil.rmtree(path)


def lay_out(place: Path, note: dict[str, Any], makes: list[str]) -> None:
    """Copies it beside where it belongs, and has it say the place that this folder has, whose path is as long."""
    before, now = os.fsencode(note["folder"]), os.fsencode(str(Path.cwd()))
    if len(before) != len(now):
        raise Unfit("it was made at a path of another length")
    if not note["made_of"] or not set(note["made_of"].values()) <= {*makes}:
        raise Unfit("it is not what was written")
    found = []
    for number, each in note["made_of"].items():
        (STAGE / each).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*CP, str(place / str(int(number))), str(STAGE / each)], check=True, capture_output=True)
        found += list(walked(STAGE / each))
    if measured(found) != note["size"]:
        raise Unfit("it is not what was written")
    for path, it in found:
        if stat.S_ISLNK(it.st_mode) and before in (target := os.fsencode(path.readlink())):
            path.unlink()
            path.symlink_to(os.fsdecode(target.replace(before, now)))
    named = {str(STAGE / name) for name in note["names"]}
    for path, it in found:
        if str(path) in named and stat.S_ISREG(it.st_mode):
            rewrite(path, it, before, now)


def rewrite(path: Path, it: os.stat_result, before: bytes, now: bytes) -> None:
    """Exchanges a path in a file; what is compiled beside it goes by its time, which stays."""
    path.chmod(stat.S_IMODE(it.st_mode) | stat.S_IRUSR | stat.S_IWUSR)
    with path.open("r+b", buffering=0) as file:  # in its place: what is cut off first goes to the disk at once
        data = file.readall().replace(before, now)
        file.seek(0)
        file.write(data)
    path.chmod(stat.S_IMODE(it.st_mode))
    os.utime(path, ns=(it.st_atime_ns, it.st_mtime_ns))


def kept(asked: dict[str, Any]) -> dict[str, Any]:
    """Keeps what was made: beside its name first, and under it once all is on the disk."""
    cache = Path(asked["cache"])
    cache.mkdir(mode=0o700, exist_ok=True)
    clear(cache, asked)
    makes = {str(number): each for number, each in enumerate(asked["makes"]) if os.path.lexists(each)}
    found = [(path, it) for each in makes.values() for path, it in walked(Path(each))]
    blocks = sum(it.st_blocks * 512 for _, it in found)
    if not makes:
        raise Unfit("nothing was made")
    if blocks > asked["most_bytes"]:
        raise Unfit(f"it has {blocks >> 20} MiB, and at most {asked['most_bytes'] >> 20} MiB are kept")
    disk = os.statvfs(cache)
    if disk.f_bavail * disk.f_frsize < blocks + asked["least_free"]:
        raise Unfit("the disk has too little room")
    folder = str(Path.cwd())
    ended = subprocess.run(
        ["/usr/bin/grep", "-rlFZ", "-e", folder, "--", *makes.values()], check=False, capture_output=True
    )
    names = [os.fsdecode(each) for each in ended.stdout.split(b"\0") if each]
    draft = cache / f"{DRAFT}{asked['run']}"
    removed(draft)
    draft.mkdir(mode=0o700)
    try:
        for number, each in makes.items():
            subprocess.run([*CP, each, str(draft / number)], check=True, capture_output=True)
        note = {"made": int(time.time()), "folder": folder, "made_of": makes, "size": measured(found), "names": names}
        (draft / NOTE).write_text(json.dumps(note))
        subprocess.run(["/usr/bin/sync", "--file-system", "--", str(draft)], check=True, capture_output=True)
        place = cache / asked["key"]
        if asked["fresh"]:
            removed(place)
        try:
            draft.rename(place)
        except OSError:
            if not place.exists():
                raise
            removed(draft)  # another build has kept it meanwhile
    except BaseException:
        removed(draft)
        raise
    clear(cache, asked)
    return {"bytes": blocks}


def clear(cache: Path, asked: dict[str, Any]) -> None:
    """Removes what is too much, what was not used for long, and what a build that was killed has left."""
    now = time.time()
    ages = []
    for each in cache.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another build has moved it meanwhile
            ages += [(now - each.lstat().st_mtime, each)] if each.name != asked["key"] else []
    whole = 0
    for age, each in sorted(ages):
        if each.name.startswith((DRAFT, GONE)):
            if age > TEMPORARY_SECONDS:
                removed(each)
            continue
        whole += 1
        if whole >= asked["most"] or age > asked["most_seconds"]:
            removed(each)


def key_of(asked: dict[str, Any]) -> str:
    """What an installation follows from, in one word. Raises Unfit for a file that is none."""
    parts = [asked["base"].encode(), *machine()]
    for name in asked["follows"]:
        path = Path(name)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise Unfit(f"{name[:100]} is no plain file")
        parts += [name.encode(), hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"none"]
    return hashlib.sha256(b"\0".join(b"%d:%s" % (len(each), each) for each in parts)).hexdigest()


def machine() -> list[bytes]:
    """What of this machine an installation may have been compiled for or linked with."""
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
    lines = RELEASE.read_bytes().splitlines() if RELEASE.is_file() else []
    system = sorted(line for line in lines if line.startswith((b"ID=", b"VERSION_ID=")))
    packages = hashlib.sha256(PACKAGES.read_bytes()).digest() if PACKAGES.is_file() else b"none"
    return [os.uname().machine.encode(), (libc or "").encode(), b"\n".join(system), packages]


def measured(found: list[tuple[Path, os.stat_result]]) -> list[int]:
    """How many there are of it, and how long its files are together."""
    return [len(found), sum(it.st_size for _, it in found if stat.S_ISREG(it.st_mode))]


def walked(top: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """A folder and all that is in it; no link is followed."""
    it = top.lstat()
    yield top, it
    if stat.S_ISDIR(it.st_mode):
        for each in os.scandir(top):
            yield from walked(Path(each.path))


def told(error: BaseException) -> str:
    """The fault in a few words."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return (lines[-1].rpartition(": ")[2] if lines else f"{error.cmd[0]} failed")[:200]
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


def removed(path: Path) -> None:
    """Out of the way at once, whatever time its removal takes."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    gone = path.with_name(f"{GONE}{os.getpid()}-{path.name}"[:200])
    try:
        path.rename(gone)
    except OSError:
        gone = path
    shutil.rmtree(gone, ignore_errors=True)


if __name__ == "__main__":
    main()
