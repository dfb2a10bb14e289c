"""A page as a value: its path, who may open it, what it shows, and the forms that it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from headway.core.access.model import Actor
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:
    from headway.pages.forms import Flash, Form, Several

T = TypeVar("T")
MOST_TOPICS = 16  # of one page


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """An operation that pages ask, by its name; the type is that of its answer, as the operation itself has it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An answer that is not to be had now: since when it is not, where that is known, and why, as a sentence."""

    why: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An answer that is being looked for, since when."""

    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown: a template, by its path below the source's root, and plain values for it. Text from outside stays
    text: a template escapes it. ``headers`` are told beside it.
    """

    template: str
    values: Mapping[str, object]
    title: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Visit(Protocol):
    """One request of a page by somebody who is signed in. ``path`` and ``query`` are what its address holds; ``flash``
    is what the form before it did; ``origin`` is the panel as the browser knows it, ``https://panel.example.org``.
    """

    @property
    def actor(self) -> Actor: ...

    @property
    def path(self) -> Mapping[str, str]: ...

    @property
    def query(self) -> Mapping[str, str]: ...

    @property
    def now(self) -> datetime: ...

    @property
    def flash(self) -> Flash | None: ...

    @property
    def origin(self) -> str: ...

    async def ask(self, asked: Asked[T], **given: object) -> T:
        """What the operation answers this actor, given its input by the names of the wire. Raises what it raises."""
        ...

    async def ask_within(self, seconds: float, asked: Asked[T], **given: object) -> T | Unknown:
        """The same, Unknown where it takes longer or cannot be had now: one part of a page holds up no other."""
        ...

    async def ask_meanwhile(
        self, seconds: float, asked: Asked[T], state: str, *, anew: bool, **given: str
    ) -> T | Unknown | UnderWay:
        """The same of what takes longer than a page may: UnderWay until it is answered, while it goes on beside the
        page. It is asked about one ``state`` at a time, and once more for another, or where its answer was told and it
        is wanted ``anew``.
        """
        ...

    def may(self, operation: str) -> bool:
        """Whether the actor's role and scopes allow the operation at all: what would be refused is not offered."""
        ...


def no_topics(_visit: Visit) -> tuple[str, ...]:
    """What is told to have changed to who looks at a page: nothing."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page. ``permission`` names the operation whose permission opens it (None: whoever is signed in may). ``parts``
    are pieces of it that can be had alone, by their names, each made by the function that the whole page uses.
    ``forms`` are what it can be sent to do, by their names; ``several`` those that do it to several things. ``topics``
    are what its parts depend on, where it lies open ("deployments", "service:<id>"): when one of them changes they are
    pulled again, each one that names topics of its own when one of those does. What ``is_open`` is shown to whoever has
    its address, signed in or not: it asks what needs no key, has no forms, and leads nowhere else.
    """

    path: str
    permission: str | None
    show: Callable[[Visit], Awaitable[View]]
    parts: Mapping[str, Callable[[Visit], Awaitable[View]]] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    several: Mapping[str, Several] = field(default_factory=dict)
    topics: Callable[[Visit], tuple[str, ...]] = no_topics
    is_open: bool = False
