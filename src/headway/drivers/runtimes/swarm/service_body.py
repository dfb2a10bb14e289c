"""What a swarm is asked for when a release is to run as a service: decided from its description alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from headway.drivers.runtimes.container import body as bodies
from headway.infra.docker import labels
from headway.kernel.artifacts import Container, Mount, MountKind, ReleaseSpec, Restart
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

RESTART_SECONDS = 2
_NANO = 1_000_000_000
_MONITOR_SECONDS = 10
_MOST_REPLICAS = 1000
_SECRET_BYTES = 500_000
_CONFIG_BYTES = 1_000_000
_LONGEST_NAME = 40
_CONDITIONS: Mapping[Restart, str] = {
    Restart.ALWAYS: "any",
    Restart.ON_FAILURE: "on-failure",
    Restart.NEVER: "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that the swarm keeps for a service: as a secret, or, where it is too large for one, as a config."""

    name: str
    target: str
    content: bytes
    is_secret: bool

    @property
    def kind(self) -> str:
        """What the API calls a collection of them."""
        return "secrets" if self.is_secret else "configs"

    def body(self, spec: ReleaseSpec, panel_id: str) -> dict[str, Any]:
        """The request for it."""
        data = base64.b64encode(self.content).decode()
        return {"Name": self.name, "Labels": marks_of(spec, panel_id), "Data": data}

    def reference(self, kept_id: str) -> dict[str, Any]:
        """How a service names it; whoever runs in the container may read it."""
        prefix = "Secret" if self.is_secret else "Config"
        file = {"Name": self.target, "UID": "0", "GID": "0", "Mode": 0o444}
        return {f"{prefix}ID": kept_id, f"{prefix}Name": self.name, "File": file}


def check_spec(spec: ReleaseSpec) -> None:
    """Raises InvalidInput with a sentence when the release cannot be run as it is described."""
    bodies.check_spec(spec)
    container = spec.container
    if not 1 <= container.replicas <= _MOST_REPLICAS:
        raise InvalidInput(f"An application runs 1 to {_MOST_REPLICAS} times, not {container.replicas} times.")
    if container.replicas > 1 and any(mount.is_writable for mount in container.mounts):
        raise InvalidInput(
            f"{container.replicas} copies would write to one volume, and destroy what is there. Set replicas to 1, or "
            "take the mount away."
        )
    for each in kept_files(spec):
        if len(each.content) > _CONFIG_BYTES:
            raise InvalidInput(
                f"The file at {each.target} has {len(each.content)} bytes, and a swarm carries no more than "
                f"{_CONFIG_BYTES} to its machines. Put it into the image."
            )


def service_name(spec: ReleaseSpec) -> str:
    """One name for one release, so that it is never made twice; name servers know it, so it is plain and short."""
    digest = hashlib.sha256(spec.release_id.encode()).hexdigest()[:12]
    return f"{spec.app_name[:_LONGEST_NAME].rstrip('-_.').replace('.', '-')}-{digest}"


def forwarder_name(spec: ReleaseSpec) -> str:
    """What the forwarder of a release is called."""
    return f"{service_name(spec)}-forwarder"


def network_name(panel_id: str, project_id: str) -> str:
    """The network of a project over all machines: what is in it reaches each other, and nothing else does."""
    return f"{bodies.network_name(panel_id, project_id)}-swarm"


def marks_of(spec: ReleaseSpec, panel_id: str) -> dict[str, str]:
    """What tells whose something in the swarm is."""
    return {**bodies.labels_of(spec, panel_id), labels.SWARM: service_name(spec)}


def kept_files(spec: ReleaseSpec) -> tuple[Kept, ...]:
    """The files to mount."""
    found = []
    for number, mount in enumerate(spec.container.mounts):
        if mount.kind is MountKind.FILE and mount.content is not None:
            content = mount.content.reveal().encode()
            name = f"{service_name(spec)}-{number}"
            small = len(content) <= _SECRET_BYTES
            found.append(Kept(name=name, target=mount.target, content=content, is_secret=small))
    return tuple(found)


def stays_here(spec: ReleaseSpec) -> bool:
    """Whether it can run on the panel's own machine only: what it needs is on no other."""
    return spec.image.pullable is None or any(mount.kind is not MountKind.FILE for mount in spec.container.mounts)


def body(
    spec: ReleaseSpec,
    panel_id: str,
    *,
    node_id: str,
    network_id: str,
    kept: Mapping[str, str],
    grace_seconds: float,
    settings: Mapping[str, str],
) -> dict[str, Any]:
    """The request for the service, with no copies yet. ``node_id`` is the machine of the panel, ``kept`` are the ids of
    files that the swarm keeps, by their targets, ``settings`` those of the copies' networks.
    """
    container = spec.container
    return {
        "Name": service_name(spec),
        "Labels": marks_of(spec, panel_id),
        "TaskTemplate": {
            "ContainerSpec": _container(spec, panel_id, kept, grace_seconds, settings),
            "Resources": _resources(spec),
            "RestartPolicy": _restart(container),
            "Placement": _placement(spec, node_id),
            "Networks": [{"Target": network_id}],
            "LogDriver": {"Name": "local", "Options": {"max-size": bodies.LOG_BYTES, "max-file": bodies.LOG_FILES}},
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        # By these a swarm goes when somebody else changes the service: Headway makes a new one for each release.
        "UpdateConfig": _rolling(container),
        "RollbackConfig": {**_rolling(container), "FailureAction": "pause"},
        # Without virtual addresses: these need IPVS, which not every kernel has.
        "EndpointSpec": {"Mode": "dnsrr", "Ports": _ports(container)},
    }


def escaped(text: str) -> str:
    """A text that the swarm gives to the container as it is: it would take ``{{`` for the beginning of a template."""
    return text.replace("{{", '{{"{{"}}')


def unescaped(text: str) -> str:
    """What was ``escaped``."""
    return text.replace('{{"{{"}}', "{{")


def _container(
    spec: ReleaseSpec, panel_id: str, kept: Mapping[str, str], grace_seconds: float, settings: Mapping[str, str]
) -> dict[str, Any]:
    container = spec.container
    files = kept_files(spec)
    asked: dict[str, Any] = {
        "Image": spec.image.pullable or spec.image.reference,
        "Env": [escaped(f"{name}={value}") for name, value in bodies.environment(spec).items()],
        "Labels": labels.of_container(marks_of(spec, panel_id)),
        "Mounts": [_mount(spec, mount) for mount in container.mounts if mount.kind is not MountKind.FILE],
        "Secrets": [each.reference(kept[each.target]) for each in files if each.is_secret],
        "Configs": [each.reference(kept[each.target]) for each in files if not each.is_secret],
        "StopGracePeriod": int(grace_seconds * _NANO),
    }
    if settings:
        asked["Sysctls"] = dict(settings)
    if spec.ruled:
        asked["CapabilityDrop"] = [bodies.RAW]
    if container.entrypoint is not None:
        asked["Command"] = list(container.entrypoint)
    if container.arguments is not None:
        asked["Args"] = list(container.arguments)
    if container.check is not None:
        asked["HealthCheck"] = bodies.check_of(container.check)
    return asked


def _resources(spec: ReleaseSpec) -> dict[str, Any]:
    container = spec.container
    limits: dict[str, Any] = {}
    reserved: dict[str, Any] = {}
    if spec.memory_bytes is not None:
        limits["MemoryBytes"] = spec.memory_bytes
    if spec.process_limit is not None:
        limits["Pids"] = spec.process_limit
    if container.cpus is not None:
        limits["NanoCPUs"] = int(container.cpus * _NANO)
    if container.reserved_memory_bytes is not None:
        reserved["MemoryBytes"] = container.reserved_memory_bytes
    if container.reserved_cpus is not None:
        reserved["NanoCPUs"] = int(container.reserved_cpus * _NANO)
    return {"Limits": limits, "Reservations": reserved}


def _restart(container: Container) -> dict[str, Any]:
    policy: dict[str, Any] = {"Condition": _CONDITIONS[container.restart], "Delay": RESTART_SECONDS * _NANO}
    if container.restart is Restart.ON_FAILURE and container.restarts is not None:
        policy["MaxAttempts"] = container.restarts
    return policy


def _placement(spec: ReleaseSpec, node_id: str) -> dict[str, Any]:
    wanted = spec.container.placement
    here = (f"node.id=={node_id}",) if stays_here(spec) else ()
    placement: dict[str, Any] = {
        "Constraints": [*wanted.constraints, *here],
        "Preferences": [{"Spread": {"SpreadDescriptor": label}} for label in wanted.spread],
    }
    if wanted.most_per_node is not None:
        placement["MaxReplicas"] = wanted.most_per_node
    return placement


def _rolling(container: Container) -> dict[str, Any]:
    order = "stop-first" if container.is_alone else "start-first"
    return {"Parallelism": 1, "FailureAction": "rollback", "Monitor": _MONITOR_SECONDS * _NANO, "Order": order}


def _ports(container: Container) -> Sequence[dict[str, Any]]:
    """Those that are published to the world because somebody asked for it, on the machines that run a copy."""
    return [
        {
            "Protocol": port.protocol,
            "TargetPort": port.inner,
            "PublishedPort": port.outer,
            "PublishMode": "host",
        }
        for port in container.published
    ]


def _mount(spec: ReleaseSpec, mount: Mount) -> dict[str, Any]:
    is_volume = mount.kind is MountKind.VOLUME
    return {
        "Type": "volume" if is_volume else "bind",
        "Source": bodies.volume_name(spec.app_name, mount.source) if is_volume else escaped(mount.source),
        "Target": escaped(mount.target),
        "ReadOnly": mount.read_only,
    }
