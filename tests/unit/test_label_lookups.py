"""Whatever finds things of an engine by their labels is judged on one page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/headway"
PAGE = (ROOT / "docs/decisions/0043-labels-are-ours-alone.md").read_text()
LOOKS = re.compile(r"docker\.labels import|docker import labels|engine\.(?:containers|remove\w*)\(|com\.docker\.")


def test_every_part_that_reads_labels_is_judged() -> None:
    found = {each for each in SOURCE.rglob("*.py") if LOOKS.search(each.read_text()) and each.name != "labels.py"}
    parts = {str(each.relative_to(SOURCE)) for each in found}
    assert len(parts) > 25
    assert {part for part in parts if not any(part.endswith(named) for named in NAMED)} == set()


NAMED = frozenset(re.findall(r"`([\w/]+\.py)`", PAGE))


def test_every_part_that_is_named_is_there() -> None:
    there = {str(each.relative_to(ROOT)) for folder in ("src", "tests") for each in (ROOT / folder).rglob("*.py")}
    assert {named for named in NAMED if not any(f"/{each}".endswith(f"/{named}") for each in there)} == set()
