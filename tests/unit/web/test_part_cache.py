"""What is kept of parts, and for whom."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

import headway
from headway.core.access.model import Actor, Credential, CredentialKind, Role, Terms
from headway.infra.db.version import SqliteVersion
from headway.kernel.clock import SystemClock
from headway.pages.page import Asked, Unknown
from headway.web import recent_parts
from headway.web.frame import OF_A_VISIT
from headway.web.part_cache import Made, NotedVisit, PartCache, made_of
from headway.web.paths import Named
from headway.web.recent_parts import RecentParts
from headway.web.renderer import ANY_NAME, Templates
from headway.web.visits import PageVisit

ANN = Actor(
    user_id="ann",
    organization_id="org",
    role=Role.ADMIN,
    credential=Credential(kind=CredentialKind.SESSION, id="s1"),
    name="Ann",
)
BOB = replace(ANN, user_id="bob", name="Bob", email="bob@example.org", credential=Credential.of_key("k"))
STATE = Named(page="/things/{id}", ids={"id": "1"}, name="state")
ROOT = Path(headway.__file__).parent


class Answers(PageVisit):
    """A visit whose operations answer at once."""

    async def ask(self, asked: Asked[Any], **given: object) -> Any:  # noqa: ANN401 - as of any operation
        """The name of the operation."""
        del given
        return asked.name

    async def ask_within(self, seconds: float, asked: Asked[Any], **given: object) -> Any:  # noqa: ANN401 - as above
        """Nothing that is known."""
        del seconds, asked, given
        return Unknown(why="It takes too long.")


def visit(actor: Actor = ANN, **query: str) -> PageVisit:
    return Answers(
        actor=actor,
        path=STATE.ids,
        query=query,
        now=datetime(2026, 11, 29, tzinfo=UTC),
        flash=None,
        operations=cast("Any", None),
        origin="http://127.0.0.1:3000",
    )


class Parts:
    """A cache over a database of its own, and how often a part was made."""

    def __init__(self, folder: Path) -> None:
        path = folder / "some.db"
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE TABLE things (number INTEGER)")
        self._version = SqliteVersion(f"sqlite:///{path}")
        self.revision = 0
        self.cache = PartCache(self._version, SystemClock(), lambda: self.revision)
        self.made = 0

    def close(self) -> None:
        """Nothing is asked of it any more."""
        self._version.close()
        self._connection.close()

    def commit(self) -> None:
        """Something is committed, and told."""
        self.revision += 1
        with self._connection:
            self._connection.execute("INSERT INTO things VALUES (1)")

    async def get(
        self,
        looks: Callable[[NotedVisit], Awaitable[object]],
        seen: PageVisit | None = None,
        named: Named = STATE,
        *,
        status: int = 200,
        is_for_all: bool = True,
        told: int | None = None,
    ) -> Made:
        """A part that looks at this."""

        async def make(noted: NotedVisit) -> Made:
            self.made += 1
            await asyncio.sleep(0)
            return made_of(str(await looks(noted)).encode(), status, {}, is_for_all=is_for_all)

        return await self.cache.get(named, seen or visit(), make, told)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    opened = Parts(tmp_path)
    yield opened
    opened.close()


async def of_database(noted: NotedVisit) -> object:
    return await noted.ask(Asked("deployment.one"))


async def test_what_the_database_alone_tells_is_made_once_for_each_state_of_it(parts: Parts) -> None:
    found = await asyncio.gather(*[parts.get(of_database, visit(each)) for each in (ANN, BOB) * 20])
    assert ({each.body for each in found}, parts.made) == ({b"deployment.one"}, 1)
    parts.commit()
    await parts.get(of_database)
    assert parts.made == 2


async def test_nobody_is_given_what_another_query_id_or_reach_was_shown(parts: Parts) -> None:
    others = [
        replace(ANN, organization_id="another"),
        replace(ANN, role=Role.MEMBER),
        replace(ANN, role=Role.MEMBER, projects=frozenset({"p"})),
        replace(ANN, role=Role.MEMBER, services=frozenset({"s"})),
        replace(ANN, role=Role.MEMBER, glimpsed=frozenset({"p"})),
        replace(ANN, terms=Terms(scopes=frozenset())),
        replace(ANN, terms=Terms(projects=frozenset({"p"}))),
        replace(ANN, on_machine=True),
    ]
    for _ in range(2):
        for actor in others:
            await parts.get(of_database, visit(actor))
        await parts.get(of_database, visit(ANN, text="a"))
        await parts.get(of_database, visit(ANN, text="b"))
        await parts.get(of_database, named=replace(STATE, ids={"id": "2"}))
        await parts.get(of_database, named=replace(STATE, name="steps"))
    assert parts.made == len(others) + 4


async def test_what_looks_at_the_time_or_at_another_operation_is_made_each_time(parts: Parts) -> None:
    async def of_now(noted: NotedVisit) -> object:
        return noted.now

    async def of_memory(noted: NotedVisit) -> object:
        return await noted.ask(Asked("settings.health"))

    for number, looks in enumerate((of_now, of_memory)):
        for _ in range(3):
            await parts.get(looks, named=replace(STATE, name=str(number)))
    for _ in range(3):
        await parts.get(of_database, named=replace(STATE, name="form"), is_for_all=False)
    assert parts.made == 9


async def test_what_is_made_each_time_is_shared_by_who_asks_meanwhile_by_the_same_session(parts: Parts) -> None:
    begun = list[datetime]()

    async def of_now(noted: NotedVisit) -> object:
        begun.append(noted.now)
        await asyncio.sleep(0)
        return noted.now.isoformat()

    await parts.get(of_now)
    other = replace(ANN, credential=replace(ANN.credential, id="s2"))
    asked = datetime.now(UTC)
    found = await asyncio.gather(*(parts.get(of_now, visit(each)) for each in (ANN, other) * 20))
    assert parts.made == 1 + 2 * 2, "of each session the first, and one for all who came meanwhile"
    assert min(begun[1:]) >= asked, "the time is that of the making"
    assert len({each.body for each in found}) == 4
    form = replace(STATE, name="form")
    await parts.get(of_now, named=form, is_for_all=False)
    await asyncio.gather(*(parts.get(of_now, named=form, is_for_all=False) for _ in range(5)))
    await asyncio.gather(*(parts.get(of_now, status=404) for _ in range(5)))
    assert parts.made == 5 + 6 + 5


async def of_clock(noted: NotedVisit) -> object:
    return noted.now.isoformat()


@pytest.mark.parametrize("looks", [of_database, of_clock])
async def test_what_was_begun_since_a_change_is_for_all_who_were_told_of_it(
    parts: Parts, looks: Callable[[NotedVisit], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await parts.get(looks)  # by which it is learnt what it looks at
    parts.commit()
    for told in range(1, 6):
        await asyncio.gather(*(parts.get(looks, told=told) for _ in range(20)))
        assert parts.made == 1 + told, "once for all, and anew for who was told of a later change"
        parts.commit()
    await asyncio.gather(*(parts.get(looks, told=told) for told in range(6)))
    assert parts.made == 6, "what has changed since will be told"
    await parts.get(looks)
    assert parts.made == 7, "who was told of nothing sees all that there is"
    other = replace(ANN, role=Role.MEMBER, credential=replace(ANN.credential, id="s2"))
    await parts.get(looks, visit(other), told=1)
    assert parts.made == 8, "another reach"
    monkeypatch.setattr(recent_parts, "LONGEST_SECONDS", -1.0)
    parts.commit()
    await parts.get(looks, told=1)
    assert parts.made == 9, "however old it is"


async def test_what_was_begun_before_a_change_is_not_for_who_was_told_of_it(parts: Parts) -> None:
    async def of_revision(noted: NotedVisit) -> object:
        now, seen = noted.now, parts.revision
        parts.commit()  # while it is made
        return f"{seen} {now:%Y}"

    await parts.get(of_revision)
    for _ in range(5):
        told = parts.revision
        made = await parts.get(of_revision, told=told)
        assert int(made.body.split()[0]) == told


async def test_what_is_recent_is_bounded() -> None:
    kept = RecentParts[bytes](lambda: 1, len, lambda made: made != b"")

    async def made(text: bytes) -> bytes:
        return text

    for number in range(40):
        for _ in range(2):
            await kept.keep(number, partial(made, bytes(1 << 20)))
    assert [number for number in range(40) if kept.find(number, 1) is not None] == list(range(32, 40))
    await kept.keep("none", partial(made, b""))
    assert kept.find("none", 1) is None


async def test_what_looks_at_who_looks_is_kept_for_them_alone(parts: Parts) -> None:
    async def of_somebody(noted: NotedVisit) -> object:
        return noted.actor.name

    bodies = [(await parts.get(of_somebody, visit(each))).body for each in (ANN, BOB, ANN, BOB, ANN, BOB)]
    assert bodies == [b"Ann", b"Bob"] * 3
    assert parts.made == 3, "once to learn it, and once for each"


async def test_what_could_not_be_had_is_not_kept_and_does_not_hinder_what_can(parts: Parts) -> None:
    async def in_vain(noted: NotedVisit) -> object:
        return await noted.ask_within(1.0, Asked("deployment.search"))

    for _ in range(2):
        await parts.get(in_vain)
        await parts.get(of_database, named=replace(STATE, name="other"), status=404)
    assert parts.made == 4
    await parts.get(of_database)
    await parts.get(of_database)
    assert parts.made == 5


def test_what_a_template_shows_of_a_visit_is_known_before(tmp_path: Path) -> None:
    files = {
        "plain.html": "{{ text }}",
        "form.html": "{% from 'macro.html' import field %}{{ field(form_token) }}",
        "macro.html": "{% macro field(token) %}{{ token }}{% endmacro %}",
        "within.html": "{% include 'form.html' %}",
        "any.html": "{% include text %}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    templates = Templates(tmp_path, str)
    own = {*OF_A_VISIT, ANY_NAME}
    assert {name: sorted(templates.names_in(name) & own) for name in files} == {
        "plain.html": [],
        "form.html": ["form_token"],
        "macro.html": [],
        "within.html": ["form_token"],
        "any.html": [ANY_NAME],
    }


def test_the_templates_of_parts_name_what_they_include() -> None:
    templates = Templates(ROOT, str)
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "features").rglob("pages/*.html")]
    assert found
    assert [name for name in found if ANY_NAME in templates.names_in(name)] == []
