"""What each type of subject is called, which service a member may have been given it by, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.core.access.policy import Noun
from headway.core.access.topics import OF_SERVICES, topics_of, topics_of_services
from headway.core.deployments.model import Deployment, SubjectType
from headway.kernel.events import Whose

# Each type has a noun of its own name, but for runs, which are of an application.
NOUNS: Mapping[SubjectType, Noun] = MappingProxyType(
    {each: Noun.APPLICATION if each is SubjectType.RUN else Noun[each.name] for each in SubjectType}
)
# Those whose subject is a service itself.
SERVICES = tuple(each.value for each, noun in NOUNS.items() if noun in OF_SERVICES)


def service_of(subject_type: SubjectType, subject_id: str) -> str | None:
    """The service whose deployments these are, by which a member may have been given them; None for what only a whole
    project gives.
    """
    return subject_id if subject_type in SERVICES else None


def whose(deployment: Deployment) -> Whose:
    """Who may be told what becomes of a deployment."""
    return Whose(
        organization_id=deployment.organization_id,
        project_id=deployment.project_id,
        service_id=service_of(deployment.subject_type, deployment.subject_id),
    )


def topics_of_one(deployment: Deployment) -> tuple[str, ...]:
    """The topics of a deployment, its own first."""
    return topics_of(Noun.DEPLOYMENT, deployment.deployment_id)


def topics_of_subject(deployment: Deployment) -> tuple[str, ...]:
    """The topics of what a deployment belongs to. A preview is a service, too."""
    own = topics_of(NOUNS[deployment.subject_type], deployment.subject_id)
    return (*own, *topics_of_services(deployment.subject_id)) if deployment.subject_type is SubjectType.PREVIEW else own
