"""Looks like another program to whoever goes by environment and arguments: ``ARGUMENTS`` are those of that one, in hex.

A process may write over the memory that /proc shows its arguments from. Their length stays as it is, so the program
first starts itself again with arguments that are as long together.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_ARGUMENTS_BEGIN = 45  # of the fields of /proc/PID/stat, counted from the one behind the name


def main() -> None:
    wanted = bytes.fromhex(os.environ["ARGUMENTS"])
    own = Path("/proc/self/cmdline").read_bytes()
    if len(own) != len(wanted):
        as_short = [b"python3", os.fsencode(sys.argv[0])]
        rest = len(wanted) - sum(len(argument) + 1 for argument in as_short) - 1
        os.execv(sys.executable, [*as_short, b"x" * rest])  # noqa: S606 - to become it is the point
    begin = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[_ARGUMENTS_BEGIN])
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(begin)
        memory.write(wanted)
    time.sleep(3600)


if __name__ == "__main__":
    main()
