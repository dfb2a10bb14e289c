"""Measures how long an artifact is on its way from the server that builds it to the one where it is released, beside
what the bare commands take for as much: ``docker save | ssh docker load`` and ``tar | ssh tar``, in turns. Both servers
have a root, a network and an engine of their own on this machine. Prints seconds; fails where a move takes longer than
its bound.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.e2e.boxes import boxed_web
from tests.e2e.test_build_servers import Yard, connected
from tests.support.docker.docker_engine import BASE_IMAGE
from tests.support.machines.server_roots import FarEngine, RootedServer, engine_on
from tests.support.panel.panel import commit, git_repository, web

ROUNDS = int(os.environ.get("ROUNDS", "3"))
IMAGE_MIB = int(os.environ.get("IMAGE_MIB", "1024"))
BUNDLE_MIB = int(os.environ.get("BUNDLE_MIB", "200"))
BOUND = 1.3
# Half of it in one file, half in files of 4 KiB, as the packages of an application are.
PROGRAM = f"""\
import os, pathlib
pathlib.Path("one").write_bytes(os.urandom({BUNDLE_MIB} << 19))
for n in range({BUNDLE_MIB} << 7):
    path = pathlib.Path(f"many/{{n >> 6}}/{{n}}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(4096))
"""
Times = dict[str, list[float]]


def main() -> int:
    """Measures; the exit status."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-bench-")))
        stack.enter_context(disk_of_its_own(folder / "data"))
        yard = stack.enter_context(connected(folder))
        builds, runs = (stack.enter_context(engine_on(each)) for each in (yard.builder, yard.target))
        return report(measure(yard, builds, runs, folder))


@contextmanager
def disk_of_its_own(folder: Path) -> Iterator[None]:
    """The panel's machine is another one: what it makes durable must not wait for what the servers write. This one is
    in memory, for the machine has one disk.
    """
    folder.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=711", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def measure(yard: Yard, builds: FarEngine, runs: FarEngine, folder: Path) -> Times:
    """Seconds of each round by what was moved."""
    times: Times = defaultdict(list)
    boxes, files = folder / "boxes", folder / "files"
    boxed = yard.application(git_repository(boxes, boxed_web("v")), "boxed", builder="dockerfile")
    loose = {**web("v"), "fill.py": PROGRAM}
    bundled = yard.application(
        git_repository(files, loose), "bundled", builder="native", buildCommand="python3 fill.py"
    )
    for number in range(ROUNDS):
        commit(boxes, {"Dockerfile": dockerfile(number)}, f"round {number}")
        times["image"].append(moved(yard, boxed))
        times["image, bare"].append(bare_image(yard, builds, runs, folder / "image", number))
        os.sync()  # the disk that the image filled
        times["bundle"].append(moved(yard, bundled))
        times["bundle, bare"].append(bare_bundle(yard))
        print(f"round {number + 1}: " + ", ".join(f"{name} {took[-1]:.2f}" for name, took in times.items()))
    return times


def dockerfile(number: int | str) -> str:
    """An image that shares nothing of its weight with the one before."""
    heavy = f"RUN echo {number} && head -c {IMAGE_MIB}M /dev/urandom >/ballast"
    return f'FROM {BASE_IMAGE}\n{heavy}\nCOPY app.py /app.py\nEXPOSE 3000\nCMD ["python3", "-u", "/app.py"]\n'


def moved(yard: Yard, application_id: str) -> float:
    """Seconds of the move in a deploy; what it was released as goes with the next one."""
    row = yard.panel.done(yard.panel.deploy(application_id), 900)
    (took,) = (int(step["durationMs"]) for step in row["steps"] if step["name"] == "move")
    return took / 1000


def bare_image(yard: Yard, builds: FarEngine, runs: FarEngine, folder: Path, number: int) -> float:
    """Seconds for an image of the same kind by the bare commands."""
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text("")
    (folder / "Dockerfile").write_text(dockerfile(f"bare {number}"))
    builds.docker("build", "--quiet", "--tag=bare", str(folder), timeout=900)
    began = time.monotonic()
    piped(["docker", "--host", builds.host, "save", "bare"], [*ssh(yard.target), "docker load --quiet"])
    took = time.monotonic() - began
    for engine in (builds, runs):
        engine.docker("image", "rm", "bare")
    return took


def bare_bundle(yard: Yard) -> float:
    """Seconds for the same files by the bare commands."""
    source, target = yard.builder.root / "var/tmp/bare", yard.target.root / "var/tmp/bare"
    for place in (source, target):
        place.mkdir()
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=source, check=True)
    began = time.monotonic()
    piped(["tar", "-C", str(source), "-cf", "-", "."], [*ssh(yard.target), "tar -C /var/tmp/bare -xf -"])
    took = time.monotonic() - began
    for place in (source, target):
        shutil.rmtree(place)
    return took


def piped(out: list[str], into: list[str]) -> None:
    """One command's output to another's input; both must end well."""
    with subprocess.Popen(out, stdout=subprocess.PIPE) as first:
        subprocess.run(into, stdin=first.stdout, stdout=subprocess.DEVNULL, check=True)
    assert first.returncode == 0, out


def ssh(server: RootedServer) -> list[str]:
    """Into a server by OpenSSH as it comes."""
    known = server.folder / "known_hosts"
    known.write_text(f"{server.address} {server.host_key}\n")
    options = ("IdentitiesOnly=yes", f"UserKnownHostsFile={known}", "BatchMode=yes", "LogLevel=ERROR")
    said = [word for option in options for word in ("-o", option)]
    return [
        "ssh",
        "-F",
        "none",
        "-i",
        str(server.folder / "key"),
        *said,
        "-p",
        str(server.port),
        f"root@{server.address}",
    ]


def report(times: Times) -> int:
    """Prints the medians and what they come to."""
    print(f"{ROUNDS} rounds, an image of {IMAGE_MIB} MiB and a bundle of {BUNDLE_MIB} MiB, seconds (median, all):")
    for name, all_of_them in times.items():
        print(f"  {name:<14}{statistics.median(all_of_them):7.2f}   {', '.join(f'{each:.2f}' for each in all_of_them)}")
    status = 0
    for name in ("image", "bundle"):
        share = statistics.median(times[name]) / statistics.median(times[f"{name}, bare"])
        print(f"  {name}: {share:.2f} of the bare commands (bound {BOUND})")
        status |= share > BOUND
    return status


if __name__ == "__main__":
    sys.exit(main())
