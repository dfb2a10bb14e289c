"""The pages that are made from the code say what the code says, and no page points at what is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headway.core.deployments.status import MOVES, Reason
from headway.kernel.setting_choices import documented
from headway.operations import bare_registry
from script.api_differences import DIFFERENCES
from script.docs import DOCS, PAGES

ROOT = DOCS.parent
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")
WRITTEN = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run script/docs"


def test_every_setting_move_and_reason_is_told() -> None:
    settings, states = PAGES["settings.md"](), PAGES["state-machine.md"]()
    assert [each.variable for each in documented() if f"`{each.variable}`" not in settings] == []
    assert [move.name for move in MOVES if f"| {move.name} |" not in states] == []
    assert [reason for reason in Reason if f"| `{reason}` |" not in states] == []


def test_every_difference_says_why_and_names_what_there_is() -> None:
    assert [case for case, _there, here, why in DIFFERENCES if not (here and why)] == []
    names = {operation.name for operation in bare_registry()}
    told = {name for row in DIFFERENCES for text in row for name in re.findall(r"`([a-z]\w+\.[a-z]\w+)`", text)}
    assert told - names == set()


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/README.md"])
def test_a_list_of_pages_names_each_once(page: str) -> None:
    listed = [line for line in (ROOT / page).read_text().splitlines() if line.startswith(("- ", "| "))]
    links = [link for line in listed for link in LINK.findall(line)]
    assert len(links) > 10
    assert [link for link in set(links) if links.count(link) > 1] == []


def test_a_key_is_made_for_a_project_that_the_reader_has() -> None:
    named = {name for page in WRITTEN for name in re.findall(r"keys create .*--project ([\w-]+)", page.read_text())}
    assert named == {"default"}  # which the first deploy makes
