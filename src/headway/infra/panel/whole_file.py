"""Files that are replaced as a whole: half of one is never there, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Writes it beside its place, makes it durable and puts it there."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
