"""What a cluster is asked for when a release is to run as a Deployment: decided from its description alone."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headway.drivers.runtimes import container_body as bodies
from headway.infra.docker import labels
from headway.kernel.artifacts import Container, HealthCheck, HealthKind, Mount, MountKind, ReleaseSpec, Restart
from headway.kernel.errors import InvalidInput

MAIN = "main"
FIELD_MANAGER = "headway"

_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_SIMPLE = re.compile(r"node\.labels\.([A-Za-z0-9._/-]+)\s*(==|!=)\s*(\S+)")
_CLAIM = "1Gi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a release is called in a cluster: names there are lower-case, short, and begin with a letter."""

    panel_id: str
    spec: ReleaseSpec

    @property
    def release(self) -> str:
        """The Deployment, the Service, and the Secret of its variables."""
        return f"{_plain(self.spec.app_name)[:40].rstrip('-')}-{_digest(self.spec.release_id)}"

    @property
    def namespace(self) -> str:
        """The project: what is in it reaches each other by name."""
        return namespace_name(self.panel_id, self.spec.project_id)

    @property
    def labels(self) -> dict[str, str]:
        """What tells whose something is. A value that no label can have is written as a digest of it."""
        return {name: label_value(value) for name, value in bodies.labels_of(self.spec, self.panel_id).items()}

    def claim(self, volume: str) -> str:
        """The claim of one of the application's volumes, which is no release's."""
        return f"{_plain(self.spec.app_name)[:30].rstrip('-')}-{_plain(volume)[:20].strip('-')}-{_digest(volume)}"


def namespace_name(panel_id: str, project_id: str) -> str:
    """The namespace of a project."""
    return f"headway-{_digest(f'{panel_id}/{project_id}')}"


def label_value(text: str) -> str:
    """The text, where a label can have it as its value, else a digest of it."""
    return text if _LABEL_VALUE.fullmatch(text) else f"x{_digest(text)}"


def check_spec(spec: ReleaseSpec) -> None:
    """Raises InvalidInput with a sentence when the release cannot be run as it is described."""
    bodies.check_spec(spec)
    if spec.image.pullable is None:
        raise InvalidInput(
            "A cluster fetches images from a registry, and this one is in none. Choose a registry (registryId), then "
            "deploy again."
        )
    if any(mount.kind is MountKind.BIND for mount in spec.container.mounts):
        raise InvalidInput("A cluster has no place of one host to bind. Use a volume or a file.")
    if spec.container.published:
        raise InvalidInput("A cluster publishes no port of a machine. Let a domain lead to the application.")
    if spec.container.restart is not Restart.ALWAYS:
        raise InvalidInput("A cluster always starts again what has ended. Set the restart policy to always.")
    if spec.container.replicas > 1 and any(mount.is_writable for mount in spec.container.mounts):
        raise InvalidInput(
            f"{spec.container.replicas} copies would write to one volume, and destroy what is there. Set replicas to "
            "1, or take the mount away."
        )


def prepared(named: Named) -> dict[str, Any]:
    """All of a release as one list: its Deployment has no copies yet."""
    spec = named.spec
    items = [
        _object("v1", "Namespace", namespace_name(named.panel_id, spec.project_id), _labels_of_project(named)),
        _secret(named, named.release, bodies.environment(spec)),
        *([_pull_secret(named)] if spec.container.login is not None else []),
        *([_files(named)] if _file_mounts(spec.container) else []),
        *(_claim(named, mount) for mount in spec.container.mounts if mount.kind is MountKind.VOLUME),
        *([_service(named)] if spec.container.port is not None else []),
        deployment(named, copies=0),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def deployment(named: Named, *, copies: int) -> dict[str, Any]:
    """The Deployment: a thing of its own for each release, so that it never rolls from one to another."""
    spec = named.spec
    body = _object("apps/v1", "Deployment", named.release, named.labels, namespace=named.namespace)
    body["metadata"]["annotations"] = {labels.RELEASE: spec.release_id}
    selector = {labels.RELEASE: named.labels[labels.RELEASE]}
    body["spec"] = {
        "replicas": copies,
        "revisionHistoryLimit": 0,
        "strategy": {"type": "Recreate"} if spec.container.is_alone else {"type": "RollingUpdate"},
        "progressDeadlineSeconds": max(int(spec.health.deadline_seconds), 1),
        "minReadySeconds": int(spec.health.settle_seconds) if spec.health.kind is HealthKind.SETTLE else 0,
        "selector": {"matchLabels": selector},
        "template": {"metadata": {"labels": named.labels}, "spec": _pod(named)},
    }
    return body


def job(named: Named, command: Sequence[str], *, name: str) -> dict[str, Any]:
    """Work that is done once with what the release has: a release command."""
    body = _object("batch/v1", "Job", f"{named.release}-{_plain(name)}", named.labels, namespace=named.namespace)
    pod = _pod(named)
    pod["restartPolicy"] = "Never"
    (container,) = pod["containers"]
    container["command"] = list(command)
    for probe in ("readinessProbe", "args", "ports"):
        container.pop(probe, None)
    body["spec"] = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": 3600,
        "template": {"metadata": {"labels": named.labels}, "spec": pod},
    }
    return body


def _pod(named: Named) -> dict[str, Any]:
    spec, container = named.spec, named.spec.container
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [_container(named)],
        "volumes": [_volume(named, number, mount) for number, mount in enumerate(container.mounts)],
    }
    if container.login is not None:
        pod["imagePullSecrets"] = [{"name": _pull_name(named)}]
    if container.placement.constraints:
        pod["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _terms(container)}}
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": label.removeprefix("node.labels."),
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {labels.RELEASE: label_value(spec.release_id)}},
        }
        for label in (*container.placement.spread, "kubernetes.io/hostname")
    ]
    pod["topologySpreadConstraints"] = spread
    return pod


def _container(named: Named) -> dict[str, Any]:
    spec, container = named.spec, named.spec.container
    body: dict[str, Any] = {
        "name": MAIN,
        "image": spec.image.pullable,
        "envFrom": [{"secretRef": {"name": named.release}}],
        "resources": _resources(spec),
        "volumeMounts": [_mounted(number, mount) for number, mount in enumerate(container.mounts)],
    }
    if container.entrypoint is not None:
        body["command"] = list(container.entrypoint)
    if container.arguments is not None:
        body["args"] = list(container.arguments)
    if container.port is not None:
        body["ports"] = [{"containerPort": container.port}]
        probe = _probe(spec.health, container.port)
        if probe is not None:
            body["readinessProbe"] = probe
    return body


def _probe(health: HealthCheck, port: int) -> dict[str, Any] | None:
    """The cluster asks every copy; a check that an image brings is unknown to it, and its port is asked instead."""
    often = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 3}
    match health.kind:
        case HealthKind.HTTP:
            return {"httpGet": {"path": health.path, "port": port}, **often}
        case HealthKind.TCP | HealthKind.OWN:
            return {"tcpSocket": {"port": port}, **often}
        case HealthKind.SETTLE:
            return None


def _resources(spec: ReleaseSpec) -> dict[str, Any]:
    container = spec.container
    limits = {
        "memory": None if spec.memory_bytes is None else str(spec.memory_bytes),
        "cpu": None if container.cpus is None else f"{container.cpus:g}",
    }
    requests = {
        "memory": None if container.reserved_memory_bytes is None else str(container.reserved_memory_bytes),
        "cpu": None if container.reserved_cpus is None else f"{container.reserved_cpus:g}",
    }
    return {
        name: {key: value for key, value in each.items() if value}
        for name, each in (("limits", limits), ("requests", requests))
    }


def _terms(container: Container) -> dict[str, Any]:
    """A constraint of the application as the cluster says it: by labels of nodes, whatever else Swarm knows."""
    expressions = []
    for constraint in container.placement.constraints:
        found = _SIMPLE.fullmatch(constraint)
        if found is None:
            raise InvalidInput(f"A cluster knows nodes by their labels only: {constraint!r} names something else.")
        operator = "In" if found[2] == "==" else "NotIn"
        expressions.append({"key": found[1], "operator": operator, "values": [found[3]]})
    return {"nodeSelectorTerms": [{"matchExpressions": expressions}]}


def _service(named: Named) -> dict[str, Any]:
    body = _object("v1", "Service", named.release, named.labels, namespace=named.namespace)
    port = named.spec.container.port
    body["spec"] = {
        "selector": {labels.RELEASE: named.labels[labels.RELEASE]},
        "ports": [{"port": port, "targetPort": port}],
    }
    return body


def _secret(named: Named, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    body = _object("v1", "Secret", name, named.labels, namespace=named.namespace)
    body["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    return body


def _pull_secret(named: Named) -> dict[str, Any]:
    login = named.spec.container.login
    assert login is not None  # noqa: S101 - asked for where there is one
    known = {"username": login.username, "password": login.password.reveal()}
    text = json.dumps({"auths": {login.url or "https://index.docker.io/v1/": known}})
    body = _secret(named, _pull_name(named), {".dockerconfigjson": text})
    body["type"] = "kubernetes.io/dockerconfigjson"
    return body


def _files(named: Named) -> dict[str, Any]:
    mounts = _file_mounts(named.spec.container)
    return _secret(named, f"{named.release}-files", {str(number): text for number, text in mounts.items()})


def _claim(named: Named, mount: Mount) -> dict[str, Any]:
    owned = {name: value for name, value in named.labels.items() if name not in {labels.RELEASE, labels.DEPLOYMENT}}
    body = _object("v1", "PersistentVolumeClaim", named.claim(mount.source), owned, namespace=named.namespace)
    body["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _CLAIM}}}
    return body


def _volume(named: Named, number: int, mount: Mount) -> dict[str, Any]:
    if mount.kind is MountKind.VOLUME:
        claim = {"claimName": named.claim(mount.source), "readOnly": mount.read_only}
        return {"name": f"m{number}", "persistentVolumeClaim": claim}
    items = [{"key": str(number), "path": "file"}]
    return {"name": f"m{number}", "secret": {"secretName": f"{named.release}-files", "items": items}}


def _mounted(number: int, mount: Mount) -> dict[str, Any]:
    body: dict[str, Any] = {"name": f"m{number}", "mountPath": mount.target, "readOnly": not mount.is_writable}
    return {**body, "subPath": "file"} if mount.kind is MountKind.FILE else body


def _file_mounts(container: Container) -> dict[int, str]:
    return {
        number: mount.content.reveal()
        for number, mount in enumerate(container.mounts)
        if mount.kind is MountKind.FILE and mount.content is not None
    }


def _pull_name(named: Named) -> str:
    return f"{named.release}-registry"


def _labels_of_project(named: Named) -> dict[str, str]:
    return {name: named.labels[name] for name in (labels.PANEL, labels.PROJECT)}


def _object(version: str, kind: str, name: str, marks: Mapping[str, str], *, namespace: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": dict(marks)}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {**metadata, "namespace": namespace} if namespace else metadata,
    }


def _plain(text: str) -> str:
    """Lower-case letters, digits and hyphens, a letter in front."""
    plain = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")
    return plain if plain[:1].isalpha() else f"x{plain}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
