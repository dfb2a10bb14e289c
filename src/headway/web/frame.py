"""What every page has around it: who sees it, where they may go, and what was just done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headway.core.access.model import Actor
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Flash
from headway.web.marks import mark_of


@dataclass(frozen=True, slots=True)
class _Place:
    """A page that others show the way to. Its picture is called as its path is; ``key``, after g, leads there."""

    path: str
    label: str
    key: str = ""

    @property
    def word(self) -> str:
        return self.path.removeprefix("/")


_MAIN = (
    _Place("/home", "Home", "h"),
    _Place("/deployments", "Deployments", "d"),
    _Place("/services", "Services", "s"),
    _Place("/projects", "Projects", "p"),
    _Place("/servers", "Servers", "v"),
    _Place("/schedules", "Schedules", "c"),
    _Place("/backups", "Backups", "b"),
)
_GROUPS = (
    ("Sources", (_Place("/git-providers", "Git providers"), _Place("/ssh-keys", "SSH keys"))),
    ("Storage", (_Place("/registries", "Registries"), _Place("/destinations", "Destinations"))),
    ("Events", (_Place("/notifications", "Notifications"), _Place("/webhooks", "Webhooks"))),
    ("Machine", (_Place("/disk", "Disk"), _Place("/containers", "Containers"), _Place("/previews", "Previews"))),
    ("People", (_Place("/members", "Members", "m"), _Place("/keys", "API keys"), _Place("/audit", "Audit log"))),
    ("You and the panel", (_Place("/account", "Account", "a"), _Place("/settings", "Panel settings"))),
)
_NEW = _Place("/new", "New", "n")
_FIRST = 3  # of the main places, which a narrow page shows beside what leads to all others
PLACES = frozenset(each.path for each in (*_MAIN, _NEW, *(place for _, places in _GROUPS for place in places)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame for somebody; nobody where ``actor`` is None. ``place`` is the first word of the page's path. Of
    ``topics`` its page is told when they change.
    """

    actor: Actor | None = None
    organization: str = ""
    form_token: str = ""
    flash: Flash | None = None
    plain: bool = False
    topics: tuple[str, ...] = ()
    place: str = ""
    theme: str = ""
    origin: str = ""

    def values(self, offered: Collection[str], pages: Collection[str]) -> Mapping[str, object]:
        """What templates are given of it, and which ``pages`` there are. Only to those that are ``offered`` it shows
        the way.
        """
        main = _shown(_MAIN, offered)
        groups = [{"label": label, "places": _shown(places, offered)} for label, places in _GROUPS]
        return {
            "me": None if self.actor is None else self._me(self.actor),
            "form_token": self.form_token,
            "flash": self.flash,
            "navigation": main,
            "navigation_first": main[:_FIRST],
            "navigation_further": main[_FIRST:],
            "navigation_groups": [group for group in groups if group["places"]],
            "navigation_new": next(iter(_shown((_NEW,), offered)), None),
            "at_place": self.place,
            "plain": self.plain,
            "live_topics": " ".join(self.topics),
            "pages": tuple(pages),
            "theme": self.theme,
            "origin": self.origin,
        }

    def _me(self, actor: Actor) -> Mapping[str, str]:
        return {"name": actor.name, "organization": self.organization, "mark": mark_of(actor)}


def _shown(places: Sequence[_Place], offered: Collection[str]) -> list[Mapping[str, str]]:
    return [
        {"key": each.word, "label": each.label, "href": each.path, "icon": each.word, "letter": each.key}
        for each in places
        if each.path in offered
    ]


NOBODY = Frame()
OF_A_VISIT = frozenset(NOBODY.values((), ()))
"""The names of all that, any of which may be another for each who looks."""
