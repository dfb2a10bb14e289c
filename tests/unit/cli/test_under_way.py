"""What is under way, in `headway status`: that there is more than is shown, and of what each is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headway.cli.main import build
from tests.support.panel.answering import answering


def row(number: int, **of: object) -> dict[str, Any]:
    created = {"createdAt": f"2026-01-01T00:00:{number:02}Z", "startedAt": None, "finishedAt": None}
    return {"deploymentId": f"d{number}".ljust(21, "x"), "status": "pending", "title": "A deploy", **created, **of}


def searched(rows: list[dict[str, Any]], *, at_least: bool = False) -> Any:  # noqa: ANN401 - an answer
    """A panel's search, which gives at most fifteen to a page and once none at all."""

    def answer(given: dict[str, str]) -> dict[str, Any]:
        counts = {"pending": len(rows) - 1, "running": 1, "done": 0, "error": 0, "atLeast": at_least}
        begin = int(given.get("cursor", -1))
        if begin < 0:
            page, end = [], 0
        else:
            end = begin + min(15, int(given["limit"]))
            page = rows[begin:end]
        more = str(end) if end < len(rows) else None
        return {"rows": page, "nextCursor": more, "counts": counts if given.get("counts") else None}

    return answer


def shown(rows: list[dict[str, Any]], *more: str, at_least: bool = False) -> Result:
    answers = {"project.all": [], "service.down": [], "deployment.search": searched(rows, at_least=at_least)}
    with answering(answers) as panel:
        done = CliRunner().invoke(build("status"), ["status", *more], env=panel.env)
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def test_what_is_not_shown_is_told() -> None:
    done = shown([row(number) for number in range(34)])
    assert done.stdout.count("A deploy") == 20
    told = " ".join(done.stderr.split())
    assert "the newest 20 of 34 under way" in told
    assert "'headway deployments search --status pending,running --limit 34' shows all." in told
    assert "of at least 34" in " ".join(shown([row(number) for number in range(34)], at_least=True).stderr.split())


@pytest.mark.parametrize(("count", "listed"), [(34, 20), (3, 3), (0, 0)])
def test_programs_are_told_how_many_there_are(count: int, listed: int) -> None:
    told = json.loads(shown([row(number) for number in range(count)], "--json").stdout)
    assert (len(told["underWay"]), told["underWayCount"]) == (listed, count)


def test_what_is_all_is_not_said_to_be_less() -> None:
    assert shown([row(number) for number in range(3)]).stderr == ""


@pytest.mark.parametrize("kind", ["application", "compose", "database", "server"])
def test_each_is_told_of_what_it_is(kind: str) -> None:
    done = shown([row(1, **{kind: {"name": "orders"}})])
    assert "orders" in done.stdout
