"""What the layer over a release costs at the start of a process: a release with 1 GiB of node_modules, in each form.

As root; a form that this kernel refuses is left out, and said.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headway.drivers.runtimes.launch import layer, overlay

ACCOUNT = 61234
FILES, BYTES = 40_000, 1 << 30
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as made:
        root = Path(made)
        root.chmod(0o755)
        release = _release(root / "release")
        print(f"a release of {FILES} files in {FILES // 40} folders, {BYTES >> 20} MiB; medians of {ROUNDS}")
        forms: dict[str, Callable[[str], object]] = {
            "mounts of its own, no layer": lambda _: overlay.part_mounts(),
            "overlay": lambda place: _over(place, release, lent=True),
            "overlay, given all but node_modules": lambda place: _over(place, release, lent=False),
            "copy of all but node_modules": lambda place: layer._copied(place, release, (ACCOUNT, ACCOUNT), 1 << 40),  # noqa: SLF001
        }
        for name, lay in forms.items():
            took = [_timed(root / f"place-{number}", lay) for number in range(ROUNDS)]
            print(
                f"{name:<36} {statistics.median(took):>9.1f} ms"
                if not any(map(math.isnan, took))
                else f"{name:<36} refused here"
            )


def _release(folder: Path) -> str:
    for number in range(FILES // 40):
        below = folder / f"node_modules/package-{number}"
        below.mkdir(parents=True)
        for each in range(40):
            with (below / f"{each}.js").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BYTES // FILES)
    for number in range(500):
        (folder / f"module_{number}.py").write_bytes(os.urandom(4000))
    for above, folders, files, descriptor in os.fwalk(folder):
        del above
        for name in (*folders, *files):
            os.chown(name, 0, ACCOUNT, dir_fd=descriptor)
            os.chmod(name, 0o750, dir_fd=descriptor)  # noqa: S103 - as a release is
    os.chown(folder, 0, ACCOUNT)
    return str(folder)


def _over(place: str, release: str, *, lent: bool) -> None:
    if not overlay.part_mounts():
        raise OSError("no mounts of its own")
    lower = os.open(release, os.O_PATH | os.O_DIRECTORY)
    overlay.lay_over(place, lower, release, (ACCOUNT, ACCOUNT), lent=lent)


def _timed(place: Path, lay: Callable[[str], object]) -> float:
    """In a process of its own, as a launcher is."""
    place.mkdir()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        began = time.perf_counter()
        try:
            lay(str(place))
            os.write(writing, f"{(time.perf_counter() - began) * 1000}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with open(reading, "rb") as said:  # noqa: PTH123 - a pipe
        told = said.read()
    layer.clear(str(place))
    return float(told or "nan")


if __name__ == "__main__":
    main()
