"""What lies at destinations, in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update

from headway.core.deployments.model import SubjectType
from headway.features.destinations.stored_backup_model import KeptFile, KeptOf
from headway.infra.db.tables.backups import kept_files
from headway.infra.db.transaction import Tx

AHEAD = timedelta(minutes=5)  # a clock that is less ahead is waited for

_c = kept_files.c


def add(tx: Tx, file: KeptFile) -> None:
    """Writes a new file."""
    values = {name: getattr(file, name) for name in (column.name for column in _c)}
    tx.execute(insert(kept_files).values(**values))


def of_subject(tx: Tx, subject_type: SubjectType, subject_id: str) -> list[KeptFile]:
    """What a backup has left, newest first."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    return [_record(row) for row in tx.execute(select(kept_files).where(*mine).order_by(_c.made_at.desc(), _c.path))]


def kept_of(tx: Tx, subject_type: SubjectType, ids: Select[tuple[str]]) -> dict[str, KeptOf]:
    """What backups that ``ids`` selects have left, by the backup's id. It is one statement: between two of them files
    come and go.
    """
    mine = (_c.subject_type == subject_type, _c.subject_id.in_(ids))
    of_one = _c.subject_id
    numbered = (
        select(
            *(column.label(f"newest_{column.name}") for column in _c),
            func.row_number().over(partition_by=of_one, order_by=(_c.made_at.desc(), _c.path)).label("place"),
            func.count().over(partition_by=of_one).label("number"),
            func.sum(_c.bytes).over(partition_by=of_one).label("bytes"),
            func.max(_c.proven_at).over(partition_by=of_one).label("proven_at"),
        )
        .where(*mine)
        .subquery()
    )
    return {
        row.newest_subject_id: KeptOf(
            number=row.number, bytes=int(row.bytes), newest=_newest(row), proven_at=row.proven_at
        )
        for row in tx.execute(select(numbered).where(numbered.c.place == 1))
    }


def at(tx: Tx, destination_id: str, path: str) -> KeptFile | None:
    """The file at a place, None where Headway does not know it."""
    row = tx.execute(select(kept_files).where(_c.destination_id == destination_id, _c.path == path)).one_or_none()
    return None if row is None else _record(row)


def known(tx: Tx, destination_id: str, paths: Collection[str]) -> dict[str, KeptFile]:
    """Those of these paths that Headway knows."""
    rows = tx.execute(select(kept_files).where(_c.destination_id == destination_id, _c.path.in_(paths)))
    return {row.path: _record(row) for row in rows}


def prove(tx: Tx, destination_id: str, path: str) -> None:
    """A file was just restored on trial."""
    there = (_c.destination_id == destination_id, _c.path == path)
    tx.execute(update(kept_files).where(*there).values(proven_at=tx.now))


def are_ahead(tx: Tx) -> bool:
    """Whether a file is said to have been made, or tried, at a time that has not come yet."""
    beyond = tx.now + AHEAD
    found = select(_c.kept_file_id).where(or_(_c.made_at > beyond, _c.proven_at > beyond)).limit(1)
    return tx.execute(found).first() is not None


def put_right(tx: Tx) -> None:
    """Has what a clock that was ahead said of files count from now on, in the order that they have: until that time
    came, all that is made after them would be older, and none be tried.
    """
    beyond = tx.now + AHEAD
    made = select(_c.kept_file_id).where(_c.made_at > beyond).order_by(_c.made_at.desc(), _c.path.desc())
    for place, kept_file_id in enumerate(tx.execute(made).scalars().all()):
        at = tx.now - timedelta(microseconds=place)
        tx.execute(update(kept_files).where(_c.kept_file_id == kept_file_id).values(made_at=at))
    tx.execute(update(kept_files).where(_c.proven_at > beyond).values(proven_at=tx.now))


def remove(tx: Tx, kept_file_id: str) -> None:
    """Forgets a file that is gone."""
    tx.execute(delete(kept_files).where(_c.kept_file_id == kept_file_id))


def remove_at(tx: Tx, destination_id: str, path: str) -> None:
    """Forgets what is gone from a place."""
    tx.execute(delete(kept_files).where(_c.destination_id == destination_id, _c.path == path))


def forget_destination(tx: Tx, destination_id: str) -> None:
    """Forgets what lies at a destination that is no more; it stays there."""
    tx.execute(delete(kept_files).where(_c.destination_id == destination_id))


def forget_subject(tx: Tx, subject_type: SubjectType, subject_id: str) -> None:
    """Forgets what a backup has left; it stays where it lies."""
    tx.execute(delete(kept_files).where(_c.subject_type == subject_type, _c.subject_id == subject_id))


def _newest(row: Row[Any]) -> KeptFile:
    values = {column.name: getattr(row, f"newest_{column.name}") for column in _c}
    return KeptFile(**{**values, "subject_type": SubjectType(values["subject_type"])})


def _record(row: Row[Any]) -> KeptFile:
    return KeptFile(**{**row._mapping, "subject_type": SubjectType(row.subject_type)})  # noqa: SLF001 - a row's names
