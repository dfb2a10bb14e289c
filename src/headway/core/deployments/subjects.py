"""What each type of subject is called, and which service a member may have been given it by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType

# Those whose subject is a service itself.
SERVICES = tuple(
    each.value for each in (SubjectType.APPLICATION, SubjectType.COMPOSE, SubjectType.DATABASE, SubjectType.RUN)
)
NOUNS: Mapping[SubjectType, Noun] = MappingProxyType(
    {
        SubjectType.APPLICATION: Noun.APPLICATION,
        SubjectType.COMPOSE: Noun.COMPOSE,
        SubjectType.SERVER: Noun.SERVER,
        SubjectType.SCHEDULE: Noun.SCHEDULE,
        SubjectType.RUN: Noun.APPLICATION,
        SubjectType.PREVIEW: Noun.PREVIEW,
        SubjectType.BACKUP: Noun.BACKUP,
        SubjectType.VOLUME_BACKUP: Noun.VOLUME_BACKUP,
        SubjectType.DATABASE: Noun.DATABASE,
    }
)


def service_of(subject_type: SubjectType, subject_id: str) -> str | None:
    """The service whose deployments these are, by which a member may have been given them; None for what only a whole
    project gives.
    """
    return subject_id if subject_type in SERVICES else None
