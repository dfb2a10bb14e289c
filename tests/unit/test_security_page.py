"""The page about security claims nothing that no test holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from headway.core.access.machine import Power

ROOT = Path(__file__).parents[2]
PAGES = {each.stem: each.read_text() for each in (ROOT / "docs").glob("*.md")}
PAGE = PAGES["security"]
# What the page about access calls each power, and the pages of what it is set on.
WORDS: Mapping[Power, tuple[str, tuple[str, ...]]] = {
    Power.BIND: ("bind", ("containers",)),
    Power.FOLDER: ("file://", ()),
    Power.FETCH: ("engineFetch", ("containers", "compose")),
    Power.HOST: ("allowHostAccess", ("compose",)),
    Power.LOOPBACK: ("loopback", ("builds",)),
    Power.PORT: ("below 1024", ("containers", "compose")),
    Power.ROUTING: ("updateTraefikConfig", ("domains",)),
    Power.SCHEDULE: ("schedule", ("schedules",)),
    Power.DESTINATION: ("destination", ("backups",)),
}
NAMES = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py)`")
PROOFS = re.compile(r"`script/prove (\w+)`")
CLAIMS = re.compile(r"^\| (?P<claim>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)


def test_every_claim_names_a_test() -> None:
    held = PAGE.partition("## What holds")[2].partition("\n## ")[0]
    rows = [row for row in CLAIMS.finditer(held) if not set(row["claim"]) <= set("-:| ")][1:]
    assert len(rows) > 40
    assert [row["claim"] for row in rows if not NAMES.search(row["tests"]) and not PROOFS.search(row["tests"])] == []


def test_every_row_of_the_other_tables_names_a_test_or_why_there_is_none() -> None:
    tables = (
        PAGE.partition(f"{title}\n")[2].partition("\n#")[0] for title in ("## Who is trusted", "## How it is tried")
    )
    rows = [row for table in tables for row in rows_of(table)] + rows_of(PAGE.partition("### Where else\n")[2])
    assert len(rows) > 35
    why = re.compile("no test: |no part: ")
    assert [row for row in rows if not NAMES.search(row) and not PROOFS.search(row) and not why.search(row)] == []


def rows_of(text: str) -> list[str]:
    """Those of a table, without its heading."""
    return [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]


def test_the_pages_say_of_each_power_who_has_it_as_the_page_about_access_does() -> None:
    section = PAGES["access"].partition("## The machine\n")[2].partition("\n## ")[0]
    assert WORDS.keys() == set(Power)
    assert {power: words for power, (words, _) in WORDS.items() if words not in section} == {}
    assert {
        (power, page) for power, (words, pages) in WORDS.items() for page in pages if words not in PAGES[page]
    } == set()
    assert {
        page for _, pages in WORDS.values() for page in pages if "access.md#the-machine" not in PAGES[page]
    } == set()
    judged = "asked when it is saved"
    assert {page for page in ("schedules", "containers", "compose") if judged not in flat(PAGES[page])} == set()
    assert "A save is judged, a start is not" in section


def flat(text: str) -> str:
    """Without ends of lines, and links without where they lead."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", " ".join(text.split()))


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
