"""Which port answers with metrics and asks for no key: one that did so before a key was always asked for."""

from __future__ import annotations

from pathlib import Path

from headway.infra.panel.kept_settings import kept_settings
from headway.infra.panel.whole_file import replace_file

FILE = "metrics.open"  # holds that port; nothing once it was another one, or had a key
_PORT, _KEY = "HEADWAY_METRICS_PORT", "HEADWAY_METRICS_KEY"


def is_open(folder: Path, port: int | None, *, has_key: bool) -> bool:
    """Whether the port of these settings needs no key yet, in the data directory of a panel that has been started."""
    if port is None or has_key:
        return False
    try:
        return (folder / FILE).read_text().strip() == str(port)
    except FileNotFoundError:
        before = kept_settings(folder)
        return not before or (before.get(_PORT) == str(port) and _KEY not in before)


def close(folder: Path) -> None:
    """Has every port ask for a key, as those of a new panel do."""
    replace_file(folder / FILE, "")


def settle(folder: Path, port: int | None, *, has_key: bool) -> bool:
    """The same, written down: once a key was asked for it always is."""
    found = is_open(folder, port, has_key=has_key)
    replace_file(folder / FILE, f"{port}\n" if found else "")
    return found
