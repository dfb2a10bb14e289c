"""What the command line says of what an address answered."""

from __future__ import annotations

from typing import Any

import pytest

from headway.faces.cli.answers import answers_of, warn_of_answers


@pytest.mark.parametrize(
    ("answers", "told", "is_warned_of"),
    [
        (None, "", False),
        ({"path": "/", "status": 200, "ms": 12}, "GET /: 200 (after 12 ms)", False),
        ({"path": "/api", "status": 404, "ms": 3}, "GET /api: 404 (after 3 ms)", False),
        ({"path": "/", "status": 400, "ms": 3}, "GET /: 400 (after 3 ms)", True),
        ({"path": "/", "status": 500, "ms": 3}, "GET /: 500 (after 3 ms)", True),
        ({"path": "/", "status": 502, "ms": 3}, "GET /: 502 (after 3 ms)", True),
        ({"path": "/", "status": None, "ms": 5003}, "GET /: no answer (after 5003 ms)", True),
    ],
)
def test_errors_of_the_server_are_warned_of(
    answers: dict[str, Any] | None,
    told: str,
    capsys: pytest.CaptureFixture[str],
    *,
    is_warned_of: bool,
) -> None:
    assert answers_of({"answers": answers}) == told
    warn_of_answers({"answers": answers}, "shop", "http://shop.localhost:8080")
    said = capsys.readouterr()
    assert (said.out, told in said.err and bool(told)) == ("", is_warned_of)
    assert bool(said.err) is is_warned_of
    assert ("headway env set shop ALLOWED_HOSTS=shop.localhost\n" in said.err) is ("400" in told)
