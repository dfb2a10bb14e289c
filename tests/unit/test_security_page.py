"""The page about security claims nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMES = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py)`")
PROOFS = re.compile(r"`script/prove (\w+)`")
CLAIMS = re.compile(r"^\| (?P<claim>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)


def test_every_claim_names_a_test() -> None:
    held = PAGE.partition("## What holds")[2].partition("\n## ")[0]
    rows = [row for row in CLAIMS.finditer(held) if not set(row["claim"]) <= set("-:| ")][1:]
    assert len(rows) > 40
    assert [row["claim"] for row in rows if not NAMES.search(row["tests"]) and not PROOFS.search(row["tests"])] == []


def test_every_line_of_what_is_left_names_a_test_or_why_there_is_none() -> None:
    lines: list[str] = []
    for title in ("What a tenant can still do", "What is left to you"):
        section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
        lines += [" ".join(bullet.split()) for bullet in section.split("\n- ")[1:]]
    assert len(lines) > 20
    assert [
        line for line in lines if not NAMES.search(line) and not PROOFS.search(line) and "no test: " not in line
    ] == []


def test_every_test_and_proof_that_is_named_is_there() -> None:
    named = {name if name.startswith("tests/") else f"tests/attacks/{name}" for name in NAMES.findall(PAGE)}
    proofs = {f"tests/proofs/test_{name}.py" for name in PROOFS.findall(PAGE)}
    assert {each for each in named | proofs if not (ROOT / each).exists()} == set()


def test_every_file_of_attacks_is_named() -> None:
    files = {each.name for each in (ROOT / "tests/attacks").glob("test_*.py")}
    assert files - {Path(each).name for each in NAMES.findall(PAGE)} == set()
