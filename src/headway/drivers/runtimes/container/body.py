"""What an engine is asked for when a release is to run as a container: decided from its description alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from headway.infra.docker import labels
from headway.kernel.artifacts import Container, Mount, MountKind, OwnCheck, ReleaseSpec, Restart
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import checked_id

# Who writes packets itself is asked by nobody where they go.
RAW = "NET_RAW"
LOG_BYTES = "10m"
LOG_FILES = "3"

_VARIABLE = re.compile(r"[^=\0]+")
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_NANO = 1_000_000_000
_PROTOCOLS = frozenset({"tcp", "udp"})
_RESTARTS: Mapping[Restart, str] = {
    Restart.ALWAYS: "unless-stopped",
    Restart.ON_FAILURE: "on-failure",
    Restart.NEVER: "no",
}


def check_spec(spec: ReleaseSpec) -> None:
    """Raises InvalidInput with a sentence when the release cannot be run as it is described."""
    for text in (spec.release_id, spec.application_id, spec.app_name):
        checked_id(text)
    for name, value in spec.env.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value.reveal():
            raise InvalidInput(f"The variable {name!r} cannot be given to a program.")
    for port in spec.container.published:
        if not (0 < port.outer < 65536 and 0 < port.inner < 65536) or port.protocol not in _PROTOCOLS:
            raise InvalidInput(f"The port {port.outer} cannot be led to {port.inner}/{port.protocol} of a container.")
    check_mounts(spec.container.mounts)


def check_mounts(mounts: Sequence[Mount]) -> None:
    """Raises InvalidInput for mounts that no container could have."""
    targets = [mount.target for mount in mounts]
    for mount in mounts:
        _check_mount(mount)
        if targets.count(mount.target) > 1:
            raise InvalidInput(f"Two mounts have the same place in the container: {mount.target}.")


def container_name(spec: ReleaseSpec) -> str:
    """One name for one release, so that it is never made twice."""
    return f"{spec.app_name}-{spec.release_id}"


def network_name(panel_id: str, project_id: str) -> str:
    """The network of a project: what is in it reaches each other, and nothing else does."""
    return f"headway-{panel_id}-{project_id}"


def volume_name(app_name: str, volume: str) -> str:
    """A volume of an application: no other can name it, since no name of one has a dot."""
    return f"{app_name}.{volume}"


def labels_of(spec: ReleaseSpec, panel_id: str) -> dict[str, str]:
    """What tells whose the container is."""
    return {
        labels.PANEL: panel_id,
        labels.PROJECT: spec.project_id,
        labels.APPLICATION: spec.application_id,
        labels.NAME: spec.app_name,
        labels.DEPLOYMENT: spec.deployment_id,
        labels.RELEASE: spec.release_id,
    }


def body(spec: ReleaseSpec, panel_id: str, files: Mapping[str, str], group: str | None = None) -> dict[str, Any]:
    """The request for the container. ``files`` are the places on the host of mounted files, by their targets; ``group``
    is the control group that it begins in, where it is one of ours.
    """
    container = spec.container
    asked: dict[str, Any] = {
        "Image": spec.image.reference,
        "Env": [f"{name}={value}" for name, value in environment(spec).items()],
        "Labels": labels.of_container(labels_of(spec, panel_id)),
        "HostConfig": {**_host(spec, panel_id, files), **({} if group is None else {"CgroupParent": group})},
    }
    bindings = _bindings(spec)
    if bindings:
        asked["ExposedPorts"] = {inner: {} for inner in bindings}
    if container.is_alone:  # of others two run for a moment, and a name would lead to either
        known_as = {network_name(panel_id, spec.project_id): {"Aliases": [spec.app_name]}}
        asked["NetworkingConfig"] = {"EndpointsConfig": known_as}
    if container.entrypoint is not None:
        asked["Entrypoint"] = list(container.entrypoint)
    if container.arguments is not None:
        asked["Cmd"] = list(container.arguments)
    if container.check is not None:
        asked["Healthcheck"] = check_of(container.check)
    return asked


def check_of(check: OwnCheck) -> dict[str, Any]:
    """The container's own check; what is 0 or empty is the image's, or else the engine's."""
    between = check.start_interval_seconds
    return {
        **({} if between is None else {"StartInterval": int(between * _NANO)}),
        "Test": list(check.test),
        "Interval": int((check.interval_seconds or 0) * _NANO),
        "Timeout": int((check.timeout_seconds or 0) * _NANO),
        "StartPeriod": int((check.start_seconds or 0) * _NANO),
        "Retries": check.retries or 0,
    }


def environment(spec: ReleaseSpec) -> dict[str, str]:
    """The variables: the user's own, after those by which it is told its port and its release."""
    port = {} if spec.container.port is None else {"PORT": str(spec.container.port)}
    given = {name: value.reveal() for name, value in spec.env.items()}
    return {**spec.told, **port, "HEADWAY_RELEASE_ID": spec.release_id, **given}


def _host(spec: ReleaseSpec, panel_id: str, files: Mapping[str, str]) -> dict[str, Any]:
    container = spec.container
    host: dict[str, Any] = {
        "NetworkMode": network_name(panel_id, spec.project_id),
        "PortBindings": _bindings(spec),
        "Mounts": [_mount(spec, mount, files) for mount in container.mounts],
        "RestartPolicy": _restart(container),
        "LogConfig": {"Type": "local", "Config": {"max-size": LOG_BYTES, "max-file": LOG_FILES}},
    }
    if spec.memory_bytes is not None:
        host["Memory"] = host["MemorySwap"] = spec.memory_bytes  # and nothing of it on a disk
    if spec.process_limit is not None:
        host["PidsLimit"] = spec.process_limit
    if spec.ruled:
        host["CapDrop"] = [RAW]
    if container.cpus is not None:
        host["NanoCpus"] = int(container.cpus * _NANO)
    return host


def _bindings(spec: ReleaseSpec) -> dict[str, list[dict[str, str]]]:
    """The edge's port on the loopback, and those that are published because somebody asked for it."""
    found: dict[str, list[dict[str, str]]] = {}
    if spec.port is not None and spec.container.port is not None:
        found[f"{spec.container.port}/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": str(spec.port)}]
    for port in spec.container.published:
        binding = {"HostIp": port.address, "HostPort": str(port.outer)}
        found.setdefault(f"{port.inner}/{port.protocol}", []).append(binding)
    return found


def _mount(spec: ReleaseSpec, mount: Mount, files: Mapping[str, str]) -> dict[str, Any]:
    match mount.kind:
        case MountKind.VOLUME:
            source = volume_name(spec.app_name, mount.source)
            return {"Type": "volume", "Source": source, "Target": mount.target, "ReadOnly": mount.read_only}
        case MountKind.BIND:
            return {"Type": "bind", "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
        case MountKind.FILE:
            return {"Type": "bind", "Source": files[mount.target], "Target": mount.target, "ReadOnly": True}


def _restart(container: Container) -> dict[str, Any]:
    policy: dict[str, Any] = {"Name": _RESTARTS[container.restart]}
    if container.restart is Restart.ON_FAILURE and container.restarts is not None:
        policy["MaximumRetryCount"] = container.restarts
    return policy


def _check_mount(mount: Mount) -> None:
    if not mount.target.startswith("/") or posixpath.normpath(mount.target) in {"/", "//"} or "\0" in mount.target:
        raise InvalidInput(f"{mount.target!r} is no place in a container: give an absolute path such as /data.")
    if mount.kind is MountKind.VOLUME and not _VOLUME.fullmatch(mount.source):
        raise InvalidInput(f"A volume cannot be called {mount.source!r}: use letters, digits, '_', '.' and '-'.")
    if mount.kind is MountKind.BIND and (not mount.source.startswith("/") or "\0" in mount.source):
        raise InvalidInput(f"{mount.source!r} is no path of the host: it has to begin with /.")
    if mount.kind is MountKind.FILE and mount.content is None:
        raise InvalidInput(f"The file at {mount.target} has no content.")
