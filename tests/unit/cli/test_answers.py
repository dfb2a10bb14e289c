"""What the command line says of what an address answered."""

from __future__ import annotations

from typing import Any

import pytest

from headway.cli.answers import answers_of, warn_of_answers


@pytest.mark.parametrize(
    ("answers", "told", "mend"),
    [
        (None, "", ""),
        ({"path": "/", "status": 200, "ms": 12}, "GET /: 200 (after 12 ms)", ""),
        ({"path": "/api", "status": 404, "ms": 3}, "GET /api: 404 (after 3 ms)", ""),
        ({"path": "/", "status": 400, "ms": 3, "trouble": None}, "GET /: 400 (after 3 ms)", ""),
        (
            {"path": "/", "status": 400, "ms": 3, "trouble": "host"},
            "GET /: 400 (after 3 ms)",
            "headway env set shop ALLOWED_HOSTS=shop.localhost\n",
        ),
        (
            {"path": "/", "status": 301, "ms": 3, "trouble": "https"},
            "GET /: 301 (after 3 ms)",
            "headway env set shop SECURE_SSL_REDIRECT=False\n",
        ),
        ({"path": "/", "status": 301, "ms": 3, "trouble": "loop"}, "GET /: 301 (after 3 ms)", "X-Forwarded-Proto"),
        ({"path": "/", "status": 500, "ms": 3}, "GET /: 500 (after 3 ms)", "a visitor gets an error"),
        ({"path": "/", "status": 502, "ms": 3}, "GET /: 502 (after 3 ms)", "a visitor gets an error"),
        ({"path": "/", "status": None, "ms": 5003}, "GET /: no answer (after 5003 ms)", "a visitor gets an error"),
    ],
)
def test_what_visitors_meet_is_warned_of_with_its_mend(
    answers: dict[str, Any] | None, told: str, mend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers_of({"answers": answers}) == told
    warn_of_answers({"answers": answers}, "shop", "http://shop.localhost:8080")
    said = capsys.readouterr()
    assert said.out == ""
    assert bool(said.err) is bool(mend)
    assert mend in said.err
    assert not mend or told in said.err
