"""Search on both databases: whatever the filters and the reach, the pages together are all that matches, in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from headway.core.access.policy import Visibility
from headway.core.deployments.list_queries import Page, Part, of_reach, of_server, within
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.search import Filters, Found, count, search
from headway.core.deployments.status import Reason, Status
from headway.core.deployments.summary import Listed
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from tests.support.panel.factories import add_host, deployment_values

ROWS = 120
BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL = Visibility(everything=True, projects=frozenset(), services=frozenset(), within=None)
REACHES = (
    ALL,
    Visibility(everything=False, projects=frozenset({"p1"}), services=frozenset(), within=None),
    Visibility(everything=False, projects=frozenset({"p1"}), services=frozenset({"s1", "s2"}), within=None),
    Visibility(everything=False, projects=frozenset(), services=frozenset({"s0", "s1"}), within=frozenset({"p0"})),
    Visibility(
        everything=False, projects=frozenset({"p0", "p1"}), services=frozenset(), within=frozenset({"p0", "p1"})
    ),
    Visibility(everything=False, projects=frozenset(), services=frozenset(), within=None),
)
FILTERS: dict[str, list[Any]] = {
    "subject_type": [SubjectType.APPLICATION, SubjectType.BACKUP],
    "statuses": [frozenset({Status.ERROR}), frozenset({Status.DONE, Status.PENDING}), frozenset(Status)],
    "reasons": [frozenset({Reason.FAILED}), frozenset({Reason.KILLED, Reason.LOST})],
    "triggers": [frozenset({Trigger.WEBHOOK}), frozenset({Trigger.API, Trigger.MANUAL})],
    "kinds": [frozenset({"application.deploy"}), frozenset({"backup.run", "nothing"})],
    "server_id": ["server"],
    "project_id": ["p0", "p1", "p9"],
    "environment_id": ["env"],
    "branch": ["main", "fix/100%", "mai"],
    "asker": ["u1", "Ann", "ann"],
    "since": [BEGIN + timedelta(seconds=40), BEGIN - timedelta(days=1), BEGIN + timedelta(days=1)],
    "until": [BEGIN + timedelta(seconds=80), BEGIN - timedelta(days=1), BEGIN + timedelta(days=1)],
    "words": [
        ("BUTTON",),
        ("colour", "7"),
        ("100%",),
        ("a_b",),
        ("c0ffee",),
        ("exit",),
        ("nowhere",),
        ("back\\slash",),
    ],
}
SERVICES = frozenset({"s0", "s2"})


@dataclass(frozen=True)
class Row:
    """A row, and the texts that words are looked for in."""

    listed: Listed
    text: str


def made(number: int, dice: random.Random) -> dict[str, Any]:
    """A row of anything."""
    status = dice.choice(list(Status))
    subject_type = dice.choice([SubjectType.APPLICATION, SubjectType.COMPOSE, SubjectType.BACKUP])
    failed = status is Status.ERROR
    where: dict[str, str | None] = {"server_id": dice.choice([None, "server"])}
    if dice.random() < 0.2:  # what one host builds and another releases
        where = {"host_id": "server", "release_host_id": "here", "server_id": None}
    return deployment_values(
        number,
        **where,
        kind=f"{subject_type}.{'run' if subject_type is SubjectType.BACKUP else 'deploy'}",
        subject_type=subject_type,
        subject_id=dice.choice(["s0", "s1", "s2"]),
        organization_id=dice.choice(["org", "org", "org", "other"]),
        project_id=dice.choice(["p0", "p1", None]),
        title=dice.choice(["Colour of button", "Nothing", "100% done", "a_b", "axb", "back\\slash", f"{number}"]),
        description=dice.choice([None, "colour 7", "Commit"]),
        status=status,
        reason=dice.choice([Reason.FAILED, Reason.KILLED, Reason.LOST]) if failed else None,
        error_message=dice.choice(["exit status 7", "gone"]) if failed else None,
        trigger=dice.choice([Trigger.API, Trigger.MANUAL, Trigger.WEBHOOK]),
        commit_hash=dice.choice([None, "c0ffee0123"]),
        commit_message=dice.choice([None, "A button"]),
        commit_branch=dice.choice([None, "main", "fix/100%"]),
        triggered_by=dice.choice(["u1", "u2"]),
        triggered_by_name=dice.choice([None, "Ann", "u1"]),
        created_at=BEGIN + timedelta(seconds=number // 2),  # two at a time
    )


def filled(tx: Tx, dice: random.Random) -> list[Row]:
    """So many rows of anything, newest first."""
    for host_id in ("here", "server"):
        add_host(tx, host_id)
    rows = []
    for number in range(ROWS):
        values = made(number, dice)
        seq = tx.execute(insert(deployments).values(**values)).inserted_primary_key[0]  # type: ignore[index]
        microseconds = (values["created_at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        shown = {name: values.get(name) for name in Listed._fields} | {"seq": seq, "created_at": microseconds}
        texts = (values[name] or "" for name in ("title", "description", "commit_message", "error_message"))
        rows.append(Row(Listed(**shown), "\n".join((*texts, values["commit_hash"] or "")).lower()))  # type: ignore[arg-type]
    return rows[::-1]


def matches(row: Row, filters: Filters) -> bool:
    """What search promises, said plainly."""
    listed, created = row.listed, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.listed.created_at)
    service = listed.subject_type in {SubjectType.APPLICATION, SubjectType.COMPOSE}
    return (
        filters.subject_type in {None, listed.subject_type}
        and filters.subject_id in {None, listed.subject_id}
        and (not filters.statuses or listed.status in filters.statuses)
        and (not filters.reasons or listed.reason in filters.reasons)
        and (not filters.triggers or listed.trigger in filters.triggers)
        and (not filters.kinds or listed.kind in filters.kinds)
        and (filters.server_id in {None, listed.server_id} or was_built_there(listed, filters.server_id))
        and filters.project_id in {None, listed.project_id}
        and (filters.environment_id is None or (service and listed.subject_id in filters.services))
        and filters.branch in {None, listed.commit_branch}
        and (filters.asker is None or filters.asker in {listed.triggered_by, listed.triggered_by_name})
        and (filters.since is None or created >= filters.since)
        and (filters.until is None or created < filters.until)
        and all(word.lower() in row.text for word in filters.words)
    )


def was_built_there(listed: Listed, server_id: str | None) -> bool:
    """Whether a server has built what is released elsewhere."""
    return listed.release_host_id is not None and listed.host_id == server_id


def chosen(dice: random.Random) -> Filters:
    """Filters of any kind, three at most."""
    names = dice.sample(sorted(FILTERS), dice.randint(0, 3))
    filters = replace(Filters(), **{name: dice.choice(FILTERS[name]) for name in names})
    if filters.subject_type is not None and dice.random() < 0.5:
        filters = replace(filters, subject_id=dice.choice(["s0", "s1", "s9"]))
    return replace(filters, services=SERVICES) if filters.environment_id is not None else filters


def pages(tx: Tx, reach: Visibility, filters: Filters, limit: int, looked_at: int) -> list[Found]:
    """All pages of a search that is always told that its time is up."""
    found: list[Found] = []
    before = None
    while not found or before is not None:
        assert len(found) <= 10 * ROWS, "it does not come to an end"
        page = Page(limit=limit, before=before)
        some = search(tx, "org", reach, filters, page, time_is_up=lambda: True, rows_of_a_look=looked_at)
        assert before is None or some.next is None or some.next < before
        found.append(some)
        before = some.next
    return found


@pytest.mark.slow
def test_the_pages_of_any_search_are_all_that_matches(database: SqlDatabase) -> None:
    """`script/prove search` has many more."""
    compare_searches(database, seed=0, number=30)


def compare_searches(database: SqlDatabase, seed: int, number: int) -> None:
    """So many searches by chance, each with all its pages."""
    dice = random.Random(seed)
    with database.writer.begin() as connection:
        tx = Tx(connection, database._clock)
        rows = filled(tx, dice)
        for _ in range(number):
            reach, filters = dice.choice(REACHES), chosen(dice)
            wanted = [row.listed for row in rows if within(reach, row.listed, "org") and matches(row, filters)]
            limit, looked_at = dice.choice([1, 5, 200]), dice.choice([1, 7, 1000])
            found = pages(tx, reach, filters, limit, looked_at)
            assert [row.deployment_id for page in found for row in page.rows] == [row.deployment_id for row in wanted]
            assert all(len(page.rows) == limit or page.looked_back_to is not None for page in found[:-1])
            counts = count(tx, "org", reach, filters)
            assert counts.by_status == {each.value: sum(row.status == each for row in wanted) for each in Status}
            assert not counts.at_least


def test_a_search_that_has_time_looks_until_its_page_is_full(database: SqlDatabase) -> None:
    with database.writer.begin() as connection:
        tx = Tx(connection, database._clock)
        rows = filled(tx, random.Random(0))
        filters = Filters(triggers=frozenset({Trigger.WEBHOOK}))
        found = search(tx, "org", ALL, filters, Page(limit=10), time_is_up=lambda: False, rows_of_a_look=2)
        wanted = [row.listed for row in rows if within(ALL, row.listed, "org") and matches(row, filters)]
        assert [row.deployment_id for row in found.rows] == [row.deployment_id for row in wanted[:10]]


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_the_pages_of_a_list_are_all_of_it(database: SqlDatabase, limit: int) -> None:
    with database.writer.begin() as connection:
        tx = Tx(connection, database._clock)
        rows = [row.listed for row in filled(tx, random.Random(1))]
        for reach in REACHES:
            mine = [row for row in rows if within(reach, row, "org")]
            assert ids(lambda page, reach=reach: of_reach(tx, "org", reach, page), limit) == names(mine)  # type: ignore[misc]
            there = [row for row in mine if row.server_id == "server" or was_built_there(row, "server")]
            assert ids(lambda page, reach=reach: of_server(tx, "server", reach, "org", page), limit) == names(there)  # type: ignore[misc]


def ids(read: Callable[[Page], Part], limit: int) -> list[str]:
    """What all pages of a list hold."""
    page, found = Page(limit=limit), list[str]()
    while True:
        part = read(page)
        found += names(part.rows)
        if part.next is None:
            return found
        page = Page(limit=limit, before=part.next)


def names(rows: Iterable[Listed]) -> list[str]:
    """The rows by their deployments."""
    return [row.deployment_id for row in rows]


def test_no_filter_is_left_out_here() -> None:
    assert {each.name for each in fields(Filters)} == FILTERS.keys() | {"subject_id", "services"}
