"""What is to be thought of a container."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.observation import Container, ContainerVerdict, container_of, has_crashed, judged


def container(**state: Any) -> Container:  # noqa: ANN401 - fields of Container
    plain: dict[str, Any] = {
        "container_id": "c",
        "name": "shop-web-1",
        "image": "debian:12",
        "labels": {},
        "status": "running",
        "exit_code": 0,
        "out_of_memory": False,
        "restarts": 0,
        "restart_policy": "no",
        "started_at": "",
        "health": None,
        "health_said": "",
        "addresses": {},
        "ports": (),
        "published": frozenset(),
        "mounts": (),
        "has_terminal": False,
    }
    return Container(**(plain | state))


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ({}, ContainerVerdict.UP),
        ({"health": "starting"}, ContainerVerdict.COMING),
        ({"health": "healthy"}, ContainerVerdict.UP),
        ({"health": "unhealthy"}, ContainerVerdict.FAILED),
        ({"status": "created"}, ContainerVerdict.COMING),
        ({"status": "paused"}, ContainerVerdict.FAILED),
        ({"status": "exited"}, ContainerVerdict.FINISHED),
        ({"status": "exited", "restart_policy": "on-failure"}, ContainerVerdict.FINISHED),
        ({"status": "exited", "restart_policy": "always"}, ContainerVerdict.COMING),
        ({"status": "exited", "exit_code": 3}, ContainerVerdict.FAILED),
        ({"status": "exited", "exit_code": 3, "restart_policy": "always"}, ContainerVerdict.COMING),
        ({"status": "exited", "exit_code": 0, "out_of_memory": True}, ContainerVerdict.FAILED),
        (
            {"status": "exited", "exit_code": 137, "out_of_memory": True, "restart_policy": "always"},
            ContainerVerdict.FAILED,
        ),
        ({"status": "restarting", "restarts": 1, "restart_policy": "always"}, ContainerVerdict.COMING),
        ({"status": "restarting", "restarts": 3, "restart_policy": "always"}, ContainerVerdict.FAILED),
        ({"restarts": 3, "restart_policy": "always"}, ContainerVerdict.FAILED),
        ({"restarts": 2, "restart_policy": "always"}, ContainerVerdict.UP),
    ],
)
def test_a_container_comes_is_up_has_finished_or_fails(state: dict[str, Any], standing: ContainerVerdict) -> None:
    assert judged(container(**state), settled=True).standing is standing


def test_without_a_health_check_it_is_up_once_it_has_settled() -> None:
    assert judged(container(), settled=False).standing is ContainerVerdict.COMING


@pytest.mark.parametrize(
    ("state", "crashed"),
    [
        ({}, False),
        ({"health": "unhealthy"}, True),
        ({"status": "restarting", "exit_code": 137}, True),
        ({"restarts": 1}, True),
        ({"status": "exited", "exit_code": 3}, True),
        ({"status": "exited", "exit_code": 137, "out_of_memory": True}, True),
        ({"status": "exited", "exit_code": 143}, False),
        ({"status": "exited", "exit_code": 137, "health": "unhealthy"}, False),
        ({"status": "exited", "exit_code": 255}, False),
        ({"status": "exited"}, False),
        ({"status": "created"}, False),
    ],
)
def test_what_an_engine_has_ended_has_not_crashed(state: dict[str, Any], crashed: bool) -> None:  # noqa: FBT001 - a table
    assert has_crashed(container(**state)) is crashed


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"status": "exited", "exit_code": 3}, "ended with exit status 3"),
        (
            {"status": "exited", "exit_code": 137, "out_of_memory": True},
            "was ended for using more memory than it may (exit status 137)",
        ),
        (
            {"status": "restarting", "restarts": 4, "exit_code": 1},
            "ends again and again (4 restarts): ended with exit status 1",
        ),
        ({"health": "unhealthy", "health_said": "refused"}, "runs, but its health check fails: refused"),
    ],
)
def test_a_failure_says_how(state: dict[str, Any], why: str) -> None:
    assert judged(container(**state), settled=True).why == why


def test_what_the_engine_says_is_read() -> None:
    found = container_of(
        {
            "Id": "c0ffee",
            "Name": "/shop-web-1",
            "RestartCount": 2,
            "State": {
                "Status": "running",
                "ExitCode": 0,
                "OOMKilled": False,
                "StartedAt": "2026-01-01T00:00:00Z",
                "Health": {"Status": "unhealthy", "Log": [{"Output": "a\n"}, {"Output": " b \n"}]},
            },
            "Config": {"Labels": {"com.docker.compose.service": "web", "headway.image": "debian:12"}, "Tty": True},
            "HostConfig": {"RestartPolicy": {"Name": "always"}},
            "NetworkSettings": {
                "Networks": {"shop_default": {"IPAddress": "10.1.0.2"}, "gone": {"IPAddress": ""}},
                "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "90/tcp": None},
            },
            "Mounts": [{"Type": "volume", "Name": "shop_data"}],
        },
        "Up 3 seconds (unhealthy)",
    )
    assert found.told == "Up 3 seconds (unhealthy)"
    assert (found.service, found.image, found.name) == ("web", "debian:12", "shop-web-1")
    assert (found.health, found.health_said, found.restarts, found.restart_policy) == ("unhealthy", "b", 2, "always")
    assert (found.addresses, found.published) == ({"shop_default": "10.1.0.2"}, frozenset({8080}))
    assert found.ports == ("127.0.0.1:8080->80/tcp", "90/tcp")
