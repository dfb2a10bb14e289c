"""A call with a key, sent until it is answered, while the panel dies under it: one deployment, and one answer."""

from __future__ import annotations

import random
import threading
import uuid
from pathlib import Path

import httpx
import pytest

from tests.support.panel.panel import Panel, git_repository, panel, web

ROUNDS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_an_answer_that_a_crash_took_is_given_again(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    with panel(tmp_path / "data", HEADWAY_CONCURRENCY="1") as running:
        url = git_repository(tmp_path / "repository", web("x"))
        application_id = running.application(url, buildCommand="sleep 300")
        started = set()
        for _ in range(ROUNDS):
            key = str(uuid.uuid4())
            killer = threading.Timer(dice.uniform(0, 0.02), running.kill)
            killer.start()
            first = _sent(running, application_id, key)
            killer.join()
            running.start()
            again = _sent(running, application_id, key)
            assert again is not None, seed
            assert first in {None, again}, seed
            started.add(again)
        rows = running.get("deployment.all", applicationId=application_id)
        assert {row["deploymentId"] for row in rows} == started, seed
        assert len(started) == ROUNDS, seed


def _sent(running: Panel, application_id: str, key: str) -> str | None:
    """The deployment that the answer names, None where no answer came."""
    headers = {"idempotency-key": key}
    try:
        answer = running.client.post("/application.deploy", json={"applicationId": application_id}, headers=headers)
    except httpx.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    return answer.headers["x-deployment-id"]
