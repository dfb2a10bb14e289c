"""What serves applications, compose services and databases calls none of them by another's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import headway
from headway.core.access.policy import Noun

SOURCE = Path(headway.__file__).parent
# Whoever works for every kind of service; databases are run as containers.
SHARED = (
    *("core", "kernel/service_names.py", "features/previews/policy.py", "features/schedules/model.py"),
    *(f"features/{name}" for name in ("containers", "destinations", "edge", "git", "registries")),
    *(f"features/{name}" for name in ("forge_outbox", "metrics", "notifications", "webhooks")),
    *(f"features/services/{name}" for name in ("disk_space.py", "lifecycle.py", "release_retention.py", "uploads.py")),
    *(
        "features/services/compose",
        "features/services/database",
        "drivers/sources",
        "drivers/builders/engine.py",
        "drivers/runtimes/compose",
    ),
    *(f"drivers/runtimes/{name}" for name in ("container/health.py", "container/runtime.py", "swarm")),
    *(f"drivers/runtimes/contract/{name}" for name in ("answer.py", "machine.py", "patience.py")),
    *(f"drivers/edge/{name}" for name in ("edge.py", "first_answer.py", "route_probe.py")),
)
# Each with the beginning of what it says: an application is meant, or all that Headway keeps up.
MEANT = (
    ("core/access/policy.py", "Application"),
    ("kernel/service_names.py", "An application's"),  # unless whose is said
    ("features/edge/middlewares.py", "The application has a login named "),
    ("features/edge/domains.py", " is the name that Headway gives: it stays as long as the application does."),
    ("drivers/edge/edge.py", "Applications cannot be reached: port "),
    ("drivers/runtimes/swarm/service_body.py", "An application runs 1 to "),
    ("features/notifications/pages/channel_forms.py", "application.error, compose.error"),  # names of events
    ("features/notifications/pages/channel_kinds.py", "Token of the application"),  # as Gotify and Pushover call it
    ("features/metrics/metrics.py", "Copies of applications and of services of stacks in the swarm"),
)


def test_a_sentence_that_any_service_may_end_with_names_no_other_kind() -> None:
    found = {(file, said) for file, said in _said() if "application" in said.lower() and " " in said.strip()}
    unmeant = {each for each in found if not any(each[0] == file and each[1].startswith(of) for file, of in MEANT)}
    assert unmeant == set()


@pytest.mark.parametrize(
    ("noun", "word"),
    [(Noun.COMPOSE, "compose service"), (Noun.APPLICATION, "application"), (Noun.DATABASE, "database")],
)
def test_each_kind_has_one_word(noun: Noun, word: str) -> None:
    assert noun.word == word


def _said() -> Iterator[tuple[str, str]]:
    for place in SHARED:
        paths = (
            [SOURCE / place]
            if place.endswith(".py")
            else [each for each in sorted((SOURCE / place).rglob("*.py")) if "api" not in each.parts]
        )
        assert paths, place
        for path in paths:
            tree = ast.parse(path.read_text())
            told = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}  # docstrings
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                    yield str(path.relative_to(SOURCE)), node.value
