"""What waiting deployments are said to wait for."""

from __future__ import annotations

from datetime import UTC, datetime

from headway.core.deployments.model import Lane
from headway.core.deployments.queue_position import Away, Hindrance, QueueEntry, explained


def queued(seq: int, *, key: str | None = None, lane: Lane = Lane.DEPLOY, host: str = "here") -> QueueEntry:
    """One in the queue, called by its number."""
    return QueueEntry(host_id=host, lane=lane, seq=seq, deployment_id=str(seq), exclusive_key=key)


def test_one_waits_for_the_one_of_its_service_that_runs() -> None:
    found = explained({"2"}, [queued(2, key="a")], [queued(1, key="a")], {"here": 5})
    assert (found["2"].hindrance, found["2"].deployment_id) == (Hindrance.DEPLOYMENT, "1")
    assert found["2"].sentence == "Deployment 1 of the same service runs."


def test_one_waits_for_the_one_of_its_service_that_goes_first() -> None:
    waiting = [queued(3, key="a", lane=Lane.ROLLBACK), queued(2, key="a")]
    found = explained({"2", "3"}, waiting, [], {"here": 5})
    assert (found["2"].hindrance, found["2"].deployment_id) == (Hindrance.DEPLOYMENT, "3")
    assert found["2"].sentence == "Deployment 3 of the same service goes first."
    assert found["3"].hindrance is Hindrance.TURN


def test_one_waits_for_a_slot_of_its_host_and_of_no_other() -> None:
    waiting = [queued(3, key="b"), queued(4, key="c", host="there")]
    found = explained({"3", "4"}, waiting, [queued(1, key="a"), queued(2, key="d")], {"here": 2, "there": 1})
    assert (found["3"].hindrance, found["3"].deployment_id) == (Hindrance.SLOT, None)
    assert found["3"].sentence == "Its host runs as many as it may at a time: 2 deployments."
    assert found["4"].hindrance is Hindrance.TURN


def test_a_rollback_has_a_slot_of_its_own() -> None:
    rollback = queued(3, key="b", lane=Lane.ROLLBACK)
    assert explained({"3"}, [rollback], [queued(1, key="a")], {"here": 1})["3"].hindrance is Hindrance.TURN
    running = [queued(1, key="a", lane=Lane.ROLLBACK)]
    assert explained({"3"}, [rollback], running, {"here": 1})["3"].hindrance is Hindrance.SLOT


def test_positions_count_for_each_host_in_the_order_of_the_queue() -> None:
    waiting = [queued(5, lane=Lane.ROLLBACK), queued(2), queued(4), queued(3, host="there")]
    found = explained({"2", "3", "4", "5"}, waiting, [], {})
    assert {name: wait.position for name, wait in found.items()} == {"5": 1, "2": 2, "4": 3, "3": 1}


def test_only_those_that_are_asked_about_are_told() -> None:
    assert explained(set(), [queued(1)], [], {"here": 1}) == {}


def test_a_server_that_is_away_is_what_is_waited_for() -> None:
    away = {"there": Away("eu-1", datetime(2026, 11, 26, 10, 44, 23, tzinfo=UTC))}
    waiting = [queued(1, key="a"), queued(2, key="b", host="there")]
    found = explained({"1", "2"}, waiting, [], {"here": 1, "there": 1}, away)
    assert (found["1"].hindrance, found["2"].hindrance) == (Hindrance.TURN, Hindrance.SERVER)
    assert "Its server eu-1 has been out of reach since 2026-11-26T10:44:23Z" in found["2"].sentence
