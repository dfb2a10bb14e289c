"""Patterns and other texts of somebody's own are compared in a time that grows as they do, and stop nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from headway.drivers.builders.languages.node_versions import satisfies
from headway.features.webhooks.watch_paths import check_patterns, concerned
from headway.kernel.errors import InvalidInput
from headway.kernel.layers import Layer, UnknownReference, resolve
from tests.support.panel.bounds import P99_SECONDS, watched
from tests.support.panel.panel import Panel, panel

pytestmark = pytest.mark.slow

DEEP = "**/a/" * 8 + "b"
NAME = "/".join("a" * 34)
PUSH = {"ref": "refs/heads/main", "after": "c" * 40, "repository": {"clone_url": "https://git.example/x.git"}}
SECONDS = 1.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("patterns") / "data") as started:
        yield started


def test_a_push_of_many_deep_names_stops_nobody(running: Panel) -> None:
    application_id = running.application("https://git.example/x.git")
    patterns = [f"**/a/**/b{each}" for each in range(50)] + ["*a" * 10 + f"/{each}" for each in range(50)]
    running.post("application.update", applicationId=application_id, watchPaths=patterns, customGitBranch="main")
    files = [f"{NAME}/{each}" for each in range(2_000)] + ["a" * 5_000 + str(each) for each in range(500)]
    with watched(running) as cost:
        done = running.tell(
            application_id, {**PUSH, "commits": [{"added": files, "modified": [], "removed": []}]}, "push"
        )
    assert done["outcome"] == "queued"
    assert "Watch paths were not compared" in done["message"]
    assert cost.p99 < P99_SECONDS


def test_a_pattern_with_many_any_depths_is_refused(running: Panel) -> None:
    application_id = running.application("https://git.example/x.git", name="refused")
    for pattern in (DEEP, f"!{DEEP}", f"./{DEEP}/", "**/**/**", "{**/a,b}/**/**/c"):
        given = {"applicationId": application_id, "watchPaths": [pattern]}
        answer = running.client.post("/application.update", json=given)
        assert (answer.status_code, "more than 2 times **" in answer.json()["message"]) == (400, True), pattern


def test_texts_that_are_no_numbers_stop_nobody(running: Panel) -> None:
    with watched(running) as cost:
        for text in ("1" * 60_000 + "x", "1" * 30_000 + "." + "1" * 30_000 + "x", "." + "1" * 60_000 + "e"):
            answer = running.client.get("/deployment.readLogs", params={"deploymentId": "x", "tail": text})
            assert answer.status_code == 400
    assert cost.p99 < P99_SECONDS


@pytest.mark.parametrize("patterns", [[DEEP], [f"!{DEEP}"], ["*a" * 20 + "*b"], ["[!b]*" * 20 + "c"], ["{a,}" * 300]])
def test_a_pattern_of_yesterday_is_compared_in_no_time(patterns: list[str]) -> None:
    began = time.process_time()
    concerned([NAME, f"{NAME}/b", "a" * 100_000], patterns)
    assert time.process_time() - began < SECONDS


def test_braces_within_braces_are_refused() -> None:
    began = time.process_time()
    for pattern in ("{" * 1_024, "{a," * 300 + "b", "{" * 500 + "}" * 500):
        with pytest.raises(InvalidInput):
            check_patterns([pattern], 2)
    assert time.process_time() - began < SECONDS


def test_a_reference_that_never_ends_is_read_in_no_time() -> None:
    began = time.process_time()
    for value in ("${{" + " " * 100_000, "${{" * 40_000):
        resolve({Layer.OWN: {"A": value}}, Layer.OWN)
    with pytest.raises(UnknownReference):
        resolve({Layer.OWN: {"A": "${{" + " " * 50_000 + "x y" + " " * 50_000 + "}}"}}, Layer.OWN)
    assert satisfies((20, 0, 0), "1 " * 500_000)
    assert time.process_time() - began < SECONDS
