"""The steps that bring a database of any earlier release to this one's schema; forward only."""

from __future__ import annotations

from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"


def revisions() -> list[str]:
    """All revisions in their order; a revision is the number that its file's name begins with."""
    return sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def titles() -> dict[str, str]:
    """What each revision does, in its file's own words."""
    files = {path.name.partition("_")[0]: path for path in VERSIONS.glob("[0-9]*_*.py")}
    return {name: files[name].read_text().partition("\n")[0].strip('"') for name in revisions()}
