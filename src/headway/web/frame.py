"""What every page has around it: who sees it, where they may go, and what was just done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.access.model import Actor
from headway.pages.forms import Flash

_PLACES = (
    ("/home", "home", "Home", "home"),
    ("/deployments", "deployments", "Deployments", "deployments"),
    ("/services", "services", "Services", "services"),
    ("/members", "members", "Members", "members"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame for somebody; nobody where ``actor`` is None. Of ``topics`` its page is told when they change."""

    actor: Actor | None = None
    organization: str = ""
    form_token: str = ""
    flash: Flash | None = None
    plain: bool = False
    topics: tuple[str, ...] = ()

    def values(self, pages: Mapping[str, object]) -> Mapping[str, object]:
        """What templates are given of it. Only to ``pages`` that there are anything shows the way."""
        shown = [
            {"key": key, "label": label, "href": path, "icon": icon}
            for path, key, label, icon in _PLACES
            if path in pages
        ]
        return {
            "me": None if self.actor is None else {"name": self.actor.name, "organization": self.organization},
            "form_token": self.form_token,
            "flash": self.flash,
            "navigation": shown,
            "plain": self.plain,
            "topics": " ".join(self.topics),
            "pages": tuple(pages),
        }


NOBODY = Frame()
OF_A_VISIT = frozenset({"me", "form_token", "flash", "plain", "topics"})
"""What of that may be another for each who looks."""
