"""``python -m tests.support.panel.tries``: names what failed at the first try of a run of all tests, and keeps beside
the tests' systems in how many runs in a row each has; its status says whether there is one in ``MOST``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

MOST = 3
LAST = Path(".pytest_cache/v/cache/lastfailed")


def main(last: Path, kept: Path) -> int:
    """Names and counts them."""
    before = _read(kept)
    rows = {name: before.get(name, 0) + 1 for name in sorted(_read(last))}
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(".new")
    draft.write_text(json.dumps(rows, indent=1))
    draft.rename(kept)
    if rows:
        print(f"{len(rows)} failed at the first try:")
    for name, times in rows.items():
        print(f"  {name}" + (f" (in {times} runs in a row)" if times > 1 else ""))
    return int(any(times >= MOST for times in rows.values()))


def _read(file: Path) -> Mapping[str, int]:
    """What a file of names holds; nothing where it is not there or cannot be read."""
    try:
        found: dict[str, int] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found


if __name__ == "__main__":
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    sys.exit(main(LAST, cache / "headway-tests" / "failed-at-first.json"))
