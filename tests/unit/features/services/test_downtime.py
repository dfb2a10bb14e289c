"""What of a service is down: what has ended by itself and runs no more, and nothing that is only starting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.drivers.runtimes.compose.observation import Container, container_of
from headway.drivers.runtimes.compose.stacks import StackService
from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.drivers.runtimes.swarm.tasks import read as read_tasks
from headway.features.services.application import downtime as of_processes
from headway.features.services.compose import downtime as of_containers
from headway.features.services.compose.model import Record, ReleasedService
from headway.features.services.downtime import GONE

FILE = Record(
    file={},
    services={
        "web": ReleasedService(fingerprint="f", deployment_id="d1", replicas=1),
        "db": ReleasedService(fingerprint="f", deployment_id="d0", replicas=1),
        "migrate": ReleasedService(fingerprint="f", deployment_id="d1", replicas=1, stays=False),
    },
)


def process(name: str, state: ProcessState, exits: int = 0) -> ProcessStatus:
    last = f"exit status {exits}" if exits else None
    return ProcessStatus(name=name, state=state, pid=None, since=None, exits=exits, last_exit=last)


def container(service: str, status: str, exit_code: int = 0, deployment_id: str = "d1") -> Container:
    labels = {"com.docker.compose.service": service, "headway.deployment": deployment_id}
    state = {"Status": status, "ExitCode": exit_code, "FinishedAt": "2026-11-29T12:03:04.5Z"}
    found = {"Id": service, "Name": service, "State": state, "Config": {"Labels": labels}, "HostConfig": {}}
    return container_of({**found, "RestartCount": 4})


@pytest.mark.parametrize(
    "processes",
    [
        [process("web", ProcessState.RUNNING, 3)],
        [process("web", ProcessState.STARTING), process("worker", ProcessState.RUNNING)],
        [process("web", ProcessState.STOPPING)],
        [process("web", ProcessState.GIVEN_UP, 5), process("web.2", ProcessState.RUNNING)],
    ],
)
def test_what_runs_or_only_starts_is_not_down(processes: list[ProcessStatus]) -> None:
    assert of_processes.downtime_of(processes) is None


@pytest.mark.parametrize("state", [ProcessState.GIVEN_UP, ProcessState.CRASHED, ProcessState.STARTING])
def test_what_has_ended_and_is_not_up_is_down_also_while_it_is_tried_once_more(state: ProcessState) -> None:
    down = of_processes.downtime_of([process("web", state, 5)])
    assert down is not None
    assert (down.names, down.is_all, down.exits, down.last_exit) == (("web",), True, 5, "exit status 5")


def test_what_was_stopped_on_its_machine_although_it_is_to_run_is_down() -> None:
    down = of_processes.downtime_of([process("web", ProcessState.STOPPED)])
    assert down is not None
    assert (down.names, down.is_all, down.exits) == (("web",), True, 0)


def test_a_kind_of_process_is_down_beside_another_that_runs() -> None:
    worker = [process("worker", ProcessState.GIVEN_UP, 2), process("worker.2", ProcessState.GIVEN_UP, 3)]
    down = of_processes.downtime_of([process("web", ProcessState.RUNNING), *worker])
    assert down is not None
    assert (down.names, down.is_all, down.exits) == (("worker",), False, 5)


def test_a_service_of_a_file_whose_container_has_exited_is_down_since_then() -> None:
    down = of_containers.downtime_of(FILE, [container("web", "exited", 1), container("db", "running", 0, "d0")])
    assert down is not None
    assert (down.names, down.is_all, down.exits, down.last_exit) == (("web",), False, 5, "exit status 1")
    assert down.since == datetime(2026, 11, 29, 12, 3, 4, 500_000, tzinfo=UTC)
    both = of_containers.downtime_of(FILE, [container("web", "restarting", 1), container("db", "dead", 1, "d0")])
    assert both is not None
    assert both.is_all


def test_a_service_of_a_file_that_is_not_there_any_more_is_down() -> None:
    gone = of_containers.downtime_of(FILE, [])
    assert gone is not None
    assert (gone.names, gone.is_all, gone.since, gone.exits, gone.why) == (("web", "db"), True, None, 0, GONE)
    part = of_containers.downtime_of(FILE, [container("db", "running", 0, "d0")])
    assert part is not None
    assert (part.names, part.is_all, part.why) == (("web",), False, GONE)


def test_a_container_that_was_made_and_never_started_is_down_and_not_gone() -> None:
    down = of_containers.downtime_of(FILE, [container("web", "created"), container("db", "running", 0, "d0")])
    assert down is not None
    assert (down.names, down.exits, down.why) == (("web",), 0, None)


def stacked(name: str, *states: str) -> StackService:
    tasks: list[dict[str, Any]] = [
        {
            "ID": str(number),
            "Status": {"State": state, "Timestamp": "2026-11-29T12:00:00Z", "Err": "no such image"},
            "DesiredState": "running" if state == "running" else "shutdown",
            "Spec": {"ContainerSpec": {}},
            "CreatedAt": f"2026-11-29T12:0{number}:00Z",
        }
        for number, state in enumerate(states)
    ]
    return StackService(
        name=name, deployment_id="d1", replicas=1, tasks=read_tasks(tasks), rolled_back=None, is_changing=False
    )


def test_a_service_of_a_stack_is_down_that_the_swarm_lost_or_of_which_no_copy_runs() -> None:
    runs = {name: stacked(name, "failed", "running") for name in ("web", "db")}
    assert of_containers.downtime_of_stack(FILE, runs) is None
    lost = of_containers.downtime_of_stack(FILE, {"web": runs["web"]})
    assert lost is not None
    assert (lost.names, lost.is_all, lost.why) == (("db",), False, GONE)
    dead = of_containers.downtime_of_stack(FILE, {**runs, "web": stacked("web", "rejected", "rejected")})
    assert dead is not None
    assert (dead.names, dead.exits, dead.last_exit) == (("web",), 2, "no such image")


@pytest.mark.parametrize(
    "containers",
    [
        [container("web", "running"), container("db", "running", 0, "d0")],
        [container("web", "running"), container("db", "running", 0, "d0"), container("migrate", "exited", 1)],
        [
            *(container("web", "running"), container("web", "exited", 1, "of an older release")),
            container("db", "running", 0, "d0"),
        ],
        [
            *(container("web", "running"), replace(container("web", "exited", 1), container_id="another copy")),
            container("db", "running", 0, "d0"),
        ],
    ],
)
def test_what_did_its_work_was_replaced_or_has_another_copy_is_not_down(containers: list[Container]) -> None:
    assert of_containers.downtime_of(FILE, containers) is None
