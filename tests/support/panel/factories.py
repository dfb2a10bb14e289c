"""Records for tests, made in one place: only what a test is about need be named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headway.core.deployments.hosts import register_host
from headway.core.deployments.ledger import MOST_PENDING, Ledger
from headway.core.deployments.model import Lane, Request, SubjectType, Trigger
from headway.core.deployments.status import Status
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events

LEASE = timedelta(seconds=30)


def request(host_id: str = "here", **changes: Any) -> Request:  # noqa: ANN401 - fields of Request
    """A wish for a deployment of one application."""
    plain = Request(
        kind="work",
        kind_version=1,
        subject_type=SubjectType.APPLICATION,
        subject_id="app",
        host_id=host_id,
        organization_id="org",
        project_id="project",
        exclusive_key="application:app",
        lane=Lane.DEPLOY,
        input={},
    )
    return replace(plain, **changes)


def deployment_values(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - columns' values
    """The columns of a deployment's row, as if it had come there by itself."""
    plain = {
        "deployment_id": f"d{number}",
        "kind": "work",
        "kind_version": 1,
        "subject_type": SubjectType.APPLICATION,
        "subject_id": "app",
        "organization_id": "org",
        "project_id": "project",
        "host_id": "here",
        "server_id": None,
        "exclusive_key": None,
        "lane": Lane.DEPLOY,
        "ready": False,
        "title": "A title",
        "title_given": True,
        "status": Status.DONE,
        "log_path": f"/logs/d{number}.log",
        "epoch": 1,
        "input": {},
        "trigger": Trigger.API,
        "triggered_by": "user",
        "created_at": datetime(2026, 11, 24, tzinfo=UTC),
        "unstable": False,
        "answers": None,
    }
    return plain | changes


def add_host(tx: Tx, host_id: str = "here", concurrency: int = 2) -> None:
    """A host on which so many deployments may run at once."""
    register_host(tx, host_id=host_id, name=host_id, concurrency=concurrency)


def ledger(events: Events | None = None, lease: timedelta = LEASE, most_pending: int = MOST_PENDING) -> Ledger:
    """A ledger without subjects."""
    return Ledger(
        events=events or Events(),
        subjects={},
        log_path="/logs/{}.log".format,
        lease_duration=lease,
        most_pending=most_pending,
    )
