"""When what waits is expected to begin: what runs ends, the queue moves on, and what nobody knows stays unknown."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments.model import Lane
from headway.core.deployments.queue_forecast import MOST_IN_FRONT, Busy, expected_start
from headway.core.deployments.queue_position import QueueEntry


def _queued(name: str, seq: int, *, key: str | None = None, lane: Lane = Lane.DEPLOY, host: str = "here") -> QueueEntry:
    return QueueEntry(host, lane, seq, name, key)


def _start(
    asked: QueueEntry,
    *others: QueueEntry,
    running: Mapping[QueueEntry, float | None],
    slots: int = 1,
    takes: Mapping[str, float] | None = None,
) -> float | None:
    busy = [Busy(each=each, end=end) for each, end in running.items()]
    waiting = sorted([*others, asked])
    return expected_start(asked, waiting, busy, slots=slots, takes=takes or {}, now=100)


def test_it_begins_when_a_slot_is_free() -> None:
    first, second = _queued("a", 1), _queued("b", 2)
    assert _start(_queued("c", 3), running={first: 150}) == 150
    assert _start(_queued("c", 3), running={first: 150, second: 120}, slots=2) == 120


def test_what_goes_first_takes_its_usual_time() -> None:
    asked, before = _queued("c", 3), _queued("b", 2)
    assert _start(asked, before, running={_queued("a", 1): 150}, takes={"b": 40}) == 190


def test_it_begins_when_its_service_is_free() -> None:
    busy, other = _queued("a", 1, key="shop"), _queued("b", 2)
    assert _start(_queued("c", 3, key="shop"), running={busy: 300, other: 120}, slots=3) == 300


def test_one_whose_service_is_busy_is_passed_over() -> None:
    busy, held = _queued("a", 1, key="shop"), _queued("b", 2, key="shop")
    assert _start(_queued("c", 3), held, running={busy: 300, _queued("z", 0): 120}, slots=2, takes={"b": 50}) == 120


def test_its_service_may_run_on_another_host() -> None:
    elsewhere = _queued("a", 1, key="shop", host="there")
    assert _start(_queued("c", 3, key="shop"), running={elsewhere: 170}) == 170


def test_a_rollback_has_a_slot_of_its_own() -> None:
    asked = _queued("c", 3, lane=Lane.ROLLBACK)
    assert _start(asked, running={_queued("a", 1): 500, _queued("b", 2, lane=Lane.ROLLBACK): 130}) == 130


def test_what_nobody_knows_stays_unknown() -> None:
    running = {_queued("a", 1): None}
    assert _start(_queued("c", 3), running=running) is None
    assert _start(_queued("c", 3), _queued("b", 2), running={_queued("a", 1): 150}) is None
    assert _start(_queued("c", 3), running={**running, _queued("b", 2): 130}, slots=2) == 130, "the other one does"


def test_of_a_very_long_queue_nothing_is_foretold() -> None:
    waiting = [_queued(f"w{number}", number) for number in range(MOST_IN_FRONT + 1)]
    takes = {each.deployment_id: 1.0 for each in waiting}
    assert _start(waiting[-2], *waiting[:-2], running={}, takes=takes) == 100 + MOST_IN_FRONT - 1
    assert _start(waiting[-1], *waiting[:-1], running={}, takes=takes) is None
