"""What of a service is down: what has ended by itself and runs no more, and nothing that is only starting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.drivers.runtimes.compose.observation import Container, container_of
from headway.drivers.runtimes.compose.stacks import StackService
from headway.drivers.runtimes.container.state import read as read_container
from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.drivers.runtimes.swarm.tasks import read as read_tasks
from headway.features.services.application import downtime as of_processes
from headway.features.services.compose import downtime as of_containers
from headway.features.services.compose.model import Record, ReleasedService
from headway.features.services.downtime import GONE

NOW = datetime(2026, 11, 29, 12, 5, tzinfo=UTC)
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


def container(service: str, status: str, exit_code: int = 0, deployment_id: str = "d1", **more: object) -> Container:
    labels = {"com.docker.compose.service": service, "headway.deployment": deployment_id}
    state = {"Status": status, "ExitCode": exit_code, "FinishedAt": "2026-11-29T12:03:04.5Z", **more}
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
    assert of_processes.downtime_of(processes, NOW) is None


@pytest.mark.parametrize("state", [ProcessState.GIVEN_UP, ProcessState.CRASHED, ProcessState.STARTING])
def test_what_has_ended_and_is_not_up_is_down_also_while_it_is_tried_once_more(state: ProcessState) -> None:
    down = of_processes.downtime_of([process("web", state, 5)], NOW)
    assert down is not None
    assert (down.names, down.is_all, down.exits, down.last_exit) == (("web",), True, 5, "exit status 5")


def test_what_was_stopped_on_its_machine_although_it_is_to_run_is_down() -> None:
    down = of_processes.downtime_of([process("web", ProcessState.STOPPED)], NOW)
    assert down is not None
    assert (down.names, down.is_all, down.exits) == (("web",), True, 0)


def test_a_kind_of_process_is_down_beside_another_that_runs() -> None:
    worker = [process("worker", ProcessState.GIVEN_UP, 2), process("worker.2", ProcessState.GIVEN_UP, 3)]
    down = of_processes.downtime_of([process("web", ProcessState.RUNNING), *worker], NOW)
    assert down is not None
    assert (down.names, down.is_all, down.exits) == (("worker",), False, 5)


def test_a_service_of_a_file_whose_container_has_exited_is_down_since_then() -> None:
    down = of_containers.downtime_of(FILE, [container("web", "exited", 1), container("db", "running", 0, "d0")], NOW)
    assert down is not None
    assert (down.names, down.is_all, down.exits, down.last_exit) == (("web",), False, 5, "exit status 1")
    assert down.since == datetime(2026, 11, 29, 12, 3, 4, 500_000, tzinfo=UTC)
    both = of_containers.downtime_of(FILE, [container("web", "restarting", 1), container("db", "dead", 1, "d0")], NOW)
    assert both is not None
    assert both.is_all


def test_a_service_of_a_file_that_is_not_there_any_more_is_down() -> None:
    gone = of_containers.downtime_of(FILE, [], NOW)
    assert gone is not None
    assert (gone.names, gone.is_all, gone.since, gone.exits, gone.why) == (("web", "db"), True, None, 0, GONE)
    part = of_containers.downtime_of(FILE, [container("db", "running", 0, "d0")], NOW)
    assert part is not None
    assert (part.names, part.is_all, part.why) == (("web",), False, GONE)


def test_a_container_that_was_made_and_never_started_is_down_and_not_gone() -> None:
    down = of_containers.downtime_of(FILE, [container("web", "created"), container("db", "running", 0, "d0")], NOW)
    assert down is not None
    assert (down.names, down.exits, down.why) == (("web",), 0, None)


UNHEALTHY = {"Status": "unhealthy", "Log": [{"Output": "fine"}, {"Output": "connection refused\n"}]}


@pytest.mark.parametrize(
    ("status", "health", "why"),
    [
        ("running", UNHEALTHY, "runs, but its health check fails: connection refused"),
        ("paused", {"Status": "healthy"}, "is paused"),
    ],
)
def test_a_container_that_is_paused_or_fails_its_check_runs_and_does_not_serve(
    status: str, health: dict[str, Any], why: str
) -> None:
    unfit, fine = container("web", status, Health=health), container("db", "running", 0, "d0")
    down = of_containers.downtime_of(FILE, [unfit, fine], NOW)
    assert down is not None
    assert (down.names, down.is_all, down.runs, down.why, down.exits) == (("web",), False, True, why, 0)
    another = replace(container("web", "running"), container_id="another copy")
    assert of_containers.downtime_of(FILE, [unfit, another, fine], NOW) is None
    both = of_containers.downtime_of(FILE, [unfit, container("db", "exited", 1, "d0")], NOW)
    assert both is not None
    assert (both.is_all, both.runs, both.last_exit, both.why) == (True, False, "exit status 1", why)
    inspected = {
        "Id": "c",
        "State": {"Pid": 7, "StartedAt": "2026-11-29T12:00:00Z", "ExitCode": 0, "OOMKilled": False, "Error": ""}
        | {"Status": status, "Health": health},
        "NetworkSettings": {"Networks": None},
        "Config": {"Labels": None, "Tty": False, "Env": None},
        "RestartCount": 4,
    }
    of_release = of_processes.downtime_of([read_container(inspected, "").status()], NOW)
    assert of_release is not None
    assert (of_release.names, of_release.runs, of_release.why, of_release.exits) == (("web",), True, why, 0)


@pytest.mark.parametrize(("began", "down_of"), [("12:04:55", ("web",)), ("12:04:45", None), ("12:06:00", None)])
def test_what_is_started_again_and_again_is_down_until_it_has_stayed_up(
    began: str, down_of: tuple[str, ...] | None
) -> None:
    since = f"2026-11-29T{began}Z"
    there = [container("web", "running", 1, StartedAt=since), container("db", "running", 0, "d0")]
    down = of_containers.downtime_of(FILE, there, NOW)
    assert (down and down.names) == down_of
    tried = replace(process("web", ProcessState.RUNNING, 3), since=datetime.fromisoformat(since))
    of_release = of_processes.downtime_of([tried], NOW)
    assert (of_release and of_release.names) == down_of
    assert of_processes.downtime_of([replace(tried, exits=2)], NOW) is None


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
    assert of_containers.downtime_of(FILE, containers, NOW) is None
