"""Programs of wheels that are installed with us."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def beside_python(program: str) -> Path:
    """The program of a wheel that was installed with us, else the machine's own."""
    own = Path(sys.prefix) / "bin" / program
    return own if own.exists() else Path(shutil.which(program) or own)
