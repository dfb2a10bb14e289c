"""Links by which one deployment is read without an account: the record, and when it opens anything."""

from __future__ import annotations

from datetime import datetime, timedelta

from headway.core.access.model import Actor, Credential, CredentialKind, Role, Scope, Terms
from headway.core.access.policy import sees
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.subjects import service_of
from headway.core.deployments.summary import ListedStep
from headway.features.projects.model import ListedService, ServicePlace
from headway.kernel.dataclass import dataclass

SHORTEST, USUAL, LONGEST = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
MOST_OF_DEPLOYMENT, MOST_OF_ORGANIZATION = 10, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentLink:
    """A way for whoever has its token to read one deployment, until it ends. ``maker`` is whoever made it, with what
    they and their key are good for now; None where the one or the other is none any more.
    """

    link_id: str
    deployment_id: str
    maker_name: str
    maker: Actor | None
    created_at: datetime
    ends_at: datetime

    @property
    def reader(self) -> Actor:
        """Whoever reads by it: nobody who may do anything, until it ends."""
        credential = Credential(kind=CredentialKind.SESSION, id=self.link_id, ends_at=self.ends_at)
        return Actor(
            user_id=reader_of(self.link_id),
            organization_id="",
            role=Role.GUEST,
            credential=credential,
            name="",
            terms=Terms(scopes=frozenset()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedDeployment:
    """A deployment as a link shows it: its steps, and what its service is called where it is of one."""

    link: DeploymentLink
    deployment: Deployment
    steps: tuple[ListedStep, ...]
    service_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedDeployment:
    """What a link leads to, as far as a list of links shows it, and what decides who may see it."""

    deployment_id: str
    organization_id: str
    project_id: str | None
    subject_type: SubjectType
    subject_id: str
    title: str

    @property
    def service_id(self) -> str | None:
        """The service that it is of; None where it is of none."""
        return service_of(self.subject_type, self.subject_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLink:
    """A link among all of them: whether it opens its deployment now, and the service of that with where it lies, None
    where it is of none or that is gone.
    """

    link: DeploymentLink
    deployment: LinkedDeployment
    is_open: bool
    service: tuple[ListedService, ServicePlace] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReader:
    """Whoever follows a deployment by a link: as whom they are counted, and by whose right they may."""

    deployment_id: str
    reader: Actor
    maker: Actor


def maker_of(link: DeploymentLink, deployment: Deployment | LinkedDeployment, now: datetime) -> Actor | None:
    """By whose right a link opens its deployment now; None where it does not. It is as good as its maker's own right to
    read: over with their membership, with what they were given, and with the key that made it.
    """
    maker = link.maker
    if maker is None or link.ends_at <= now or not maker.terms.hold(Scope.READ):
        return None
    if maker.terms.expires_at is not None and maker.terms.expires_at <= now:
        return None
    service_id = service_of(deployment.subject_type, deployment.subject_id)
    place = deployment.organization_id, deployment.project_id
    return maker if sees(maker, *place, service_id=service_id) else None


def reader_of(link_id: str) -> str:
    """Who reads by a link, where those are counted who listen. No person is called so."""
    return f"link {link_id}"
