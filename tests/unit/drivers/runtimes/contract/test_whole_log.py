"""Logs as one file: each line of several led by whose it is, and what cannot be read told in it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.drivers.runtimes.contract.whole_log import whole_log
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.kernel.errors import Unavailable


def log(name: str, *pieces: Piece | None) -> WrittenLog:
    """One that is kept in these pieces; None: it cannot be read any more."""

    async def piece(behind: Behind) -> Piece:
        number = int(behind.places[name] or 0)
        found = pieces[number]
        if found is None:
            raise Unavailable("far does not answer.")
        return Piece(
            process=name,
            text=found.text,
            place=str(number + 1),
            more=number + 1 < len(pieces),
            lost=found.lost,
        )

    return WrittenLog(name=name, key=name, piece=piece)


def wrote(text: str, *, lost: bool = False) -> Piece:
    return Piece(process="", text=text, place="", lost=lost)


async def whole(logs: Sequence[WrittenLog], *, is_plain: bool = False) -> str:
    return "".join([text async for text in await whole_log(logs, is_plain=is_plain)])


async def test_one_log_is_told_as_it_is() -> None:
    text = "one\n\x1b[31mtwo\x1b[0m\rthree\n"
    assert await whole([log("web", wrote(text), wrote("four"))]) == f"{text}four\n"
    assert await whole([log("web", wrote(text), wrote("four"))], is_plain=True) == "one\ntwo\rthree\nfour\n"


async def test_each_line_of_several_is_led_by_whose_it_is() -> None:
    logs = [log("web", wrote("one\ntw"), wrote("o\n\n")), log("worker", wrote("three"))]
    assert await whole(logs) == "web | one\nweb | two\nweb | \nworker | three\n"


async def test_an_escape_over_two_pieces_is_left_out_too() -> None:
    assert await whole([log("web", wrote("\x1b[3"), wrote("1mred\n"))], is_plain=True) == "red\n"


async def test_what_cannot_be_read_at_first_is_refused_and_later_told() -> None:
    with pytest.raises(Unavailable, match="far does not answer"):
        await whole([log("web", None), log("worker", wrote("three\n"))])
    told = await whole([log("web", wrote("one\n"), None), log("worker", wrote("two\n"))])
    assert told == "web | one\nweb | [headway] What follows cannot be read now: far does not answer.\nworker | two\n"


async def test_what_was_dropped_meanwhile_is_told() -> None:
    told = await whole([log("web", wrote("one\n"), wrote("nine\n", lost=True))])
    assert told == "one\n[headway] What was written next is not kept any more.\nnine\n"


async def test_one_that_grows_without_end_comes_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.drivers.runtimes.contract.written_log.MOST_CHARACTERS", 100)
    pieces = [wrote("0123456789\n") for _ in range(1_000)]
    assert 100 <= len(await whole([log("web", *pieces)])) < 200
