"""Which keys a compose file may have, each by its place: ``services.*.ports[].target``.

What is not among them is refused, a key of a later Compose too. ``*`` stands for any name, ``[]`` for each of a list.
What an allowed key may say is judged in ``allowed`` and ``bounds``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headway.drivers.runtimes.compose.bounds import MOST_STOP_SECONDS

Model = Mapping[str, Any]

UNKNOWN = "nobody has judged yet"

_TIMES = frozenset(["delay", "failure_action", "max_failure_ratio", "monitor", "order", "parallelism"])
_FILE = frozenset(["name", "file", "content", "environment"])
_USED = frozenset(["source", "target", "uid", "gid", "mode"])
_LIMIT = frozenset(["single", "soft", "hard"])

ALLOWED: Mapping[str, frozenset[str]] = {
    "": frozenset(["name", "services", "networks", "volumes", "configs", "secrets"]),
    "services": frozenset("*"),
    "services.*": frozenset(
        [
            *("attach", "build", "cap_drop", "cgroup", "command", "configs", "container_name", "cpu_count"),
            *("cpu_percent", "cpu_period", "cpu_quota", "cpu_shares", "cpus", "cpuset", "depends_on", "deploy"),
            *("develop", "dns", "dns_opt", "dns_search", "domainname", "entrypoint", "environment", "expose"),
            *("extra_hosts", "group_add", "healthcheck", "hostname", "image", "init", "ipc", "labels", "links"),
            *("logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit"),
            *("network_mode", "networks", "pid", "pids_limit", "platform", "ports", "profiles", "pull_policy"),
            *("pull_refresh_after", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size"),
            *("stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits", "user"),
            *("volumes", "volumes_from", "working_dir"),
        ]
    ),
    "services.*.build": frozenset(
        [
            *("additional_contexts", "args", "cache_from", "context", "dockerfile", "dockerfile_inline"),
            *("extra_hosts", "labels", "network", "no_cache", "platforms", "pull", "secrets", "shm_size", "tags"),
            *("target", "ulimits"),
        ]
    ),
    "services.*.build.secrets[]": _USED,
    "services.*.build.ulimits": frozenset("*"),
    "services.*.build.ulimits.*": _LIMIT,
    "services.*.configs[]": _USED,
    "services.*.depends_on": frozenset("*"),
    "services.*.depends_on.*": frozenset(["condition", "required", "restart"]),
    "services.*.deploy": frozenset(
        [
            *("endpoint_mode", "labels", "mode", "placement", "replicas", "resources", "restart_policy"),
            *("rollback_config", "update_config"),
        ]
    ),
    "services.*.deploy.placement": frozenset(["constraints", "max_replicas_per_node", "preferences"]),
    "services.*.deploy.placement.preferences[]": frozenset(["spread"]),
    "services.*.deploy.resources": frozenset(["limits", "reservations"]),
    "services.*.deploy.resources.limits": frozenset(["cpus", "memory", "pids"]),
    "services.*.deploy.resources.reservations": frozenset(["cpus", "memory"]),
    "services.*.deploy.restart_policy": frozenset(["condition", "delay", "max_attempts", "window"]),
    "services.*.deploy.rollback_config": _TIMES,
    "services.*.deploy.update_config": _TIMES,
    "services.*.healthcheck": frozenset(
        ["disable", "interval", "retries", "start_interval", "start_period", "test", "timeout"]
    ),
    "services.*.logging": frozenset(["driver", "options"]),
    "services.*.networks": frozenset("*"),
    "services.*.networks.*": frozenset(
        [
            *("aliases", "gw_priority", "interface_name", "ipv4_address", "ipv6_address", "link_local_ips"),
            *("mac_address", "priority"),
        ]
    ),
    "services.*.ports[]": frozenset(
        ["app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"],
    ),
    "services.*.secrets[]": _USED,
    "services.*.ulimits": frozenset("*"),
    "services.*.ulimits.*": _LIMIT,
    "services.*.volumes[]": frozenset(
        ["bind", "consistency", "read_only", "source", "target", "tmpfs", "type", "volume"]
    ),
    "services.*.volumes[].bind": frozenset(["create_host_path", "propagation", "recursive", "selinux"]),
    "services.*.volumes[].tmpfs": frozenset(["mode", "size"]),
    "services.*.volumes[].volume": frozenset(["labels", "nocopy", "subpath"]),
    "networks": frozenset("*"),
    "networks.*": frozenset(
        ["attachable", "driver", "enable_ipv4", "enable_ipv6", "internal", "ipam", "labels", "name"]
    ),
    "networks.*.ipam": frozenset(["driver"]),
    "volumes": frozenset("*"),
    "volumes.*": frozenset(["driver", "labels", "name"]),
    "configs": frozenset("*"),
    "configs.*": _FILE,
    "secrets": frozenset("*"),
    "secrets.*": _FILE - {"content"},
}

# Below these names and values are the author's own.
FREE = frozenset(
    [
        *("services.*.build.additional_contexts", "services.*.build.args", "services.*.build.labels"),
        *("services.*.build.extra_hosts", "services.*.deploy.labels", "services.*.environment"),
        *("services.*.extra_hosts", "services.*.labels", "services.*.logging.options", "services.*.sysctls"),
        *("services.*.volumes[].volume.labels", "networks.*.labels", "volumes.*.labels", "services.*.develop"),
    ]
)

_RUNS = "has commands run in containers as another user than the file's"
_DEVICES = "gives devices of the machine"
_OPTIONS = "drivers take for anything"
_OTHERS = "is somebody else's"
_MODELS = "has another program of the machine run models"

REASONS: Mapping[str, str] = {
    "models": _MODELS,
    "services.*.annotations": "runtimes take for orders, also to the machine's own service manager",
    "services.*.blkio_config": "names devices of the machine",
    "services.*.cap_add": "gives powers over the machine",
    "services.*.cgroup_parent": "leaves the bounds of its organisation",
    "services.*.cpu_rt_period": "takes processors from everybody else",
    "services.*.cpu_rt_runtime": "takes processors from everybody else",
    "services.*.credential_spec": "is read from the machine",
    "services.*.device_cgroup_rules": _DEVICES,
    "services.*.devices": _DEVICES,
    "services.*.external_links": "leads to containers of others",
    "services.*.gpus": _DEVICES,
    "services.*.isolation": "chooses another way to hold a container",
    "services.*.models": _MODELS,
    "services.*.oom_kill_disable": "has others ended in its place",
    "services.*.oom_score_adj": "has others ended in its place",
    "services.*.post_start": _RUNS,
    "services.*.pre_start": _RUNS,
    "services.*.pre_stop": _RUNS,
    "services.*.privileged": "is the machine",
    "services.*.provider": "has a program of the machine run",
    "services.*.storage_opt": _OPTIONS,
    "services.*.use_api_socket": "gives the engine's socket, which is the machine",
    "services.*.userns_mode": "chooses whose root a container's root is",
    "services.*.uts": "shares the machine's names",
    "services.*.build.cache_to": "writes outside of the build",
    "services.*.build.entitlements": "gives powers over the machine",
    "services.*.build.isolation": "chooses another way to hold a build",
    "services.*.build.no_cache_filter": "has no word in what Headway builds with",
    "services.*.build.privileged": "is the machine",
    "services.*.build.provenance": "has no word in what Headway builds with",
    "services.*.build.sbom": "has another image run within the build",
    "services.*.build.ssh": "gives keys of the machine",
    "services.*.deploy.resources.reservations.devices": _DEVICES,
    "services.*.deploy.resources.reservations.generic_resources": _DEVICES,
    "services.*.networks.*.driver_opts": _OPTIONS,
    "services.*.volumes[].image": "mounts an image of somebody else",
    "networks.*.driver_opts": _OPTIONS,
    "networks.*.external": _OTHERS,
    "networks.*.ipam.config": "has addresses of its own choice, which the machine may route elsewhere",
    "networks.*.ipam.options": _OPTIONS,
    "volumes.*.external": _OTHERS,
    "configs.*.external": _OTHERS,
    "secrets.*.external": _OTHERS,
    "volumes.*.driver_opts": f"{_OPTIONS}, a mount of the machine's root too",
    "configs.*.labels": "says nothing to a container",
    "configs.*.template_driver": _OPTIONS,
    "secrets.*.driver": _OPTIONS,
    "secrets.*.driver_opts": _OPTIONS,
    "secrets.*.labels": "says nothing to a container",
    "secrets.*.template_driver": _OPTIONS,
}

# What Compose has read and left out by the time that a file is judged.
READ: Mapping[str, str] = {
    "include": "files beside it, none of which a container writes to",
    "services.*.env_file": "files beside it, none of which a container writes to",
    "services.*.extends": "files beside it, none of which a container writes to",
    "services.*.label_file": "files beside it, none of which a container writes to",
    "version": "says nothing",
}


_LABELS = "none that begins with headway. or com.docker."
_OWN_FILES = "among its own files, through no folder that a container writes to"
_LIMITS = "not nice, rtprio and rttime"
_NAME = "a name in a registry; no id, and no image that Headway made"

# What an allowed key may say, where that is not everything.
CONDITIONS: Mapping[str, str] = {
    "name": "left out: the project is called after the compose service",
    "services.*.attach": "left out",
    "services.*.build.additional_contexts": f"folders {_OWN_FILES}; service:NAME; docker-image:// and {_NAME}",
    "services.*.build.args": "none that begins with BUILDKIT_ or BUILDX_",
    "services.*.build.cache_from": "of registries",
    "services.*.build.context": f"a folder {_OWN_FILES}",
    "services.*.build.dockerfile": _OWN_FILES,
    "services.*.build.labels": _LABELS,
    "services.*.build.network": "default, none",
    "services.*.build.shm_size": "within HEADWAY_CONTAINER_SHARED_MEMORY",
    "services.*.build.tags": "left out",
    "services.*.build.ulimits": _LIMITS,
    "services.*.cgroup": "private",
    "services.*.container_name": "becomes one more name in its networks",
    "services.*.deploy.labels": _LABELS,
    "services.*.deploy.replicas": "within HEADWAY_COMPOSE_REPLICAS",
    "services.*.deploy.resources.limits.pids": "within HEADWAY_CONTAINER_PROCESSES",
    "services.*.develop": "left out",
    "services.*.image": _NAME,
    "services.*.ipc": "private, shareable, service:NAME",
    "services.*.labels": _LABELS,
    "services.*.logging.driver": "json-file, local, none",
    "services.*.logging.options": "those that bound it, within HEADWAY_CONTAINER_LOG_SIZE times _LOG_FILES",
    "services.*.network_mode": "none, service:NAME",
    "services.*.pid": "private, service:NAME",
    "services.*.pids_limit": "within HEADWAY_CONTAINER_PROCESSES",
    "services.*.profiles": "left out, once it is known which services are to run",
    "services.*.pull_policy": "left out",
    "services.*.runtime": "runc",
    "services.*.scale": "within HEADWAY_COMPOSE_REPLICAS",
    "services.*.security_opt": "no-new-privileges",
    "services.*.shm_size": "within HEADWAY_CONTAINER_SHARED_MEMORY",
    "services.*.stop_grace_period": f"from 0s to {MOST_STOP_SECONDS}s",
    "services.*.sysctls": "names with single dots between their words",
    "services.*.tmpfs": "within HEADWAY_CONTAINER_SHARED_MEMORY",
    "services.*.ulimits": _LIMITS,
    "services.*.volumes[].bind.propagation": "private, rprivate, slave, rslave",
    "services.*.volumes[].source": f"a volume of the file, or what lies {_OWN_FILES}",
    "services.*.volumes[].tmpfs.size": "within HEADWAY_CONTAINER_SHARED_MEMORY",
    "services.*.volumes[].type": "bind, volume, tmpfs",
    "services.*.volumes[].volume.labels": _LABELS,
    "services.*.volumes_from": "services of the file",
    "networks.*.driver": "bridge, overlay",
    "networks.*.ipam.driver": "default",
    "networks.*.labels": _LABELS,
    "networks.*.name": "left out: it is called after the compose service",
    "volumes.*.driver": "local",
    "volumes.*.labels": _LABELS,
    "volumes.*.name": "left out: it is called after the compose service",
    "configs.*.environment": "a variable of the compose service, none that programs here read themselves",
    "configs.*.file": _OWN_FILES,
    "secrets.*.environment": "a variable of the compose service, none that programs here read themselves",
    "secrets.*.file": _OWN_FILES,
}


def strange(model: Model) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every key that is not allowed: the names that lead to it in the file, and why."""
    yield from _strange(model, "", ())


def reason(place: str) -> str | None:
    """Why a key is refused, None for one that is allowed."""
    parent = ""
    for part in place.replace("[]", ".[]").split("."):
        here = f"{parent}[]" if part == "[]" else f"{parent}.{part}".lstrip(".")
        if parent in FREE or here in READ:
            return None
        if here in REASONS:
            return REASONS[here]
        if part != "[]" and part not in ALLOWED.get(parent, frozenset()):
            return UNKNOWN
        parent = here
    return None


def _strange(value: Any, place: str, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - any JSON value
    if place in FREE:
        return
    if isinstance(value, list | tuple):
        for each in value:
            yield from _strange(each, f"{place}[]", names)
    if not isinstance(value, Mapping):
        return
    known = ALLOWED.get(place, frozenset())
    for key, each in value.items():
        if "*" not in known and str(key).startswith("x-"):
            continue
        here = f"{place}.{'*' if '*' in known else key}".lstrip(".")
        if "*" in known or key in known:
            yield from _strange(each, here, (*names, str(key)))
        elif each not in (None, False, "", [], {}):
            yield (*names, str(key)), REASONS.get(here, UNKNOWN)
