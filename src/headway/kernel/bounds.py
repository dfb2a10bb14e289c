"""Settings that bound what one service or one person may take, and how a setting is told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from headway.kernel.dataclass import dataclass
from headway.kernel.forms import Form, size, whole

_MIB = 1 << 20


def told(form: Form, description: str, *, written: str = "", variable: str = "") -> Mapping[str, Any]:
    """A field's metadata. ``written`` describes a default that depends on the machine; ``variable`` is given where the
    variable of the environment is not the field's name.
    """
    return {"form": form, "description": description, "written": written, "variable": variable}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The part of the settings that is about how much at most."""

    pending_deployments: int = field(
        default=100, metadata=told(whole(1, 100_000), "Deployments of one service that may wait at a time.")
    )
    keys_per_person: int = field(
        default=100, metadata=told(whole(1, 100_000), "API keys that one person may have in an organisation.")
    )
    storage_memory_bytes: int = field(
        default=1024 * _MIB,
        metadata=told(
            size(32 * _MIB),
            "Memory that what reaches storages and databases may use: rclone, clients, dump and restore of one run.",
            variable="HEADWAY_STORAGE_MEMORY",
        ),
    )
    disk_reserve: int = field(
        default=10240 * _MIB,
        metadata=told(
            size(0),
            "Free space of each disk, a twentieth of it at most, that applications of processes leave: who fills it is "
            "ended; 0: none.",
        ),
    )
    watch_depths: int = field(
        default=2,
        metadata=told(whole(1, 10), "How often a watch path of a service may hold `**`, any number of folders."),
    )
    streams_per_person: int = field(
        default=100,
        metadata=told(whole(1, 100_000), "Logs, deployments and open pages that one person may follow at a time."),
    )
