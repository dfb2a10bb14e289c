"""What runs of compose services although it would not be deployed so any more, for whoever upgrades Headway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headway.core.access.survey import Line
from headway.drivers.runtimes.compose import bounds, footing
from headway.drivers.runtimes.compose.bounds import Bounds
from headway.drivers.runtimes.compose.policy import paths_of
from headway.features.services.compose import store
from headway.infra.db.transaction import Tx
from headway.kernel.container_settings import ContainerSettings
from headway.kernel.vault import Vault


def survey(tx: Tx, vault: Vault, *, most: Bounds) -> Iterator[Line]:
    """See ``Survey``."""
    for compose in store.every(tx, vault):
        release = store.serving(tx, compose.service_id, vault)
        if release is not None:
            what = f"compose service {compose.name} ({compose.service_id})"
            yield from lines(what, release.record.file, most, machine=compose.settings.host_access)


def lines(what: str, file: Mapping[str, Any], most: Bounds, *, machine: bool) -> Iterator[Line]:
    """The lines about a file that serves, of which more than ``most`` is refused; one with the ``machine`` asks for
    what it likes.
    """
    unbounded = bounds.unbounded(file)
    if unbounded:
        setting = f"the containers of {', '.join(unbounded)}"
        why = "have no bound of processes and output; the next deploy or rollback makes them anew, with one"
        yield Line(what=what, setting=setting, why=why, refused=False)
    if machine:
        return
    for inner, outer in footing.within(paths_of(file)):
        why = f"lies within {outer.path}, which a container writes to: it goes on, and is not started so again"
        yield Line(what=what, setting=f"{inner.where} ({inner.path})", why=why, refused=True)
    for each in bounds.objections(file, most):
        why = f"{each}: it goes on, and is refused when it is deployed next, unless the setting is raised"
        yield Line(what=what, setting="its file", why=why, refused=True)


def bounds_of(settings: ContainerSettings) -> Bounds:
    """What bounds compose files and their containers."""
    return Bounds(
        read_memory_bytes=settings.compose_read_memory_bytes,
        read_seconds=settings.compose_read_deadline.total_seconds(),
        most_references=settings.compose_aliases,
        most_replicas=settings.compose_replicas,
        processes=settings.container_processes,
        log_bytes=settings.container_log_bytes,
        log_files=settings.container_log_files,
        shared_memory_bytes=settings.container_shared_memory_bytes,
        memory_percent=settings.organization_memory_percent,
    )
