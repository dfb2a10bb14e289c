"""The one policy: whether a caller may do a thing, decided from what is handed in and nothing else."""

from __future__ import annotations

from enum import StrEnum

from headway.core.access.model import Actor, Role, Scope, Terms
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden, NotFound


class Noun(StrEnum):
    """What an operation is about, as the sentence about its absence names it."""

    API_KEY = "API key"
    APPLICATION = "Application"
    AUDIT_LOG = "Audit log"
    BACKUP = "Backup"
    CERTIFICATE = "Certificate"
    COMPOSE = "Compose"
    CONTAINER = "Container"
    DATABASE = "Database"
    DELIVERY = "Delivery"
    DEPLOYMENT = "Deployment"
    DESTINATION = "Destination"
    DOMAIN = "Domain"
    ENVIRONMENT = "Environment"
    GIT_PROVIDER = "Git provider"
    GROUP_RULE = "Group rule"
    INVITATION = "Invitation"
    LIBSQL = "Libsql"
    LOGIN = "Security"
    MARIADB = "Mariadb"
    MEMBER = "Member"
    MONGO = "Mongo"
    MOUNT = "Mount"
    MYSQL = "Mysql"
    NOTIFICATION = "Notification"
    ORGANIZATION = "Organization"
    PASSKEY = "Passkey"
    PORT = "Port"
    POSTGRES = "Postgres"
    PREVIEW = "Preview deployment"
    PROJECT = "Project"
    REDIRECT = "Redirect"
    REDIS = "Redis"
    REGISTRY = "Registry"
    RELEASE = "Release"
    ROLLBACK = "Rollback"
    SCHEDULE = "Schedule"
    SERVER = "Server"
    SERVICE = "Service"
    SESSION = "Session"
    SSH_KEY = "SSH key"
    VOLUME_BACKUP = "Volume backup"

    @property
    def field(self) -> str:
        """What its id is called on the wire, and without the ``Id`` what it is called in the audit log."""
        first, *others = self.value.lower().split()
        return first + "".join(word.capitalize() for word in others) + "Id"

    @property
    def word(self) -> str:
        """What it is called within a sentence."""
        return "compose service" if self is Noun.COMPOSE else self.value[0].lower() + self.value[1:]


class ConfirmFirst(Forbidden):
    """Whoever has signed in may do this, once they have given their password or a code again."""

    def __init__(self) -> None:
        super().__init__(
            "Give your password or a code once more: this is asked of who has not done so for ten minutes."
        )


class Missing(NotFound):
    """The thing does not exist, or the caller may not see it: the sentence is the same for both."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(f"{noun} not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What it takes to do one thing: the lowest role, the scope that the key needs (None: any key will do), and whether
    what is touched lies in a project, which a member must have been given, or belongs to the organisation as a whole.
    With ``glimpse`` it is enough to have been given something in that project. What is ``careful`` is asked of who has
    signed in only after they have shown again that it is still them. ``name`` is how a refusal calls it.
    """

    name: str
    noun: Noun
    least: Role
    scope: Scope | None
    in_project: bool = True
    glimpse: bool = False
    careful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What a caller sees of its organisation, as a list asks for it in SQL: everything, or what lies in one of the
    ``projects`` or is one of the ``services``; where ``within`` is given, only as far as that lies in one of those.
    """

    everything: bool
    projects: frozenset[str]
    services: frozenset[str]
    within: frozenset[str] | None


METRICS = Permission(name="metrics", noun=Noun.ORGANIZATION, least=Role.ADMIN, scope=Scope.READ, in_project=False)


def admit(actor: Actor, permission: Permission) -> None:
    """Whether the caller's role and key allow this at all, whatever it is asked about. Raises Forbidden; ConfirmFirst
    where it is allowed, and is careful, to who has signed in and not confirmed it lately.
    """
    _require_right(actor, permission)
    if permission.careful and not actor.credential.is_confirmed:
        raise ConfirmFirst


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the caller may do this, at once or after they have confirmed that it is them."""
    try:
        _require_right(actor, permission)
    except Forbidden:
        return False
    return True


def permit(
    actor: Actor,
    permission: Permission,
    organization_id: str,
    project_id: str | None = None,
    *,
    service_id: str | None = None,
    noun: Noun | None = None,
) -> None:
    """Whether the caller may do this to a thing of that organisation and, where it lies in one, that project; where it
    is an application or belongs to one, ``service_id`` names that.

    Raises Missing (``noun`` names the thing, else the permission's own noun does) when the caller may not see it, and
    Forbidden when it may see it but not do this to it.
    """
    seen = sees(actor, organization_id, project_id, service_id=service_id, in_project=permission.in_project)
    if not seen and not (permission.glimpse and glimpses(actor, organization_id, project_id)):
        raise Missing(noun or permission.noun)
    admit(actor, permission)
    if actor.witness is not None and project_id is not None:
        actor.witness(project_id, service_id)


def sees(
    actor: Actor,
    organization_id: str,
    project_id: str | None,
    *,
    service_id: str | None = None,
    in_project: bool = True,
) -> bool:
    """Whether the caller may know of a thing. What lies in no project (``in_project`` False) is seen by its whole
    organisation.
    """
    if actor.organization_id != organization_id:
        return False
    if not in_project:
        return True
    if actor.terms.projects is not None and project_id not in actor.terms.projects:
        return False
    return actor.role >= Role.ADMIN or project_id in actor.projects or service_id in actor.services


def glimpses(actor: Actor, organization_id: str, project_id: str | None) -> bool:
    """Whether the caller may know a project's name: for it was given the project or something in it."""
    if sees(actor, organization_id, project_id):
        return True
    opened = actor.terms.projects is None or project_id in actor.terms.projects
    return actor.organization_id == organization_id and opened and project_id in actor.glimpsed


def reach(actor: Actor) -> Visibility:
    """``sees`` for a whole list of the caller's own organisation."""
    return Visibility(
        everything=actor.role >= Role.ADMIN and actor.terms.projects is None,
        projects=(actor.terms.projects or frozenset()) if actor.role >= Role.ADMIN else actor.projects,
        services=frozenset() if actor.role >= Role.ADMIN else actor.services,
        within=actor.terms.projects,
    )


def excess(maker: Terms, wanted: Terms) -> str | None:
    """What a key of these terms would have beyond the one that makes, changes or removes it, as a phrase; None where
    it has nothing.
    """
    more = sorted(scope for scope in wanted.scopes if not maker.hold(scope))
    if more:
        return f"the scopes {', '.join(more)}"
    if maker.projects is not None and (wanted.projects is None or not wanted.projects <= maker.projects):
        return "other projects"
    if maker.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > maker.expires_at):
        return "a later end"
    if maker.rate is not None and (wanted.rate is None or wanted.rate.per_second > maker.rate.per_second):
        return "more calls"
    return None


def _require_right(actor: Actor, permission: Permission) -> None:
    name = permission.name
    if actor.role < permission.least:
        raise Forbidden(f"{name} needs the role {permission.least.word}; yours is {actor.role.word}.")
    if not actor.terms.hold(permission.scope):
        had = ", ".join(sorted(actor.terms.scopes)) or "none"
        raise Forbidden(f"{name} needs a key with the scope {permission.scope}; this one has: {had}.")
    if actor.terms.projects is not None and not permission.in_project and permission.least >= Role.ADMIN:
        raise Forbidden(f"{name} is about the whole organisation; this key is for some of its projects only.")
