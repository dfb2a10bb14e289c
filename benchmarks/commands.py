"""Measures what a command costs a person's processor: calls for help and lists, each in an interpreter of its own.

Prints medians of the processor's time; beside them that of an interpreter which only loads what speaks HTTP, the floor
of everything that asks a panel. Fails where one takes more than a quarter of a second.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.panel.panel import KEY, panel

ROUNDS = 15
BOUND = 0.25  # seconds
APPLICATIONS = 30
COMMAND = ("-m", "headway.cli.main")
COMMANDS = (
    ("--help",),
    ("apps", "--help"),
    ("apps", "set", "--help"),
    ("deploy", "--help"),
    ("apps", "list"),
    ("deployments", "list"),
    ("projects", "list"),
    ("status",),
)


def main() -> None:
    """Asks a panel with some applications, and fails where a command is above its bound."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder, panel(Path(folder) / "data") as asked:
        environment_id = asked.post("project.create", name="shop")["environment"]["environmentId"]
        for number in range(APPLICATIONS):
            asked.post("application.create", name=f"app-{number}", environmentId=environment_id)
        url = f"http://127.0.0.1:{asked.port}"
        env = {"PATH": os.environ["PATH"], "HOME": folder, "HEADWAY_URL": url, "HEADWAY_API_KEY": KEY}
        print(f"{'an interpreter that loads httpx':34s} {cost(('-c', 'import httpx'), env) * 1000:4.0f} ms")
        costs = {" ".join(arguments): cost((*COMMAND, *arguments), env) for arguments in COMMANDS}
    for name, seconds in costs.items():
        print(f"headway {name:26s} {seconds * 1000:4.0f} ms")
    above = [name for name, seconds in costs.items() if seconds > BOUND]
    if above:
        sys.exit(f"over {BOUND * 1000:.0f} ms of processor: {', '.join(above)}")


def cost(arguments: tuple[str, ...], env: dict[str, str]) -> float:
    """The median of the processor's seconds of an interpreter with these arguments, the first left out."""
    return statistics.median([once(arguments, env) for _ in range(ROUNDS + 1)][1:])


def once(arguments: tuple[str, ...], env: dict[str, str]) -> float:
    """The processor's seconds of an interpreter with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
