"""Kept rows: the same bytes as made ones, for ended deployments only, and never more than there is room for."""

from __future__ import annotations

from typing import Any, cast

from pydantic_core import from_json, to_json

from headway.core.deployments.list_queries import Part
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.encoded_rows import EncodedRows, as_list, widened
from headway.features.deployments.api.rows import deployment_row
from tests.unit.api.test_rows import DONE

ROW = Listed.of(DONE)


class NoSteps:
    """A transaction over no steps; counts how often it is asked for some."""

    asked = 0

    def execute(self, *_: object) -> NoSteps:
        self.asked += 1
        return self

    def all(self) -> list[object]:
        return []


def made(rows: EncodedRows, tx: NoSteps, *asked: Listed) -> list[bytes]:
    return rows.of(cast("Any", tx), Part(rows=asked), pending_as_running=False)


def test_what_is_kept_is_what_is_made() -> None:
    rows, tx = EncodedRows(), NoSteps()
    wanted = [to_json(deployment_row(ROW))]
    assert [made(rows, tx, ROW) for _ in range(3)] == [wanted] * 3
    assert tx.asked == 1


def test_a_row_that_differs_in_any_column_is_made_anew() -> None:
    rows, tx = EncodedRows(), NoSteps()
    made(rows, tx, ROW)
    assert b'"unstable":true' in made(rows, tx, ROW._replace(unstable=True))[0]
    assert tx.asked == 2


def test_what_has_not_ended_is_kept_by_nobody() -> None:
    rows, tx = EncodedRows(), NoSteps()
    for status in (Status.PENDING, Status.RUNNING):
        for _ in range(2):
            made(rows, tx, ROW._replace(status=status.value))
    assert tx.asked == 4


def test_the_longest_unasked_go_first() -> None:
    rows, tx = EncodedRows(most=2), NoSteps()
    ids = [ROW._replace(seq=number, deployment_id=f"d{number}") for number in range(3)]
    made(rows, tx, *ids)
    made(rows, tx, ids[0])
    assert tx.asked == 1
    made(rows, tx, *(ROW._replace(seq=number, deployment_id=f"d{number}") for number in range(3, 9)))
    made(rows, tx, ids[1])
    assert tx.asked == 3


def test_objects_are_joined_and_widened() -> None:
    assert from_json(as_list([widened(b'{"a":1}', {"b": None}), b"{}"])) == [{"a": 1, "b": None}, {}]
    assert from_json(as_list([])) == []
    assert widened(b'{"a":[]}', {"c": "x"}) == b'{"a":[],"c":"x"}'
