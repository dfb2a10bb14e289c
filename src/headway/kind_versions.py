"""The version of each kind of deployment, and the step from which on it is not begun again: what a look ahead of an
upgrade tells of runs under way, before any panel of this version is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.features.backups.database.requests import DATABASE_JOB, DRILL
from headway.features.backups.volume.requests import VOLUME_JOB
from headway.features.schedules import subject
from headway.features.schedules.run import SCRIPT
from headway.features.servers import setup
from headway.features.services import surveys

_JOBS = (DATABASE_JOB, VOLUME_JOB)
KIND_VERSIONS: Mapping[str, tuple[int, str | None]] = MappingProxyType(
    {
        **surveys.KIND_VERSIONS,
        subject.KIND: (subject.VERSION, SCRIPT),
        setup.KIND: (setup.VERSION, None),
        **{job.kind: (job.version, None) for job in _JOBS},
        **{job.restore_kind: (job.version, job.restores_once) for job in _JOBS},
        DRILL: (DATABASE_JOB.version, None),
    }
)
