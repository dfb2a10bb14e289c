"""The settings that a panel was last started with, kept in its data directory: for what works on it without a panel."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from headway.infra.panel.whole_file import replace_file

FILE = "settings.env"
VERSION_FILE = "version"
_NOTE = "# What the panel was last started with. Written by the panel at its start: set the environment instead.\n"
KEYS = frozenset({"HEADWAY_API_KEY", "HEADWAY_OWNER_KEY"})  # which no file of settings holds
_NOT_KEPT = KEYS | {"HEADWAY_DATA_DIR"}
_LINE = re.compile(r'(HEADWAY_[A-Z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|([^"]*))')


def keep_settings(folder: Path, given: Mapping[str, str], version: str) -> None:
    """Writes the variables, and the version that was started, down for the panel's account only."""
    kept = {name: value for name, value in given.items() if name not in _NOT_KEPT}
    replace_file(folder / FILE, with_variables(_NOTE, kept))
    replace_file(folder / VERSION_FILE, f"{version}\n")


def kept_settings(folder: Path) -> dict[str, str]:
    """The variables; none where the folder has no such file or it cannot be read."""
    try:
        return variables_of((folder / FILE).read_text())
    except OSError:
        return {}


def variables_of(text: str) -> dict[str, str]:
    """The variables that the text of such a file sets; also those that somebody wrote without quotation marks."""
    found = [_LINE.fullmatch(line.strip()) for line in text.splitlines()]
    return {each[1]: _unescaped(each[2]) if each[2] is not None else each[3] for each in found if each is not None}


def with_variables(text: str, given: Mapping[str, str]) -> str:
    """The text of such a file with these variables set, everything else in it as it is."""
    return without_variables(text, given) + "".join(f'{name}="{_escaped(given[name])}"\n' for name in sorted(given))


def without_variables(text: str, names: Collection[str]) -> str:
    """The text of such a file without what sets these variables."""
    lines = [
        line for line in text.splitlines() if not (found := _LINE.fullmatch(line.strip())) or found[1] not in names
    ]
    return "".join(f"{line}\n" for line in lines)


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _escaped(value: str) -> str:
    """As systemd and shells read it between quotation marks."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
