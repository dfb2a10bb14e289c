"""axe-core, which looks through a page for what keeps people from using it; fetched for tests, never shipped."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from tests.e2e.npm_clients import installed

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERSIONS: Mapping[str, str] = {"axe-core": "4.14.1"}
# WCAG 2.2 AA is all that came before it too. The size of what is pressed is its newest rule, which axe leaves off.
_LOOK = """
  async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const rules = {"target-size": {enabled: true}};
    const found = await axe.run(document, {runOnly: tags, rules, resultTypes: ["violations"], preload: false});
    return found.violations.flatMap((rule) => rule.nodes.map((node) => {
      const why = [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ");
      return `${rule.id}: ${node.target.join(" ")}: ${why}`;
    }));
  }
"""


def axe_source(cache: pytest.Cache) -> str:
    """Its script, kept from run to run."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm on the PATH")
    return (installed(cache, "axe", VERSIONS) / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page, source: str) -> list[str]:
    """What a page, as it is shown now, has against WCAG 2.2 AA: the rule, the place and why."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(source)
    found: list[str] = page.evaluate(_LOOK)
    return found
