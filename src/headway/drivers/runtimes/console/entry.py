"""Carries out one command inside what runs now of an application, and ends all of it with whoever asked for it.

It runs as a script on the machine of the application, ``python -I -S console.py ROOT``, where ROOT is the folder of the
runtime of processes there. What it is to do comes first on its standard input, so that no list of processes shows it.
"""

from __future__ import annotations

import json
import sys


def main(root: str) -> None:
    """Ends when the command has, or when nobody is there any more."""
    with open(f"{root}/launch.json", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is one import more
        configuration = json.load(file)
    sys.path[:0] = configuration["path"]
    from headway.drivers.runtimes.console.room import serve  # noqa: PLC0415 - found now only

    serve(root, configuration)


if __name__ == "__main__":
    main(sys.argv[1])
