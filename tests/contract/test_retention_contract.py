"""Retention on both databases: exactly what the policy says is kept, and no log stays that nobody knows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from headway.core.deployments import retention
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Keep, Retention
from headway.core.deployments.status import Status
from headway.core.deployments.store import remove_all, some
from headway.core.engine.run_log import LogFilesOnDisk
from headway.core.engine.troubles import Troubles
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import deployments, removed_logs, steps, undos
from headway.infra.db.transaction import Tx
from headway.infra.logs.paths import LogPaths
from headway.kernel.vault import VaultError
from tests.support.panel.factories import add_host, deployment_values

ROWS = 400
DEFAULT = Keep(number=20)
OWN = {"a0": Keep(number=3), "a1": Keep(number=500), "a2": Keep(number=20, age=timedelta(hours=5))}
SUBJECTS = (*((SubjectType.APPLICATION, f"a{number}") for number in range(4)), (SubjectType.BACKUP, "a0"))


@dataclass(frozen=True)
class Row:
    """What the policy goes by."""

    deployment_id: str
    subject: tuple[SubjectType, str]
    ended: bool
    hours_ago: float
    needed: bool
    undone: bool

    @property
    def keep(self) -> Keep:
        """What its subject keeps."""
        return OWN.get(self.subject[1], DEFAULT) if self.subject[0] is SubjectType.APPLICATION else DEFAULT


def kept(rows: list[Row]) -> set[str]:
    """The policy, said plainly."""
    found = set()
    for subject in SUBJECTS:
        newest_first = [row for row in reversed(rows) if row.subject == subject and row.ended]
        for place, row in enumerate(newest_first):
            too_old = row.keep.age is not None and timedelta(hours=row.hours_ago) > row.keep.age
            if (place < row.keep.number and not too_old) or row.needed or row.undone:
                found.add(row.deployment_id)
    return found | {row.deployment_id for row in rows if not row.ended}


def filled(tx: Tx, dice: random.Random) -> list[Row]:
    """So many deployments of some subjects, the oldest first, each with a step."""
    add_host(tx)
    rows = []
    for number in range(ROWS):
        status = dice.choice([Status.DONE, Status.DONE, Status.ERROR, Status.PENDING, Status.RUNNING])
        row = Row(
            deployment_id=f"d{number}",
            subject=dice.choice(SUBJECTS),
            ended=status.ended,
            hours_ago=(ROWS - number) / 20,
            needed=dice.random() < 0.05,
            undone=status is Status.ERROR and dice.random() < 0.1,
        )
        rows.append(row)
        ended_at = tx.now - timedelta(hours=row.hours_ago) if status.ended else None
        subject = {"subject_type": row.subject[0], "subject_id": row.subject[1]}
        tx.execute(
            insert(deployments).values(**deployment_values(number, status=status, finished_at=ended_at, **subject))
        )
        step: dict[str, Any] = {"name": "build", "epoch": 1, "started_at": tx.now, "log_offset": 0}
        tx.execute(insert(steps).values(deployment_id=row.deployment_id, **step))
        if row.undone:
            tx.execute(insert(undos).values(deployment_id=row.deployment_id, name="take back", data="{}"))
    return rows


def own(_tx: Tx, subject_id: str, default: Keep) -> Keep:
    """What an application keeps."""
    return OWN.get(subject_id, default)


def retaining(
    database: SqlDatabase,
    logs: LogPaths,
    needed: Collection[str] = (),
    *,
    own: Callable[[Tx, str, Keep], Keep] = own,
    troubles: Troubles | None = None,
    removes: Callable[[Tx, Sequence[str]], None] = lambda _tx, _ids: None,
) -> Retention:
    """The retention of a panel."""
    return Retention(
        db=database,
        logs=LogFilesOnDisk(logs),
        default=DEFAULT,
        own={SubjectType.APPLICATION: own},
        needed=lambda _tx, some: set(some) & set(needed),
        troubles=troubles or Troubles(),
        removes=removes,
    )


@pytest.fixture
def logs(tmp_path: Path) -> LogPaths:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    for number in range(ROWS):
        for path in (paths.log(f"d{number}"), paths.steps(f"d{number}")):
            path.write_text("text")
    return paths


def ids(tx: Tx) -> set[str]:
    return set(tx.execute(select(deployments.c.deployment_id)).scalars())


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_kept_is_exactly_what_the_policy_says(
    database: SqlDatabase, logs: LogPaths, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_A_TIME", 7)
    rows = await database.run(lambda tx: filled(tx, random.Random(seed)))
    wanted = kept(rows)
    keeper = retaining(database, logs, [row.deployment_id for row in rows if row.needed])

    for _ in range(2):  # a second round finds nothing more
        assert await keeper.keep_round() > 0
        assert await database.read(ids) == wanted
        assert {path.name.partition(".")[0] for path in logs.root.iterdir()} == wanted
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(steps))) == len(wanted)
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(removed_logs))) == 0


async def test_what_goes_is_told_of_while_it_is_there_in_one_look(database: SqlDatabase, logs: LogPaths) -> None:
    rows = await database.run(lambda tx: filled(tx, random.Random(0)))
    told, looks = set[str](), list[int]()

    def removes(tx: Tx, deployment_ids: Sequence[str]) -> None:
        # Another has removed one since: what is told of is what there is.
        found = some(tx, [*deployment_ids, "gone"])
        assert {each.deployment_id for each in found} == {*deployment_ids}
        told.update(deployment_ids)
        looks.append(len(deployment_ids))

    await retaining(database, logs, removes=removes).keep_round()
    gone = {row.deployment_id for row in rows} - await database.read(ids)
    assert told == gone
    assert len(looks) < len(gone)
    assert 0 not in looks


async def test_a_log_whose_record_went_before_a_power_cut_is_removed_by_the_next_round(
    database: SqlDatabase, logs: LogPaths
) -> None:
    await database.run(lambda tx: filled(tx, random.Random(0)))
    await database.run(lambda tx: remove_all(tx, ["d398", "d399"]))
    assert logs.log("d399").exists()

    await retaining(database, logs).clear_logs()

    assert not logs.log("d398").exists()
    assert not logs.steps("d399").exists()
    assert logs.log("d397").exists()


async def test_a_record_that_another_has_removed_meanwhile_is_left_out(database: SqlDatabase) -> None:
    await database.run(lambda tx: filled(tx, random.Random(0)))
    for several in (["d398"], ["d398", "d399"], ["d398", "d399"]):
        await database.run(lambda tx, several=several: remove_all(tx, several))  # type: ignore[misc]
    both = ["d396", "d397"]
    await asyncio.gather(*(database.run(lambda tx: remove_all(tx, both)) for _ in range(8)))
    assert not {"d396", "d397", "d398", "d399"} & await database.read(ids)
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(removed_logs))) == 4


async def test_a_record_that_could_not_be_removed_keeps_its_log(database: SqlDatabase, logs: LogPaths) -> None:
    await database.run(lambda tx: filled(tx, random.Random(0)))

    def broken(tx: Tx) -> None:
        remove_all(tx, ["d399"])
        raise RuntimeError("the power fails before the commit")

    with pytest.raises(RuntimeError):
        await database.run(broken)
    await retaining(database, logs).clear_logs()

    assert logs.log("d399").exists()


async def test_what_cannot_be_read_or_removed_holds_up_nothing_else_and_is_told(
    database: SqlDatabase, logs: LogPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_A_TIME", 7)
    rows = await database.run(lambda tx: filled(tx, random.Random(0)))
    sealed, goes = (SubjectType.APPLICATION, "a1"), sorted({row.deployment_id for row in rows} - kept(rows))
    stuck = next(each for each in goes if each not in {row.deployment_id for row in rows if row.subject == sealed})
    logs.log(stuck).unlink()
    logs.log(stuck).mkdir()

    now, unreadable = [0.0], {"a1"}

    def opened(tx: Tx, subject_id: str, default: Keep) -> Keep:
        if subject_id in unreadable:
            raise VaultError("It is sealed with another key.")
        return own(tx, subject_id, default)

    troubles = Troubles(monotonic=lambda: now[0])
    keeper = retaining(database, logs, [row.deployment_id for row in rows if row.needed], own=opened, troubles=troubles)
    assert await keeper.keep_round() > 0

    wanted = kept(rows) | {row.deployment_id for row in rows if row.subject == sealed}
    assert await database.read(ids) == wanted
    assert {path.name.partition(".")[0] for path in logs.root.iterdir()} == wanted | {stuck}
    assert await database.read(lambda tx: list(tx.execute(select(removed_logs.c.deployment_id)).scalars())) == [stuck]
    told = {(each.loop, each.item) for each in troubles.all()}
    assert told == {("retention", "application a1"), ("retention", f"log {stuck}")}

    logs.log(stuck).rmdir()
    unreadable.clear()
    now[0] += 1000
    await keeper.keep_round()
    assert await database.read(ids) == kept(rows)
    assert troubles.all() == []
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(removed_logs))) == 0
