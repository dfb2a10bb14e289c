"""What a swarm tells of tasks, read as copies of a release."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.contract.runtime import ProcessState
from headway.drivers.runtimes.swarm.tasks import by_copy, read, rolled_back, statuses, was_stopped


def told(task_id: str, state: str, *, slot: int = 1, wanted: str = "running", made: int = 1, **more: Any) -> Any:  # noqa: ANN401 - as JSON is
    status = {"Timestamp": f"2026-11-25T15:13:{made:02}.278566846Z", "State": state, **more.pop("status", {})}
    return {
        "ID": task_id,
        "CreatedAt": f"2026-11-25T15:13:{made:02}.1Z",
        "Slot": slot,
        "NodeID": "node-1",
        "Spec": {"ContainerSpec": {"Labels": {"headway.release": "r1"}}},
        "Status": status,
        "DesiredState": wanted,
        "NetworksAttachments": [{"Network": {"ID": "net-1"}, "Addresses": ["10.0.1.24/24"]}],
        **more,
    }


FAILED = {"ContainerStatus": {"ContainerID": "c1", "PID": 0, "ExitCode": 7}, "Err": "task: non-zero exit (7)"}
RUNNING = {"ContainerStatus": {"ContainerID": "c2", "PID": 4711, "ExitCode": 0}}


def test_the_tries_of_each_copy_come_newest_first() -> None:
    tasks = read([told("a", "failed"), told("c", "running", slot=2), told("b", "running", made=2)])
    assert {slot: [task.task_id for task in tries] for slot, tries in by_copy(tasks).items()} == {
        1: ["b", "a"],
        2: ["c"],
    }


def test_a_task_has_its_addresses_in_the_network_that_is_asked_for() -> None:
    task = told("a", "running")
    assert (read([task], "net-1")[0].addresses, read([task], "net-2")[0].addresses) == (["10.0.1.24"], [])


@pytest.mark.parametrize(
    ("state", "wanted", "runs", "ended", "alive"),
    [
        ("running", "running", True, False, True),
        ("starting", "running", False, False, True),
        ("pending", "running", False, False, True),
        ("ready", "ready", False, False, True),
        ("running", "shutdown", False, False, False),
        ("failed", "shutdown", False, True, False),
        ("complete", "shutdown", False, True, False),
        ("rejected", "shutdown", False, True, False),
        ("shutdown", "shutdown", False, False, False),
        ("orphaned", "shutdown", False, False, False),
    ],
)
def test_what_a_task_is(state: str, wanted: str, runs: bool, ended: bool, alive: bool) -> None:  # noqa: FBT001 - a table
    task = read([told("a", state, wanted=wanted)])[0]
    assert (task.runs, task.has_ended, task.is_alive) == (runs, ended, alive)


def test_a_copy_that_crashed_and_runs_again() -> None:
    tasks = read([told("a", "failed", wanted="shutdown", status=FAILED), told("b", "running", made=2, status=RUNNING)])
    (process,) = statuses(tasks, 1)
    assert (process.name, process.state, process.pid, process.exits) == ("web", ProcessState.RUNNING, 4711, 1)
    assert process.last_exit == "exit status 7"
    assert process.up


def test_copies_have_names_and_none_are_there_where_none_is_wanted() -> None:
    tasks = read([told("a", "running", status=RUNNING), told("b", "running", slot=2, status=RUNNING)])
    assert [each.name for each in statuses(tasks, 2)] == ["web", "web.2"]
    assert statuses(tasks, 0) == ()


def test_a_rejected_task_says_why() -> None:
    task = read([told("a", "rejected", status={"Err": "No such image: x"})])[0]
    assert task.how(out_of_memory=False) == "No such image: x"


SOON, LATER = "2026-11-25T15:13:00.9Z", "2026-11-25T15:12:57.1Z"
HERE = {"OOMKilled": False, "FinishedAt": SOON}
BOUND = {"Spec": {"ContainerSpec": {}, "Resources": {"Limits": {"MemoryBytes": 64 << 20}}}}


@pytest.mark.parametrize(
    ("state", "code", "more", "container", "stopped"),
    [
        ("failed", 143, {}, HERE, True),
        ("failed", 137, BOUND, HERE, True),
        ("failed", 255, {}, HERE, True),
        ("failed", 3, {}, HERE, False),
        ("complete", 0, {}, HERE, False),
        ("complete", 0, {}, {**HERE, "FinishedAt": LATER}, True),
        ("failed", 3, {}, {**HERE, "FinishedAt": LATER}, True),
        ("failed", 137, BOUND, {**HERE, "OOMKilled": True}, False),
        ("failed", 143, {}, None, True),
        ("failed", 137, {}, None, True),
        ("failed", 137, BOUND, None, False),
        ("complete", 0, {}, None, False),
        ("rejected", None, {}, None, False),
    ],
)
def test_what_an_engine_has_ended_has_not_ended_by_itself(
    state: str,
    code: int | None,
    more: dict[str, Any],
    container: dict[str, Any] | None,
    stopped: bool,  # noqa: FBT001 - a table
) -> None:
    status = {} if code is None else {"ContainerStatus": {"ContainerID": "c1", "ExitCode": code}}
    (task,) = read([told("a", state, wanted="shutdown", status=status, **more)])
    assert was_stopped(task, None if container is None else {"State": container}) is stopped


def test_what_was_ended_because_its_check_fails_has_ended_by_itself() -> None:
    said = "task: non-zero exit (143): dockerexec: unhealthy container"
    status = {"ContainerStatus": {"ContainerID": "c1", "ExitCode": 143}, "Err": said}
    (task,) = read([told("a", "failed", status=status)])
    assert not was_stopped(task, {"State": HERE})


@pytest.mark.parametrize(
    ("update", "says"),
    [
        (None, None),
        ({"State": "updating"}, None),
        ({"State": "completed", "Message": "done"}, None),
        ({"State": "rollback_completed", "Message": "rollback completed"}, "rollback completed"),
        ({"State": "rollback_started"}, "rollback_started"),
    ],
)
def test_a_swarm_that_goes_back_says_so(update: dict[str, str] | None, says: str | None) -> None:
    assert rolled_back({"UpdateStatus": update}) == says


def test_what_has_no_container_any_more_has_not_ended_by_itself() -> None:
    status = {"ContainerStatus": {"ContainerID": "c1", "ExitCode": 0}, "Err": "No such container: shop-1.1.x"}
    (task,) = read([told("a", "failed", wanted="shutdown", status=status)])
    assert was_stopped(task, None)


@pytest.mark.parametrize(
    ("said", "stopped"),
    [("cannot create a swarm scoped network when swarm is not active", True), ("No such image: x", False)],
)
def test_what_an_engine_refuses_that_is_not_back_yet_has_not_ended_by_itself(said: str, stopped: bool) -> None:  # noqa: FBT001
    (task,) = read([told("a", "rejected", wanted="shutdown", status={"Err": said})])
    assert was_stopped(task, None) is stopped
