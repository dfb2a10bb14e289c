"""A deployment as lists show it.

A list shows hundreds of rows and nothing is done with them but that, so they are not made into records: times stay
whole microseconds, words stay words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Select, column, func, select, table

from headway.core.deployments.model import Deployment
from headway.infra.db.transaction import Tx

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Listed(NamedTuple):
    """A deployment as lists show it; the fields are its columns. Times are microseconds since 1970."""

    seq: int
    deployment_id: str
    kind: str
    subject_type: str
    subject_id: str
    organization_id: str
    project_id: str | None
    host_id: str
    release_host_id: str | None
    server_id: str | None
    exclusive_key: str | None
    lane: int
    title: str
    description: str | None
    status: str
    reason: str | None
    error_message: str | None
    log_path: str
    pid: str | None
    trigger: str
    triggered_by: str
    triggered_by_name: str | None
    triggered_by_key: str | None
    triggered_by_key_name: str | None
    commit_hash: str | None
    commit_message: str | None
    commit_author: str | None
    commit_branch: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    kill_requested_at: int | None
    out_of_reach_since: int | None
    last_seen_at: int | None
    unstable: bool
    answers: str | None

    @staticmethod
    def of(deployment: Deployment) -> Listed:
        """A record as a list would show it."""
        return Listed._make(_plain(getattr(deployment, name)) for name in Listed._fields)


class ListedStep(NamedTuple):
    """A step of a run as rows show it; times as in ``Listed``, ``log_offset`` is where its output begins in the log."""

    name: str
    started_at: int
    finished_at: int | None
    log_offset: int


# Columns without types: on both databases they then arrive as they are kept, which is what a list wants.
deployment_rows = table("deployments", *(column(name) for name in (*Listed._fields, "input")))
COLUMNS = tuple(deployment_rows.c[name] for name in Listed._fields)
step_rows = table("steps", *(column(name) for name in ("deployment_id", *ListedStep._fields)))


def in_one_value(statement: Select[Any]) -> Select[Any]:
    """The same rows as one text of JSON, for SQLite: its driver lets go of Python's lock at each row, and where others
    are at work it may be milliseconds until it has it again.
    """
    return select(func.json_group_array(func.json_array(*statement.subquery().c)))


def listed(tx: Tx, statement: Select[Any], values: Mapping[str, Any]) -> list[Listed]:
    """The rows of a statement, which on SQLite is one that has them ``in_one_value``."""
    rows = tx.execute(statement, values).all() if tx.postgres else from_json(tx.scalar(statement, values))
    return [*map(Listed._make, rows)]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column's value
    if isinstance(value, Enum):
        return value.value
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value
