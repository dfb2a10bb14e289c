"""From errors to answers: one table, and no internals in an answer."""

from __future__ import annotations

import json
import logging

import pytest

from headway.core.access.policy import ConfirmFirst
from headway.http.answers import Answer, json_answer
from headway.http.errors import STATUSES, guarded
from headway.infra.db.engine import DatabaseAway
from headway.kernel.errors import Code, Conflict, Forbidden, HeadwayError, InvalidInput, NotFound, Unavailable
from headway.kernel.vault import VaultError


async def answer_to(error: Exception) -> Answer:
    async def fail() -> Answer:
        raise error

    return await guarded(fail, "some.procedure")


def test_every_code_has_a_status() -> None:
    assert set(STATUSES) == set(Code)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("No."), 400),
        (Forbidden("No."), 403),
        (NotFound("No."), 404),
        (Conflict("No."), 409),
        (Unavailable("No."), 503),
        (DatabaseAway("No."), 503),
        (VaultError("No."), 500),
    ],
)
async def test_an_expected_error_is_told_in_its_own_words(error: HeadwayError, status: int) -> None:
    answer = await answer_to(error)
    assert answer.status == status
    assert json.loads(answer.body) == {
        "message": "No.",
        "code": error.code,
        "data": {"code": error.code, "httpStatus": status, "path": "some.procedure", "zodError": None},
    }


async def test_what_may_work_later_says_when() -> None:
    assert b"retry-after" in dict((await answer_to(DatabaseAway("Away."))).headers)
    assert b"retry-after" not in dict((await answer_to(Conflict("Busy."))).headers)


async def test_an_unknown_error_is_logged_once_in_full_and_told_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await answer_to(RuntimeError("SELECT secret FROM internals"))
    told = json.loads(answer.body)
    assert (answer.status, told["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "internals" not in answer.body.decode()
    assert len(caplog.records) == 1
    assert "SELECT secret FROM internals" in caplog.text
    assert told["message"].split()[-1] in caplog.text


async def test_expected_errors_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for error in (InvalidInput("No."), NotFound("No."), Conflict("No."), DatabaseAway("No.")):
            await answer_to(error)
    assert caplog.records == []


async def test_what_works_goes_through() -> None:
    async def work() -> Answer:
        return json_answer(b"1")

    assert await guarded(work, "x") == json_answer(b"1")


async def test_what_is_to_be_confirmed_first_is_told_as_such() -> None:
    answer = await answer_to(ConfirmFirst())
    told = json.loads(answer.body)
    assert (answer.status, told["code"], told["data"]["confirm"]) == (403, "FORBIDDEN", True)
    assert "confirm" not in json.loads((await answer_to(Forbidden("No."))).body)["data"]
