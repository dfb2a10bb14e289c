"""The settings that a panel was last started with, kept in its data directory: for what works on it without a panel."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

FILE = "settings.env"
VERSION_FILE = "version"
_NOTE = "# What the panel was last started with. Written by the panel at its start: set the environment instead.\n"
_NOT_KEPT = frozenset({"HEADWAY_API_KEY", "HEADWAY_DATA_DIR"})
_LINE = re.compile(r'(HEADWAY_[A-Z0-9_]+)="((?:[^"\\]|\\.)*)"')


def keep_settings(folder: Path, given: Mapping[str, str], version: str) -> None:
    """Writes the variables, and the version that was started, down for the panel's account only."""
    lines = [f'{name}="{_escaped(value)}"\n' for name, value in sorted(given.items()) if name not in _NOT_KEPT]
    _replace(folder / FILE, _NOTE + "".join(lines))
    _replace(folder / VERSION_FILE, f"{version}\n")


def kept_settings(folder: Path) -> dict[str, str]:
    """The variables; none where the folder has no such file or it cannot be read."""
    try:
        lines = (folder / FILE).read_text().splitlines()
    except OSError:
        return {}
    found = [_LINE.fullmatch(line) for line in lines]
    return {each[1]: re.sub(r"\\(.)", r"\1", each[2]) for each in found if each is not None}


def _replace(file: Path, text: str) -> None:
    """As a whole: half of it is never there."""
    draft = file.with_name(f"{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


def _escaped(value: str) -> str:
    """As systemd and shells read it between quotation marks."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
