"""What bounds the reading of compose files and the containers that are made of them: settings of the panel."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta

from headway.kernel.bounds import Bounds, told
from headway.kernel.dataclass import dataclass
from headway.kernel.forms import duration, size, whole

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSettings(Bounds):
    """A part of the panel's settings."""

    compose_read_memory_bytes: int = field(
        default=512 * _MIB,
        metadata=told(
            size(64 * _MIB), "Memory that reading a compose file may take.", variable="HEADWAY_COMPOSE_READ_MEMORY"
        ),
    )
    compose_read_deadline: timedelta = field(
        default=timedelta(seconds=10),
        metadata=told(duration(0.5), "How long each look at a compose file may take."),
    )
    compose_aliases: int = field(
        default=1000,
        metadata=told(
            whole(0), "References (`*name`) that a compose file may come to, those within what they stand for included."
        ),
    )
    compose_replicas: int = field(
        default=20, metadata=told(whole(1), "Containers that one service of a compose file may have.")
    )
    container_processes: int = field(
        default=4096, metadata=told(whole(16), "Processes and threads that a container of a compose file may have.")
    )
    container_log_bytes: int = field(
        default=10 * _MIB,
        metadata=told(
            size(64 * 1024),
            "How long a file of a container's output becomes until the next is begun.",
            variable="HEADWAY_CONTAINER_LOG_SIZE",
        ),
    )
    container_log_files: int = field(
        default=3, metadata=told(whole(1, 100), "How many such files are kept of a container of a compose file.")
    )
    container_shared_memory_bytes: int = field(
        default=1024 * _MIB,
        metadata=told(
            size(64 * 1024),
            "Shared memory (shm_size), and each tmpfs, that a container of a compose file may have.",
            variable="HEADWAY_CONTAINER_SHARED_MEMORY",
        ),
    )
    organization_memory_percent: int = field(
        default=80,
        metadata=told(
            whole(1, 100),
            "How much of a machine's memory the services of one organisation may take together, in percent.",
            variable="HEADWAY_ORGANIZATION_MEMORY",
        ),
    )
