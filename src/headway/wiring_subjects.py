"""What deployments belong to, as far as the heart must know it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Subject
from headway.domains.applications.subject import ApplicationSubject
from headway.domains.composes.subject import ComposeSubject
from headway.domains.databases.subject import DatabaseSubject
from headway.domains.previews.subject import PreviewSubject
from headway.domains.servers.subject import ServerSubject

SUBJECTS: Mapping[SubjectType, Subject] = MappingProxyType(
    {
        SubjectType.APPLICATION: ApplicationSubject(),
        SubjectType.COMPOSE: ComposeSubject(),
        SubjectType.DATABASE: DatabaseSubject(),
        SubjectType.PREVIEW: PreviewSubject(),
        SubjectType.SERVER: ServerSubject(),
    }
)
