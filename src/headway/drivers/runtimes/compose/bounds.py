"""How much containers of a compose file may take where nobody else bounds them: processes, output, shared memory."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from headway.drivers.runtimes.container.body import RAW
from headway.kernel.dataclass import dataclass

Model = Mapping[str, Any]

_JSON_FILE = "json-file"
_SIZE = re.compile(r"([0-9]{1,15})(\.[0-9]+)? ?([kmgtp]?)(i?b)?\Z", re.IGNORECASE)
_UNITS: Mapping[str, int] = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_BUFFER_BYTES = 4 << 20
MOST_STOP_SECONDS = 3600
"""How long a container may take at most to end once it was asked to."""

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|µs|ns))+\Z")
_PART_OF_DURATION = re.compile(r"(?<![0-9.])([0-9.]++)(h|ms|m|s|us|µs|ns)")
_SECONDS: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_OPTIONS: Mapping[str, frozenset[str]] = {
    _JSON_FILE: frozenset(
        [
            *("compress", "env", "env-regex", "labels", "labels-regex", "max-buffer-size", "max-file", "max-size"),
            *("mode", "tag"),
        ]
    ),
    "local": frozenset(["max-size", "max-file", "compress", "mode", "max-buffer-size"]),
    "none": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The panel's settings. ``most_references`` and what is called after reading bound how a file is read."""

    read_memory_bytes: int
    read_seconds: float
    most_references: int
    most_replicas: int
    processes: int
    log_bytes: int
    log_files: int
    shared_memory_bytes: int
    memory_percent: int

    @property
    def logging(self) -> dict[str, Any]:
        """How the output of a container is kept that says nothing of it."""
        return {"driver": _JSON_FILE, "options": {"max-size": f"{self.log_bytes}", "max-file": f"{self.log_files}"}}


def objections(model: Model, bounds: Bounds) -> list[str]:
    """What of a file goes beyond the bounds, each as the end of the sentence "The compose file …"."""
    return [
        f"gives the service {name} {what}"
        for name, service in (model.get("services") or {}).items()
        for what in _of_service(service or {}, bounds)
    ]


def bounded(model: Model, bounds: Bounds, *, stack: bool = False) -> dict[str, Any]:
    """The file in which every service says how many processes and how much output it may have."""
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for service in made["services"].values():
        if _processes(service) is None:
            _bound_processes(service, bounds.processes, stack=stack)
        _bound_tmpfs(service, bounds.shared_memory_bytes)
        service["logging"] = _logging(service.get("logging") or {}, bounds)
    return made


def begun(model: Model, group: str | None, *, ruled: bool) -> dict[str, Any]:
    """The file in which every service begins in the group, and writes no packets itself where it is ``ruled``."""
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for service in made["services"].values():
        service.pop("cgroup_parent", None)
        if group is not None:
            service["cgroup_parent"] = group
        if ruled:
            service["cap_drop"] = sorted({*(service.get("cap_drop") or ()), RAW})
    return made


def marked(model: Model, settings: Mapping[str, str], *, ruled: bool) -> dict[str, Any]:
    """The same for a stack: every service has these settings of its network, and no other spelling of them, which
    would be written to the same file, before or after.
    """
    made: dict[str, Any] = begun(model, None, ruled=ruled)
    files = {_file_of(name) for name in settings}
    for service in made["services"].values() if settings else ():
        own = {name: value for name, value in _named(service.get("sysctls")).items() if _file_of(name) not in files}
        service["sysctls"] = {**own, **settings}
    return made


def unbounded(model: Model) -> list[str]:
    """The services that run without bounds because they were deployed before there were any."""
    services: Model = model.get("services") or {}
    return [name for name, each in services.items() if not (_processes(each or {}) and _has_rotation(each or {}))]


def bytes_of(size: object) -> int | None:
    """A size as Docker reads it, a broken number as the next whole one; None for what is none."""
    found = _SIZE.match(str(size))
    return None if found is None else (int(found[1]) + bool(found[2])) * 1024 ** _UNITS[found[3].lower()]


def _of_service(service: Model, bounds: Bounds) -> Iterator[str]:
    processes = _processes(service)
    if processes is not None and not 0 < processes <= bounds.processes:
        yield f"{processes} processes, and {bounds.processes} are the most (HEADWAY_CONTAINER_PROCESSES)"
    for key, value in (("scale", service.get("scale")), ("replicas", (service.get("deploy") or {}).get("replicas"))):
        if value is not None and int(value) > bounds.most_replicas:
            yield f"{key}: {value}, and {bounds.most_replicas} are the most (HEADWAY_COMPOSE_REPLICAS)"
    for where, holder in (("shm_size", service), ("build.shm_size", service.get("build") or {})):
        size = holder.get("shm_size")
        if size and not 0 < (bytes_of(size) or 0) <= bounds.shared_memory_bytes:
            most = f"{bounds.shared_memory_bytes} bytes are the most (HEADWAY_CONTAINER_SHARED_MEMORY)"
            yield f"{where}: {size}, and {most}"
    for size in _tmpfs_sizes(service):
        if size is not None and not 0 < (bytes_of(size) or 0) <= bounds.shared_memory_bytes:
            most = f"{bounds.shared_memory_bytes} bytes are the most (HEADWAY_CONTAINER_SHARED_MEMORY)"
            yield f"a tmpfs of {size}, and {most}"
    if (grace := service.get("stop_grace_period")) is not None:
        seconds = _seconds_of(grace)
        if seconds is None or seconds > MOST_STOP_SECONDS:
            yield f"stop_grace_period: {grace}, and {MOST_STOP_SECONDS} s are the most, and none the least"
    yield from _of_logging(service.get("logging") or {}, bounds)


def _seconds_of(duration: object) -> float | None:
    """A time as Compose writes it, None for what is none: also for one below zero, with which Docker waits for ever."""
    text = str(duration)
    if text != "0" and not _DURATION.match(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART_OF_DURATION.findall(text))


def _named(settings: object) -> dict[str, Any]:
    """Settings of either form."""
    if isinstance(settings, Mapping):
        return dict(settings)
    listed = settings if isinstance(settings, list) else []
    return {name: value for name, _, value in (str(each).partition("=") for each in listed)}


def _file_of(setting: str) -> tuple[str, ...]:
    """Where the kernel keeps a setting: a container's runtime takes slashes for dots, and the kernel any number."""
    return tuple(filter(None, setting.replace("/", ".").split(".")))


def _tmpfs_sizes(service: Model) -> Iterator[str | None]:
    """How much the file systems in memory may hold that a service asks for; None where it does not say."""
    for each in _listed(service.get("tmpfs")):
        sizes = [option[5:] for option in str(each).partition(":")[2].split(",") if option.startswith("size=")]
        yield from sizes or (None,)
    for mount in service.get("volumes") or ():
        if isinstance(mount, Mapping) and mount.get("type") == "tmpfs":
            size = (mount.get("tmpfs") or {}).get("size")
            yield None if size in {None, 0, "0"} else str(size)


def _bound_tmpfs(service: dict[str, Any], most: int) -> None:
    """A file system in memory of which nobody says how large it may be would take half of the machine's."""
    if service.get("tmpfs"):
        service["tmpfs"] = [_with_size(str(each), most) for each in _listed(service["tmpfs"])]
    for mount in service.get("volumes") or ():
        if isinstance(mount, dict) and mount.get("type") == "tmpfs":
            given = mount.setdefault("tmpfs", {})
            if given.get("size") in {None, 0, "0"}:
                given["size"] = most


def _with_size(mount: str, most: int) -> str:
    path, _, options = mount.partition(":")
    given = [each for each in options.split(",") if each]
    return mount if any(each.startswith("size=") for each in given) else f"{path}:{','.join([*given, f'size={most}'])}"


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _of_logging(logging: Model, bounds: Bounds) -> Iterator[str]:
    driver = str(logging.get("driver") or _JSON_FILE)
    known = _OPTIONS.get(driver)
    if known is None:
        yield f"the log driver {driver}"
        return
    options = logging.get("options") or {}
    for key in options:
        if key not in known:
            yield f"the log option {key}, which the driver {driver} may not have here"
    if driver == "none":
        return
    size, files = bytes_of(options.get("max-size", bounds.log_bytes)), str(options.get("max-file", bounds.log_files))
    most = bounds.log_bytes * bounds.log_files
    if not size or not files.isdecimal() or not 0 < size * int(files) <= most:
        asked = f"max-size: {options.get('max-size', bounds.log_bytes)}, max-file: {files}"
        how = "HEADWAY_CONTAINER_LOG_SIZE, HEADWAY_CONTAINER_LOG_FILES"
        yield f"more output to keep ({asked}) than {most} bytes ({how})"
    buffer = options.get("max-buffer-size")
    if buffer is not None and not 0 < (bytes_of(buffer) or 0) <= _BUFFER_BYTES:
        yield f"max-buffer-size: {buffer}, and {_BUFFER_BYTES} bytes are the most"


def _processes(service: Model) -> int | None:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    said = [each for each in (service.get("pids_limit"), limits.get("pids")) if each is not None]
    return int(said[0]) if said else None


def _bound_processes(service: dict[str, Any], most: int, *, stack: bool) -> None:
    if not stack:
        service["pids_limit"] = most
        return
    resources = service.setdefault("deploy", {}).setdefault("resources", {})
    resources["limits"] = {**(resources.get("limits") or {}), "pids": most}


def _logging(logging: Model, bounds: Bounds) -> dict[str, Any]:
    driver = str(logging.get("driver") or _JSON_FILE)
    if driver not in {_JSON_FILE, "local"}:
        return dict(logging)
    given = {key: str(value) for key, value in (logging.get("options") or {}).items()}
    return {"driver": driver, "options": {**bounds.logging["options"], **given}}


def _has_rotation(service: Model) -> bool:
    logging = service.get("logging") or {}
    return logging.get("driver") not in {None, "", _JSON_FILE} or "max-size" in (logging.get("options") or {})
