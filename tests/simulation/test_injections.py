"""An error that nobody foresaw, at any wait of the engine: one deployment may end by it, and the others go on. At those
of what features do beside it none does, and all is cleared and told in the end.

Some of the places; ``script/prove injections`` takes all of them.
"""

from __future__ import annotations

import pytest

from tests.simulation.injection import OF_FEATURES
from tests.simulation.working_days import DAYS, judge, points_of

SAMPLE = {"day": 6, "night": 6, "evening": 4}
ENGINE = {  # where something waits itself; the others wait for these
    *(f"core/engine/{name}.py" for name in ("background", "concurrency", "engine", "execution", "janitor", "parts")),
    *(f"core/engine/{name}.py" for name in ("poller", "recovery", "run_end", "runner", "stopper", "worker")),
    "core/engine/scheduler/scheduler.py",
    *(f"infra/logs/{name}.py" for name in ("logfile", "pump")),
    "core/deployments/retention.py",
}
PARTS = {"day": ENGINE - {"core/engine/concurrency.py"}, "night": ENGINE, "evening": {*OF_FEATURES}}


@pytest.mark.slow
@pytest.mark.parametrize("day", DAYS)
def test_an_error_at_a_wait_ends_one_deployment_at_most(day: str) -> None:
    ends, points = points_of(day)
    sample = points[:: len(points) // SAMPLE[day]]
    wrong = {f"time {nth} at {point}": judge(day, point, nth, ends) for point, nth in sample}
    assert {where: complaint for where, complaint in wrong.items() if complaint} == {}
    assert PARTS[day] - {point.file for point, _ in points} == set()
