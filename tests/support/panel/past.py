"""A panel's past, put into its database beside it: deployments of every kind and end, each with its log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

from sqlalchemy import Connection, create_engine, insert, select

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Lane, SubjectType, Trigger
from headway.core.deployments.status import Reason, Status
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.deployments import deployments, steps
from headway.kernel.ids import new_id
from tests.support.panel.factories import deployment_values
from tests.support.panel.panel import Panel

Values = dict[str, Any]

LOG = (
    "\x1b[1mFetching main of http://git.example/team/shop.git\x1b[0m\n"
    "Builder native: there is a Procfile.\n"
    "\x1b[32m✓\x1b[0m 214 modules transformed.\n"
    "\x1b[2mdist/\x1b[0m\x1b[36massets/index-4f1a.js\x1b[0m   \x1b[1m142.31 kB\x1b[0m │ gzip: 45.80 kB\n"
    "\x1b[33mwarning\x1b[0m \x1b[4mhttp://docs.example/large\x1b[0m: a chunk is larger than 500 kB\n"
    "\x1b[31;1merror\x1b[0m \x1b[41m FAIL \x1b[0m \x1b[7minverse\x1b[0m \x1b[9mstruck\x1b[0m \x1b[35mmagenta\x1b[0m\n"
    "\x1b[94mbright blue\x1b[0m \x1b[43mon yellow\x1b[0m \x1b[2mdim\x1b[0m \x1b[3mitalic\x1b[0m\n"
)
ENDS: Sequence[tuple[Reason | None, str | None]] = (
    (None, None),
    (Reason.FAILED, "Step build: npm run build ended with exit status 1: error: cannot find module './cart'."),
    (Reason.KILLED, "Killed: nothing of it is left."),
    (Reason.CANCELLED, "Cancelled before it began."),
    (Reason.SUPERSEDED, "A newer deployment of the same service took its place."),
    (Reason.TIMED_OUT, "Step build took longer than 30 min."),
    (Reason.OUT_OF_MEMORY, "Step build needed more memory than the 2 GiB that it may have."),
    (Reason.LOST, "The machine was started anew, and what ran there ended with it."),
    (Reason.REFUSED, "There is less than 1 GiB of free disk space."),
)
_TITLES = (
    "Show prices with tax",
    "Do not charge twice when the payment is retried",
    "Update dependencies",
    "Manual deployment",
    "Take the banner of the summer sale down again",
)
_STEPS = ("fetch", "plan", "build", "release", "route")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What deployments of a kind are of."""

    subject: SubjectType
    subject_id: str
    project_id: str | None
    server_id: str | None = None


@contextmanager
def database_of(running: Panel) -> Iterator[Connection]:
    """One transaction on the database of a panel, which goes on beside it."""
    engine = create_engine(f"sqlite:///{running.data_dir}/headway.db", connect_args={"timeout": 30})
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def add_past(
    running: Panel, places: Mapping[str, Place], named: Callable[[str, int], str] = lambda text, _most: text
) -> dict[str, str]:
    """Deployments of these kinds with every end each, a few minutes apart, the newest last; by their ends, an id of
    the first kind. What a person or a forge has said goes through ``named`` with the most that it may have.
    """
    rows: list[Values] = []
    titles, found, now = cycle(_TITLES), {}, datetime.now(UTC)
    for kind_number, (kind, place) in enumerate(places.items()):
        turned = kind_number % len(ENDS)  # so that not all kinds have ended alike last
        for number, (reason, message) in enumerate([*ENDS[turned:], *ENDS[:turned]]):
            created = now - timedelta(minutes=11 * (len(places) - kind_number) * len(ENDS) - 7 * number)
            title = next(titles)
            row = values_of(running, kind, place, created, title=named(title, 10_000))
            row |= _end(reason, message and named(message, 10_000))
            row |= {
                "description": named("Asked for by the shop's team.", 10_000) if number % 3 == 0 else None,
                "commit_message": named(title, 10_000),
                "commit_author": named("Ann Example", 10_000),
                "commit_branch": named("feature/prices-with-tax", 10_000),
            }
            rows.append(row)
            if kind_number == 0:
                found[reason.value if reason else "done"] = str(row["deployment_id"])
    put(running, rows)
    return found


def values_of(running: Panel, kind: str, place: Place, created: datetime, **changes: object) -> Values:
    """The columns of one that took two minutes and was done."""
    deployment_id = new_id()
    plain = {
        "deployment_id": deployment_id,
        "kind": kind,
        "subject_type": place.subject,
        "subject_id": place.subject_id,
        "project_id": place.project_id,
        "server_id": place.server_id,
        "host_id": LOCAL_HOST,
        "lane": Lane.SCHEDULE if kind == "schedule" else Lane.DEPLOY,
        "trigger": Trigger.WEBHOOK if len(deployment_id) % 2 else Trigger.MANUAL,
        "triggered_by_name": "ann",
        "log_path": str(running.data_dir / "logs" / f"{deployment_id}.log"),
        "commit_hash": "4f1a9c0e" * 5,
        "created_at": created,
        "started_at": created + timedelta(seconds=2),
        "finished_at": created + timedelta(seconds=122),
        **_end(None, None),
        **dict.fromkeys(("description", "commit_message", "commit_author", "commit_branch")),
    }
    return deployment_values(0, **{**plain, **changes})


def put(running: Panel, rows: Sequence[Values], log: str | None = LOG) -> None:
    """Puts them into the database, and writes the log of each, or of none."""
    with database_of(running) as connection:
        organization_id = connection.execute(select(organizations.c.organization_id)).scalars().first()
        connection.execute(insert(deployments), [{**row, "organization_id": organization_id} for row in rows])
        connection.execute(insert(steps), [step for row in rows for step in _steps_of(row)])
    for row in rows if log is not None else ():
        (running.data_dir / "logs" / f"{row['deployment_id']}.log").write_text(log or "")


def _end(reason: Reason | None, message: str | None) -> Values:
    return {
        "status": Status.DONE if reason is None else Status.ERROR,
        "reason": reason,
        "error_message": message,
    }


def _steps_of(row: Values) -> list[Values]:
    """What it did: of one that failed, the third step came to nothing."""
    count = len(_STEPS) if row["status"] is Status.DONE else 3
    found = []
    for number, name in enumerate(_STEPS[:count]):
        began = row["started_at"] + timedelta(seconds=24 * number)
        ends = row["status"] is Status.DONE or number < count - 1
        found.append(
            {
                "deployment_id": row["deployment_id"],
                "name": name,
                "epoch": 1,
                "started_at": began,
                "finished_at": began + timedelta(seconds=24),
                "log_offset": 0,
                "result": "null" if ends else None,
            }
        )
    return found
