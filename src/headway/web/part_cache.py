"""Parts of pages that are made once for each state of the database, however many look: only those of which it is known
that they show nothing else, and to each only what one of the same reach was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from headway.core.access.model import Actor, Credential
from headway.core.deployments.response_cache import ResponseCache, SingleFlight
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Flash
from headway.pages.page import Asked, UnderWay, Unknown
from headway.web.paths import Named
from headway.web.recent_parts import RecentParts
from headway.web.visits import PageVisit

if TYPE_CHECKING:
    from headway.infra.db.version import Version
    from headway.kernel.clock import Clock

T = TypeVar("T")

MOST_BYTES = 8 << 20
# What these answer is read in one transaction, and depends on nothing beside it but on who asks: no time, no file, and
# nothing that the panel remembers.
OF_DATABASE = frozenset(
    {
        *("deployment.one", "deployment.search", "deployment.strip", "deployment.usualDurations"),
        *("service.all", "service.one"),
    }
)
_NOBODY = Credential.of_key("")
_OK = 200
_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A part as it is answered. ``is_kept``: whoever has the same reach would be shown the same, until anything is
    committed.
    """

    body: bytes
    status: int
    headers: Mapping[str, str]
    tag: str
    is_kept: bool


@dataclass(slots=True)
class Notes:
    """What a part was made of: beside its own operations, the time, and who looks at it."""

    is_own: bool = False
    is_personal: bool = False
    is_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class NotedVisit:
    """A visit (``headway.pages.page.Visit``) that notes what its page looks at."""

    visit: PageVisit
    notes: Notes = field(default_factory=Notes)

    @property
    def actor(self) -> Actor:
        self.notes.is_personal = True
        return self.visit.actor

    @property
    def path(self) -> Mapping[str, str]:
        return self.visit.path

    @property
    def query(self) -> Mapping[str, str]:
        return self.visit.query

    @property
    def now(self) -> datetime:
        self.notes.is_own = True
        return self.visit.now

    @property
    def flash(self) -> Flash | None:
        return self.visit.flash

    @property
    def origin(self) -> str:
        self.notes.is_own = True
        return self.visit.origin

    async def ask(self, asked: Asked[T], **given: object) -> T:
        self._note(asked)
        return await self.visit.ask(asked, **given)

    async def ask_within(self, seconds: float, asked: Asked[T], **given: object) -> T | Unknown:
        self._note(asked)
        answer = await self.visit.ask_within(seconds, asked, **given)
        if isinstance(answer, Unknown):
            self.notes.is_incomplete = True
        return answer

    async def ask_meanwhile(
        self, seconds: float, asked: Asked[T], state: str, *, anew: bool, **given: str
    ) -> T | Unknown | UnderWay:
        self.notes.is_own = True
        return await self.visit.ask_meanwhile(seconds, asked, state, anew=anew, **given)

    def may(self, operation: str) -> bool:
        return self.visit.may(operation)

    def _note(self, asked: Asked[T]) -> None:
        if asked.name not in OF_DATABASE:
            self.notes.is_own = True


class PartCache:
    """Keeps parts. That one is of more than the database is learnt the first time that it is made; it is kept by nobody
    then, and who asks for it by one session while it is made shares it. Of either kind what was made a moment ago is
    given to pages that were told of a change before it was begun; ``latest`` is the revision of the last change.
    """

    def __init__(self, version: Version, clock: Clock, latest: Callable[[], int]) -> None:
        self._clock = clock
        self._recent: RecentParts[Made] = RecentParts(latest, lambda made: len(made.body), _is_for_others)
        self._shared: SingleFlight[Made] = SingleFlight(_is_for_others)
        self._kept: ResponseCache[Made] = ResponseCache(
            version, lambda made: len(made.body), MOST_BYTES, lambda made: made.is_kept
        )
        self._own: set[tuple[str, str]] = set()
        self._personal: set[tuple[str, str]] = set()

    async def get(
        self, named: Named, visit: PageVisit, make: Callable[[NotedVisit], Awaitable[Made]], told: int | None = None
    ) -> Made:
        """The part, which ``make`` makes where it is not kept; ``told`` is the revision of the change for which a page
        looks again, None where it looks for all that there is. Raises what ``make`` raises.
        """
        part = (named.page, named.name)
        is_own, is_personal = part in self._own, part in self._personal
        key = _key(named, visit, visit.actor if is_own else _who(visit.actor, is_personal=is_personal))

        async def noted() -> Made:
            looking = NotedVisit(visit)
            made = await make(looking)
            if looking.notes.is_own or not made.is_kept:
                self._own.add(part)
            elif looking.notes.is_personal and not is_personal:
                self._personal.add(part)
                return replace(made, is_kept=False)
            return replace(made, is_kept=_is_lasting(made, looking.notes))

        async def made_now() -> Made:
            meanwhile = self._recent.find(key, told)  # while this one waited
            return meanwhile or await self._recent.keep(key, lambda: make(self._begun_now(visit)))

        recent = self._recent.find(key, told)
        if recent is not None:
            return recent
        if is_own:
            return await self._shared.get(key, made_now)
        return await self._kept.get(key, lambda: self._recent.keep(key, noted))

    def _begun_now(self, visit: PageVisit) -> NotedVisit:
        """What is made for others too tells their time, and they came later than who brought it."""
        return NotedVisit(replace(visit, now=self._clock.now()))


def made_of(body: bytes, status: int, headers: Mapping[str, str], *, is_for_all: bool) -> Made:
    """A part as it was rendered. ``is_for_all``: its template shows nothing of whoever looks at it."""
    tag = hashlib.blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()
    return Made(body=body, status=status, headers=headers, tag=tag, is_kept=is_for_all)


def _is_lasting(made: Made, notes: Notes) -> bool:
    return made.is_kept and _is_whole(made) and not notes.is_own and not notes.is_incomplete


def _is_for_others(made: Made) -> bool:
    return made.is_kept and _is_whole(made)


def _is_whole(made: Made) -> bool:
    return made.status == _OK and not made.headers


def _key(named: Named, visit: PageVisit, who: Actor) -> Hashable:
    """All that a part depends on beside the database, the time, and what the panel remembers."""
    asked = (tuple(sorted(named.ids.items())), tuple(sorted(visit.query.items())))
    return named.page, named.name, *asked, who, visit.origin


def _who(actor: Actor, *, is_personal: bool) -> Actor:
    """Of whoever looks all that decides what they may see, by leaving out what does not: what is added to an actor
    counts.
    """
    who = replace(actor, credential=_NOBODY, witness=None)
    return who if is_personal else replace(who, user_id="", name="", email=None)
