"""Whole requests for services of a swarm: what a description becomes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from headway.drivers.runtimes.swarm import service_body as bodies
from headway.infra.docker.labels import of_container
from headway.kernel.artifacts import (
    Container,
    HealthCheck,
    Image,
    Mount,
    MountKind,
    OwnCheck,
    Placement,
    PublishedPort,
    ReleaseSpec,
    Restart,
)
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

PULLABLE = "registry.example.org/team/shop@sha256:" + "a" * 64
IMAGE = Image(reference="sha256:" + "b" * 64, name="shop", pullable=PULLABLE)
MARKS = {
    "headway.panel": "p1",
    "headway.project": "project-1",
    "headway.application": "app-1",
    "headway.name": "shop",
    "headway.deployment": "r_1",
    "headway.release": "r_1",
    "headway.swarm": "shop-7c77127f7fae",
}
ROLLING = {"Parallelism": 1, "FailureAction": "rollback", "Monitor": 10_000_000_000, "Order": "start-first"}


def spec(image: Image = IMAGE, *, memory_bytes: int | None = None, env: str = "", **container: Any) -> ReleaseSpec:  # noqa: ANN401 - fields of the container
    return ReleaseSpec(
        release_id="r_1",
        deployment_id="r_1",
        application_id="app-1",
        app_name="shop",
        artifact=image,
        uid=None,
        gid=None,
        port=20_001,
        env={"GREETING": Secret(env)} if env else {},
        health=HealthCheck(),
        memory_bytes=memory_bytes,
        process_limit=100,
        project_id="project-1",
        container=Container(**{"port": 3000, **container}),
    )


def body(wanted: ReleaseSpec, **kept: str) -> dict[str, Any]:
    given: dict[str, Any] = {"node_id": "node-1", "network_id": "net-1", "kept": kept, "grace_seconds": 10.0}
    return bodies.body(wanted, "p1", settings={"net.tag": "1"}, **given)


def test_a_release_without_wishes_is_a_service_of_no_copies_yet_anywhere() -> None:
    assert body(spec()) == {
        "Name": MARKS["headway.swarm"],
        "Labels": MARKS,
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": PULLABLE,
                "Sysctls": {"net.tag": "1"},
                "Env": ["PORT=3000", "HEADWAY_RELEASE_ID=r_1"],
                "Labels": of_container(MARKS),
                "Mounts": [],
                "Secrets": [],
                "Configs": [],
                "StopGracePeriod": 10_000_000_000,
            },
            "Resources": {"Limits": {"Pids": 100}, "Reservations": {}},
            "RestartPolicy": {"Condition": "any", "Delay": 2_000_000_000},
            "Placement": {"Constraints": [], "Preferences": []},
            "Networks": [{"Target": "net-1"}],
            "LogDriver": {"Name": "local", "Options": {"max-size": "10m", "max-file": "3"}},
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        "UpdateConfig": ROLLING,
        "RollbackConfig": {**ROLLING, "FailureAction": "pause"},
        "EndpointSpec": {"Mode": "dnsrr", "Ports": []},
    }


def test_bounds_and_what_is_reserved() -> None:
    wanted = spec(memory_bytes=64 << 20, cpus=0.5, reserved_cpus=0.25, reserved_memory_bytes=32 << 20)
    assert body(wanted)["TaskTemplate"]["Resources"] == {
        "Limits": {"MemoryBytes": 64 << 20, "Pids": 100, "NanoCPUs": 500_000_000},
        "Reservations": {"MemoryBytes": 32 << 20, "NanoCPUs": 250_000_000},
    }


def test_a_check_of_its_own() -> None:
    asked = body(spec(check=OwnCheck(test=("NONE",))))["TaskTemplate"]["ContainerSpec"]
    assert asked["HealthCheck"] == {"Test": ["NONE"], "Interval": 0, "Timeout": 0, "StartPeriod": 0, "Retries": 0}


def test_placement() -> None:
    placement = Placement(constraints=("node.role==worker",), spread=("node.labels.zone",), most_per_node=2)
    assert body(spec(placement=placement))["TaskTemplate"]["Placement"] == {
        "Constraints": ["node.role==worker"],
        "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
        "MaxReplicas": 2,
    }


@pytest.mark.parametrize(
    ("restart", "restarts", "policy"),
    [
        (Restart.ON_FAILURE, 4, {"Condition": "on-failure", "Delay": 2_000_000_000, "MaxAttempts": 4}),
        (Restart.ON_FAILURE, None, {"Condition": "on-failure", "Delay": 2_000_000_000}),
        (Restart.NEVER, None, {"Condition": "none", "Delay": 2_000_000_000}),
    ],
)
def test_restarts(restart: Restart, restarts: int | None, policy: dict[str, Any]) -> None:
    assert body(spec(restart=restart, restarts=restarts))["TaskTemplate"]["RestartPolicy"] == policy


def test_an_image_of_no_registry_runs_by_its_id_and_here_only() -> None:
    template = body(spec(Image(reference=IMAGE.reference, name="shop")))["TaskTemplate"]
    assert template["ContainerSpec"]["Image"] == IMAGE.reference
    assert template["Placement"]["Constraints"] == ["node.id==node-1"]


def test_a_command_and_its_arguments() -> None:
    container = body(spec(entrypoint=("/bin/sh", "-c", "run $X"), arguments=("a b",)))["TaskTemplate"]["ContainerSpec"]
    assert (container["Command"], container["Args"]) == (["/bin/sh", "-c", "run $X"], ["a b"])


def test_published_ports_are_those_of_the_machines_that_run_a_copy() -> None:
    asked = body(spec(published=(PublishedPort(outer=5353, inner=53, protocol="udp"),)))
    assert asked["EndpointSpec"]["Ports"] == [
        {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 5353, "PublishMode": "host"}
    ]
    assert asked["UpdateConfig"]["Order"] == "stop-first"


def test_volumes_and_places_of_the_host_keep_it_on_this_machine() -> None:
    mounts = (
        Mount(kind=MountKind.VOLUME, target="/data", source="files"),
        Mount(kind=MountKind.BIND, target="/etc/shop", source="/srv/shop", read_only=True),
    )
    template = body(spec(mounts=mounts))["TaskTemplate"]
    assert template["ContainerSpec"]["Mounts"] == [
        {"Type": "volume", "Source": "shop.files", "Target": "/data", "ReadOnly": False},
        {"Type": "bind", "Source": "/srv/shop", "Target": "/etc/shop", "ReadOnly": True},
    ]
    assert template["Placement"]["Constraints"] == ["node.id==node-1"]


def test_files_are_secrets_and_those_too_large_for_one_are_configs() -> None:
    mounts = (
        Mount(kind=MountKind.FILE, target="/etc/key", content=Secret("k")),
        Mount(kind=MountKind.FILE, target="/etc/large", content=Secret("x" * 500_001)),
    )
    wanted = spec(mounts=mounts)
    small, large = bodies.kept_files(wanted)
    name = MARKS["headway.swarm"]
    assert small.kind == "secrets"
    assert small.body(wanted, "p1") == {
        "Name": f"{name}-0",
        "Labels": MARKS,
        "Data": base64.b64encode(b"k").decode(),
    }
    assert (large.kind, large.name) == ("configs", f"{name}-1")
    container = body(wanted, **{"/etc/key": "id-0", "/etc/large": "id-1"})["TaskTemplate"]["ContainerSpec"]
    file = {"UID": "0", "GID": "0", "Mode": 0o444}
    assert container["Secrets"] == [
        {"SecretID": "id-0", "SecretName": f"{name}-0", "File": {"Name": "/etc/key", **file}}
    ]
    assert container["Configs"] == [
        {"ConfigID": "id-1", "ConfigName": f"{name}-1", "File": {"Name": "/etc/large", **file}}
    ]
    assert bodies.stays_here(wanted) is False


def test_a_variable_is_no_template() -> None:
    container = body(spec(env="{{.Node.ID}} {{{ }}"))["TaskTemplate"]["ContainerSpec"]
    assert container["Env"][-1] == 'GREETING={{"{{"}}.Node.ID}} {{"{{"}}{ }}'
    assert bodies.unescaped(container["Env"][-1]) == "GREETING={{.Node.ID}} {{{ }}"


@pytest.mark.parametrize(
    ("container", "sentence"),
    [
        ({"replicas": 0}, "runs 1 to 1000 times, not 0 times"),
        (
            {"replicas": 2, "mounts": (Mount(kind=MountKind.VOLUME, target="/data", source="files"),)},
            "2 copies would write to one volume",
        ),
        (
            {"mounts": (Mount(kind=MountKind.FILE, target="/etc/x", content=Secret("x" * 1_000_001)),)},
            "1000001 bytes, and a swarm carries no more than",
        ),
        ({"published": (PublishedPort(outer=0, inner=1),)}, "The port 0 cannot be led"),
    ],
)
def test_what_cannot_be_is_refused(container: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        bodies.check_spec(spec(**container))


def test_a_name_is_one_that_name_servers_know() -> None:
    long = ReleaseSpec(**{**{name: getattr(spec(), name) for name in ReleaseSpec.__slots__}, "app_name": "a" * 63})
    assert len(bodies.service_name(long)) == 53
