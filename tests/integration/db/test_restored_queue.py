"""A database that was put back from a copy neither repeats nor takes back what was under way when the copy was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import column, exists, func, insert, select, table

from headway import upkeep
from headway.core.access import store as access
from headway.core.deployments import leases, pending_undos, setbacks, store
from headway.core.deployments.restoration import ENDED_ELSEWHERE
from headway.core.deployments.status import Reason, Status
from headway.features.notifications.model import NoticeState
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.tables.deployments import deployments, outbox, removed_deployments, undos
from headway.infra.db.tables.deployments import setbacks as setback_rows
from headway.infra.db.tables.notifications import channels, notices
from headway.infra.db.tables.timers import ticks
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.integration.db.schema_0037 import ROWS, fill, make
from tests.support.panel.factories import LEASE, add_host, deployment_values

OWED = json.dumps({"destination_id": "d", "path": "shop/x.zst"})


def test_what_was_under_way_has_ended_as_lost_and_owes_nothing(database_url: str) -> None:
    database = SqlDatabase(database_url)
    with database.writer.begin() as connection:
        under_way(Tx(connection, SystemClock()))

    upkeep._settle(database_url, "/a", "/a")

    with database.writer.begin() as connection:
        rows = connection.execute(select(deployments).order_by(deployments.c.deployment_id)).all()
        left = [connection.scalar(select(func.count()).select_from(each)) for each in (undos, removed_deployments)]
        tx = Tx(connection, SystemClock())
        assert pending_undos.on(tx, "here") == []
        assert leases.is_free(tx, "d1")
        assert not connection.scalar(select(exists().where(setback_rows.c.number > 0)))
        assert connection.execute(select(ticks.c.fate)).scalars().all() == ["dropped"]
    database.close()
    assert left == [0, 0]
    ended = [(row.deployment_id, row.status, row.reason, row.ready, row.secrets) for row in rows[:2]]
    lost = (Status.ERROR, Reason.LOST, False, None)
    assert ended == [("d1", *lost), ("d2", *lost)]
    assert {row.error_message for row in rows[:2]} == {ENDED_ELSEWHERE}
    assert all(row.finished_at >= row.created_at for row in rows[:2])
    assert (rows[2].status, rows[2].reason) == (Status.ERROR, Reason.FAILED)


def under_way(tx: Tx) -> None:
    """A run, one that waits, one that has ended and owes something, and one of which the record is gone."""
    add_host(tx)
    made = [
        deployment_values(1, status=Status.RUNNING, reason=None, secrets="sealed"),
        deployment_values(2, status=Status.PENDING, reason=None, secrets=None, ready=True),
        deployment_values(3, status=Status.ERROR, reason=Reason.FAILED, secrets=None),
        deployment_values(4, status=Status.ERROR, reason=Reason.FAILED, secrets=None),
    ]
    tx.execute(insert(deployments), made)
    for number in (1, 3, 4):
        store.add_undo(tx, f"d{number}", "object", OWED)
    leases.grant(tx, leases.Lease(deployment_id="d1", owner="panel.1", epoch=1), LEASE)
    setbacks.count(tx, "d1", "It failed.")
    pending_undos.keep(tx, store.find(tx, "d4"))
    store.remove_all(tx, ["d4"], undos_stay=True)
    waiting = {"due_at": tx.now, "attempt": 0, "start_at": tx.now, "fate": "waiting", "caught_up": False}
    tx.execute(insert(ticks).values(**waiting, subject_type="backup", subject_id="b", decided_at=tx.now))


@pytest.mark.parametrize("revision", ["0001", "0009", "0010", "0026", "0027", "0037"])
def test_the_schema_of_an_earlier_version_can_be_settled(tmp_path: Path, revision: str) -> None:
    url = sqlite_url(tmp_path / "headway.db")
    database = SqlDatabase(url)
    make(database, revision)
    database.close()
    upkeep._settle(url, "/a", "/b")


@pytest.mark.parametrize("is_migrated", [False, True])
def test_a_service_is_neither_deployed_nor_held_down_any_more(tmp_path: Path, *, is_migrated: bool) -> None:
    url = sqlite_url(tmp_path / "headway.db")
    database = SqlDatabase(url)
    make(database)
    fill(database, ROWS)
    if is_migrated:
        migrate(database)
    upkeep._settle(url, "/a", "/a")
    kept = table("services" if is_migrated else "applications", column("name"), column("status"), column("wanted"))
    with database.writer.begin() as connection:
        rows = connection.execute(select(kept)).all()
    database.close()
    found = {name: (status, wanted) for name, status, wanted in rows}
    assert found["The far"] == ("error", "up")
    assert (found["The served"], found["The going"]) == (("done", "up"), ("error", "down"))


def test_nothing_is_told_that_waited_to_be_told(database_url: str) -> None:
    database = SqlDatabase(database_url)
    with database.writer.begin() as connection:
        tx = Tx(connection, SystemClock())
        store.add_to_outbox(tx, "deployment.done", {})
        tell_on_a_channel(tx)

    assert upkeep._settle(database_url, "/a", "/a") == 2

    with database.writer.begin() as connection:
        told = {row.notice_id: (row.state, bool(row.last_error)) for row in connection.execute(select(notices))}
        assert connection.execute(select(outbox)).all() == []
    database.close()
    assert told == {
        "waiting": (NoticeState.FAILED, True),
        "sent": (NoticeState.SENT, False),
        "failed": (NoticeState.FAILED, False),
        "quiet": (NoticeState.QUIET, False),
    }


def tell_on_a_channel(tx: Tx) -> None:
    """A channel with a notice of each state, called by that."""
    whose = {"organization_id": access.add_organization(tx, "Ours"), "channel_id": "c", "created_at": tx.now}
    wants = {"events": [], "projects": [], "services": [], "quiet_seconds": 0}
    tx.execute(insert(channels).values(**whose, **wants, name="ours", medium="webhook", target="sealed"))
    of = {"channel_id": "c", "event": "deployment.done", "about": "d1", "sameness": "", "payload": {}, "attempts": 0}
    for state in NoticeState:
        made = {"notice_id": state, "state": state, "due_at": tx.now, "created_at": tx.now}
        tx.execute(insert(notices).values(**of, **made))
