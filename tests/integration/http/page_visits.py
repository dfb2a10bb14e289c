"""Pages as somebody would see them and send their forms, over a world: what shows and performs is the panel's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import headway
from headway.api.registry import Performer
from headway.core.access.model import Actor
from headway.http.follows import Follows
from headway.operations import registry_of, streams_of
from headway.pages.forms import Flash, Question
from headway.pages.page import Page, View
from headway.web.form_fields import values_of
from headway.web.frame import NOBODY
from headway.web.renderer import Templates
from headway.web.visits import Operations, PageVisit
from tests.integration.http.world import KEYS, World

FRAME: Mapping[str, object] = {
    **NOBODY.values((), ()),
    "me": {"name": "Ann", "organization": "Bench", "mark": "of-ann"},
    "form_token": "token",
}


class _Text(HTMLParser):
    """What a person reads of a page, and the elements that it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: dict[str, str] = {}
        self.tags: list[str] = []
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self._href = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = ""

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self.words.append(text)
            if self._href:
                self.links.setdefault(text, self._href)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A page: its view, its HTML, the text of it, its links by their words, and its elements."""

    view: View
    html: str
    text: str
    links: Mapping[str, str]
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a browser."""

    actor: Actor
    operations: Operations
    templates: Templates
    now: datetime | None = None

    def later(self, seconds: float = 1) -> Person:
        """The same person, so much later than now."""
        return replace(self, now=(self.now or datetime.now(UTC)) + timedelta(seconds=seconds))

    async def see(self, page: Page, part: str = "", ids: Mapping[str, str] | None = None, **query: str) -> Seen:
        """A page, or a part of it. Raises what its operations raise."""
        show = page.parts[part] if part else page.show
        view = await show(self.visit(ids, query))
        html = self.templates.html(view, FRAME).decode()
        read = _Text()
        read.feed(html)
        return Seen(view=view, html=html, text=" ".join(read.words), links=read.links, tags=tuple(read.tags))

    async def asked(self, page: Page, form: str, **ids: str) -> Question:
        """The question of a form."""
        return await page.forms[form].asks(self.visit(ids, {}))

    async def send(
        self, page: Page, form: str, typed: Mapping[str, str] | None = None, **ids: str
    ) -> tuple[Flash, str]:
        """Sends a form: what it says that it did, and where it leads to."""
        sent, visit = page.forms[form], self.visit(ids, {})
        answer = await self.answered(page, form, typed, **ids)
        did = sent.did(visit, answer)
        return did if isinstance(did, Flash) else await did, sent.then(visit, answer)

    async def answered(self, page: Page, form: str, typed: Mapping[str, str] | None = None, **ids: str) -> object:
        """Sends a form: what its operation answers."""
        sent, visit = page.forms[form], self.visit(ids, {})
        values = values_of(sent, typed or {}) if sent.takes is None else await sent.takes(visit, typed or {})
        given = {**values, **sent.given(visit)}
        return await self.operations.perform(self.operations.named(sent.operation(visit)), self.actor, given)

    def visit(self, ids: Mapping[str, str] | None, query: Mapping[str, str]) -> PageVisit:
        """A visit of an address."""
        now = self.now or datetime.now(UTC)
        return PageVisit(
            actor=self.actor,
            path=ids or {},
            query=query,
            now=now,
            flash=None,
            operations=self.operations,
            origin="http://127.0.0.1:3000",
        )


async def person(world: World, name: str = "owner") -> Person:
    """The holder of a key, as one who has signed in."""
    actor = await world.services.access.authenticate(KEYS[name])
    assert actor is not None
    base, features = world.platform.base, world.platform.features
    follows = Follows(features.deployments.service, base.broadcast, base.events, features.access.audience)
    registry = registry_of(base, features, streams_of(follows))
    performer = Performer(registry, features.access.audit, lambda _given: None)
    operations = Operations(registry=registry, performer=performer)
    root = Path(headway.__file__).parent
    return Person(actor=actor, operations=operations, templates=Templates(root, partial("/static/{}".format)))
