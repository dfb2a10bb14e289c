"""The page of the panel: what it is, whether it can do its work, how it is reached, and what it was started with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.loop_words import kept_by, work_of
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.edge.api.rows import CertificateRow
    from headway.features.settings.api.operations import AboutRow, HealthRow

PATH = "/settings"
ABOUT: Asked[AboutRow] = Asked("settings.about")
HEALTH: Asked[HealthRow] = Asked("settings.health")
CERTIFICATES: Asked[list[CertificateRow]] = Asked("certificates.all")
_FOLDER = "features/settings/pages"
_SECONDS = 3.0
_MOST = 50


async def show(visit: Visit) -> View:
    """All of it."""
    about = await visit.ask(ABOUT)
    certificates: list[CertificateRow] | None = None
    if visit.may(CERTIFICATES.name):
        certificates = await visit.ask(CERTIFICATES)
    machine = about["machine"]
    values = {
        "about": about,
        "machine": machine,
        "chosen": sum(not each["isDefault"] for each in machine["settings"]) if machine else 0,
        "certificates": None if certificates is None else len(certificates),
        **await _health(visit),
    }
    return View(template=f"{_FOLDER}/about.html", values=values, title="Panel settings")


async def health(visit: Visit) -> View:
    """Whether the panel can do its work."""
    return View(template=f"{_FOLDER}/health.html", values=await _health(visit))


async def _health(visit: Visit) -> Mapping[str, object]:
    found = await visit.ask_within(_SECONDS, HEALTH)
    troubles = () if isinstance(found, Unknown) else found.get("troubles", ())
    gates = () if isinstance(found, Unknown) else found.get("gates", ())
    return {
        "why": found.why if isinstance(found, Unknown) else None,
        "troubles": [{"row": each, "what": work_of(each["loop"])} for each in troubles[:_MOST]],
        "further": max(len(troubles) - _MOST, 0),
        "gates": [{"row": each, "what": kept_by(each["gate"])} for each in gates],
    }


PAGE = Page(path=PATH, permission=ABOUT.name, show=show, parts={"health": health})
