"""A compose file in the words of a swarm, and the command that takes it there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headway.drivers.runtimes.compose import stack_file, stacks
from headway.drivers.runtimes.compose.commands import Docker
from headway.drivers.runtimes.compose.conversion import Identity
from headway.infra.docker.labels import of_container
from headway.infra.hosts.command import Command, Stage
from headway.kernel.errors import InvalidInput

IDENTITY = Identity(panel_id="panel", compose_id="compose", project="shop")
IMAGE = "registry.example.org/team/shop@sha256:" + "a" * 64
MARKS = {
    "headway.panel": "panel",
    "headway.compose": "compose",
    "headway.swarm": "",
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
}
ROLLOUT = {"order": "start-first", "failure_action": "rollback", "monitor": "10s"}


def made(kept: dict[tuple[str, str], str] | None = None, top: dict[str, Any] | None = None, **web: Any) -> Any:  # noqa: ANN401 - as JSON is
    model = {"services": {"web": {"image": IMAGE, **web}}, **(top or {})}
    return stack_file.stack_file(model, IDENTITY, kept or {}, "node-1")


def service(**web: Any) -> Any:  # noqa: ANN401 - as JSON is
    return made(**web)["services"]["web"]


def test_a_plain_service() -> None:
    networks = {"default": {"name": "shop_default", "ipam": {}, "labels": {"headway.panel": "panel"}}}
    assert made(top={"networks": networks, "volumes": {}}, networks={"default": None}) == {
        "version": "3.9",
        "services": {
            "web": {
                "image": IMAGE,
                "labels": of_container(MARKS),
                "environment": {},
                "networks": {"default": {}},
                "deploy": {
                    "labels": MARKS,
                    "endpoint_mode": "dnsrr",
                    "update_config": ROLLOUT,
                    "restart_policy": {"condition": "any", "delay": "2s"},
                    "resources": {},
                },
            }
        },
        "networks": {
            "default": {
                "name": "shop_default",
                "labels": {"headway.panel": "panel"},
                "driver": "overlay",
                "attachable": True,
            }
        },
        "volumes": {},
    }


def test_bounds_of_either_form_are_those_of_the_swarm() -> None:
    limits = service(cpus=0.5, mem_limit="67108864", pids_limit=100, mem_reservation="1048576")["deploy"]["resources"]
    assert limits == {
        "limits": {"cpus": "0.5", "memory": "67108864", "pids": 100},
        "reservations": {"memory": "1048576"},
    }
    own = {"resources": {"limits": {"memory": "1"}}}
    assert service(mem_limit="2", deploy=own)["deploy"]["resources"] == {"limits": {"memory": "1"}}


@pytest.mark.parametrize(
    ("restart", "policy"),
    [
        ("no", {"condition": "none", "delay": "2s"}),
        ("unless-stopped", {"condition": "any", "delay": "2s"}),
        ("on-failure:3", {"condition": "on-failure", "delay": "2s", "max_attempts": 3}),
    ],
)
def test_restarts(restart: str, policy: dict[str, Any]) -> None:
    assert service(restart=restart)["deploy"]["restart_policy"] == policy


def test_what_the_file_says_of_its_rollout_counts() -> None:
    deploy = {"replicas": 3, "update_config": {"parallelism": 2, "failure_action": "pause"}, "mode": "replicated"}
    found = service(deploy=deploy)
    assert found["deploy"]["update_config"] == {**ROLLOUT, "parallelism": 2, "failure_action": "pause"}
    assert stack_file.replicas(found) == 3
    assert stack_file.replicas(service(scale=2)) == 2
    assert stack_file.replicas(service(deploy={"mode": "global"})) is None


def test_published_ports_are_those_of_the_machine_and_one_release_at_a_time_has_them() -> None:
    found = service(ports=[{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}, {"target": 9}])
    assert found["ports"] == [{"target": 80, "published": 8080, "protocol": "tcp", "mode": "host"}]
    assert found["deploy"]["update_config"]["order"] == "stop-first"
    with pytest.raises(InvalidInput, match="publishes the ports 80-90"):
        service(ports=[{"target": 80, "published": "80-90"}])


def test_what_writes_to_a_volume_stays_where_that_is() -> None:
    found = service(volumes=[{"type": "volume", "source": "data", "target": "/data", "volume": {}}])
    assert found["volumes"] == [{"type": "volume", "source": "data", "target": "/data"}]
    assert found["deploy"]["placement"] == {"constraints": ["node.id==node-1"]}
    assert found["deploy"]["update_config"]["order"] == "stop-first"
    only_here = made(image="sha256:" + "b" * 64)["services"]["web"]
    assert only_here["deploy"]["placement"] == {"constraints": ["node.id==node-1"]}


def test_configs_and_secrets_are_those_that_the_swarm_keeps() -> None:
    held = stack_file.held(IDENTITY, "secrets", "token", b"x")
    assert (held.name, held.name == stack_file.held(IDENTITY, "secrets", "token", b"y").name) == (
        "shop_token_2d711642b726",
        False,
    )
    found = made({("secrets", "token"): held.name}, secrets=[{"source": "token", "target": "t", "mode": "0440"}])
    assert found["secrets"] == {"token": {"external": True, "name": held.name}}
    assert found["services"]["web"]["secrets"] == [{"source": "token", "target": "t", "mode": 0o440}]


def test_what_a_swarm_has_no_word_for_is_named() -> None:
    model = {"services": {"web": {"image": IMAGE, "container_name": "x", "network_mode": "none", "privileged": False}}}
    assert stack_file.without_effect(model) == {"web": ["container_name", "network_mode"]}
    assert service(network_mode="none", environment={"A": "1", "B": None})["environment"] == {"A": "1"}


def test_a_fingerprint_follows_the_definition_and_not_the_deployment() -> None:
    one, two, other = made(), made(), made(environment={"A": "1"})
    first = stack_file.labelled(one, {"web": "d1"})
    second = stack_file.labelled(two, {"web": "d2"})
    assert first["services"]["web"]["deploy"]["labels"]["headway.deployment"] == "d1"
    assert first["services"]["web"]["labels"]["headway.deployment"] == "d1"
    assert stack_file.fingerprint(first, "web") == stack_file.fingerprint(second, "web")
    assert stack_file.fingerprint(first, "web") != stack_file.fingerprint(other, "web")


def test_what_does_its_work_once() -> None:
    assert [stack_file.runs_once(service(restart=each)) for each in ("no", "on-failure", "always")] == [
        True,
        True,
        False,
    ]


def test_the_command_takes_the_file_on_its_standard_input() -> None:
    docker = Docker(address="unix:///run/docker.sock", config_folder="/c")
    file = made(environment={"TOKEN": "s3cret"})
    options = ("--compose-file=-", "--detach=true", "--prune", "--resolve-image=never", "--with-registry-auth")
    assert stacks.deploy(docker, "shop", file) == Command(
        stages=(Stage(argv=("docker", "stack", "deploy", *options, "--", "shop")),),
        env=docker.env,
        stdin=json.dumps(file).encode(),
    )
