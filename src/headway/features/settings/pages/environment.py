"""The page of what the panel was started with: each setting, its value, and by which variable it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.settings.pages.panel import ABOUT
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.features.settings.api.operations import ChosenRow

PATH = "/settings/environment"


async def show(visit: Visit) -> View:
    """Those that the text in the address lets through, what somebody has chosen first."""
    machine = (await visit.ask(ABOUT))["machine"]
    if machine is None:
        raise Missing(Noun.ORGANIZATION)
    text = visit.query.get("text", "").strip()
    found = [each for each in machine["settings"] if _holds(each, text.casefold().split())]
    return View(
        template="features/settings/pages/environment.html",
        values={"rows": sorted(found, key=lambda each: each["isDefault"]), "text": text},
        title="Settings of the environment",
    )


def _holds(row: ChosenRow, words: Sequence[str]) -> bool:
    within = f"{row['variable']} {row['description']}".casefold()
    return all(word in within for word in words)


PAGE = Page(path=PATH, permission=ABOUT.name, show=show)
