"""What an engine is asked for: whole requests, and what is refused before it is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.drivers.runtimes.container.body import body, check_spec, container_name
from headway.infra.docker.labels import of_container
from headway.kernel.artifacts import (
    Container,
    HealthCheck,
    Image,
    Mount,
    MountKind,
    OwnCheck,
    PublishedPort,
    ReleaseSpec,
    Restart,
)
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

SPEC = ReleaseSpec(
    release_id="r1",
    deployment_id="d1",
    application_id="a1",
    project_id="p1",
    app_name="shop",
    artifact=Image(reference="sha256:abc", name="shop"),
    uid=None,
    gid=None,
    port=20001,
    env={"TOKEN": Secret("s3cret")},
    health=HealthCheck(),
    container=Container(port=3000),
)
PLAIN: dict[str, Any] = {
    "Image": "sha256:abc",
    "Env": ["PORT=3000", "HEADWAY_RELEASE_ID=r1", "TOKEN=s3cret"],
    "Labels": of_container(
        {
            "headway.panel": "panel",
            "headway.project": "p1",
            "headway.application": "a1",
            "headway.name": "shop",
            "headway.deployment": "d1",
            "headway.release": "r1",
        }
    ),
    "ExposedPorts": {"3000/tcp": {}},
    "HostConfig": {
        "NetworkMode": "headway-panel-p1",
        "PortBindings": {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]},
        "Mounts": [],
        "RestartPolicy": {"Name": "unless-stopped"},
        "LogConfig": {"Type": "local", "Config": {"max-size": "10m", "max-file": "3"}},
    },
}

# By its own name the others of the project reach what is there once; of others two are there for a moment.
KNOWN_AS = {"NetworkingConfig": {"EndpointsConfig": {"headway-panel-p1": {"Aliases": ["shop"]}}}}

CHECK = OwnCheck(test=("CMD", "probe", "-q"), interval_seconds=1.5, timeout_seconds=2, start_seconds=0.5, retries=3)
CHECK_BODY = {
    "Test": ["CMD", "probe", "-q"],
    "Interval": 1_500_000_000,
    "Timeout": 2_000_000_000,
    "StartPeriod": 500_000_000,
    "Retries": 3,
}


def test_a_check_of_its_own() -> None:
    checked = replace(SPEC, container=replace(SPEC.container, check=CHECK))
    assert asked(checked) == {**PLAIN, "Healthcheck": CHECK_BODY}
    eager = replace(CHECK, start_interval_seconds=1)
    assert asked(contained(check=eager)) == {**PLAIN, "Healthcheck": {**CHECK_BODY, "StartInterval": 1_000_000_000}}
    of_image = replace(SPEC, container=replace(SPEC.container, check=OwnCheck(retries=1)))
    nothing = {"Test": [], "Interval": 0, "Timeout": 0, "StartPeriod": 0}
    assert asked(of_image)["Healthcheck"] == {**nothing, "Retries": 1}


def asked(spec: ReleaseSpec, files: dict[str, str] | None = None) -> dict[str, Any]:
    check_spec(spec)
    return body(spec, "panel", files or {})


def with_host(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of a request
    return {**PLAIN, "HostConfig": {**PLAIN["HostConfig"], **changes}}


def contained(**changes: Any) -> ReleaseSpec:  # noqa: ANN401 - fields of the container
    return replace(SPEC, container=replace(SPEC.container, **changes))


def test_a_plain_release_is_published_to_the_loopback_only() -> None:
    assert asked(SPEC) == PLAIN
    assert container_name(SPEC) == "shop-r1"


def test_without_a_port_nothing_is_published() -> None:
    spec = replace(SPEC, port=None, container=Container())
    bare = {**with_host(PortBindings={}), "Env": ["HEADWAY_RELEASE_ID=r1", "TOKEN=s3cret"]}
    del bare["ExposedPorts"]
    assert asked(spec) == bare


def test_bounds() -> None:
    spec = replace(contained(cpus=0.5), memory_bytes=1 << 30, process_limit=64)
    bounds = {"Memory": 1 << 30, "MemorySwap": 1 << 30, "PidsLimit": 64, "NanoCpus": 500_000_000}
    assert asked(spec) == with_host(**bounds)


@pytest.mark.parametrize(
    ("restart", "restarts", "policy"),
    [
        (Restart.NEVER, None, {"Name": "no"}),
        (Restart.ON_FAILURE, None, {"Name": "on-failure"}),
        (Restart.ON_FAILURE, 3, {"Name": "on-failure", "MaximumRetryCount": 3}),
    ],
)
def test_a_policy_of_restarts(restart: Restart, restarts: int | None, policy: dict[str, Any]) -> None:
    assert asked(contained(restart=restart, restarts=restarts)) == with_host(RestartPolicy=policy)


def test_a_command_takes_the_place_of_the_images_own() -> None:
    spec = contained(entrypoint=("/bin/sh", "-c", "run; $(id)"), arguments=("--help",))
    assert asked(spec) == {**PLAIN, "Entrypoint": ["/bin/sh", "-c", "run; $(id)"], "Cmd": ["--help"]}


def test_a_volume_is_the_applications_own() -> None:
    spec = contained(mounts=(Mount(kind=MountKind.VOLUME, target="/data", source="files"),))
    mount = {"Type": "volume", "Source": "shop.files", "Target": "/data", "ReadOnly": False}
    assert asked(spec) == {**with_host(Mounts=[mount]), **KNOWN_AS}
    assert spec.container.is_alone


def test_a_place_of_the_host_and_a_file() -> None:
    bind = Mount(kind=MountKind.BIND, target="/srv", source="/srv/shop", read_only=True)
    file = Mount(kind=MountKind.FILE, target="/etc/app.conf", content=Secret("x"))
    spec = contained(mounts=(bind, file))
    mounts = [
        {"Type": "bind", "Source": "/srv/shop", "Target": "/srv", "ReadOnly": True},
        {"Type": "bind", "Source": "/files/1", "Target": "/etc/app.conf", "ReadOnly": True},
    ]
    assert asked(spec, {"/etc/app.conf": "/files/1"}) == with_host(Mounts=mounts)
    assert not spec.container.is_alone


def test_a_port_of_the_world_stands_beside_the_one_of_the_edge() -> None:
    spec = contained(
        published=(PublishedPort(outer=5000, inner=3000), PublishedPort(outer=53, inner=53, protocol="udp"))
    )
    bindings = {
        "3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}, {"HostIp": "", "HostPort": "5000"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
    }
    expected = with_host(PortBindings=bindings)
    assert asked(spec) == {**expected, **KNOWN_AS, "ExposedPorts": {"3000/tcp": {}, "53/udp": {}}}
    assert spec.container.is_alone


def test_a_port_is_published_at_one_address_where_that_is_asked_for() -> None:
    spec = contained(published=(PublishedPort(outer=5432, inner=5432, address="127.0.0.1"),))
    assert asked(spec)["HostConfig"]["PortBindings"]["5432/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "5432"}]


@pytest.mark.parametrize(
    ("mount", "told"),
    [
        (Mount(kind=MountKind.VOLUME, target="data", source="a"), "absolute path"),
        (Mount(kind=MountKind.VOLUME, target="/", source="a"), "absolute path"),
        (Mount(kind=MountKind.VOLUME, target="/data", source="../a"), "cannot be called"),
        (Mount(kind=MountKind.VOLUME, target="/data", source="a:ro"), "cannot be called"),
        (Mount(kind=MountKind.BIND, target="/data", source="relative"), "no path of the host"),
        (Mount(kind=MountKind.FILE, target="/data"), "has no content"),
    ],
)
def test_a_mount_that_cannot_be_is_refused(mount: Mount, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        check_spec(contained(mounts=(mount,)))


def test_two_mounts_at_one_place_are_refused() -> None:
    mounts = tuple(Mount(kind=MountKind.VOLUME, target="/data", source=name) for name in ("a", "b"))
    with pytest.raises(InvalidInput, match="same place"):
        check_spec(contained(mounts=mounts))


def test_files_and_images_are_not_mistaken_for_each_other() -> None:
    with pytest.raises(InvalidInput, match="needs a container engine"):
        _ = SPEC.bundle


def test_what_is_ruled_begins_in_its_group_and_writes_no_packets_itself() -> None:
    host = body(replace(SPEC, ruled=True), "panel", {}, "/headway/panel/containers/ruled")["HostConfig"]
    assert (host["CgroupParent"], host["CapDrop"]) == ("/headway/panel/containers/ruled", ["NET_RAW"])
    assert "CapDrop" not in body(SPEC, "panel", {}, "/headway/panel/containers/open")["HostConfig"]
