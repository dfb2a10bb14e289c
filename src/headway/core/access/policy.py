"""The one policy: for every procedure who may call it, decided from what is handed in and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from headway.core.access.model import Actor, Role, Scope, Terms
from headway.kernel.errors import Forbidden, NotFound


class Noun(StrEnum):
    """What a procedure is about, as the sentence about its absence names it."""

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


class Missing(NotFound):
    """The thing does not exist, or the caller may not see it: the sentence is the same for both."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(f"{noun} not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may call a procedure: the lowest role, the scope that the key needs (None: any key will do), and whether
    what it touches lies in a project, which a member must have been given, or belongs to the organisation as a whole.
    With ``glimpse`` it is enough to have been given something in that project.
    """

    noun: Noun
    least: Role
    scope: Scope | None
    in_project: bool = True
    glimpse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a caller sees of its organisation, as a list asks for it in SQL: everything, or what lies in one of the
    ``projects`` or is one of the ``services``; where ``within`` is given, only as far as that lies in one of those.
    """

    everything: bool
    projects: frozenset[str]
    services: frozenset[str]
    within: frozenset[str] | None


def _rules(
    noun: Noun,
    prefix: str,
    least: Role,
    scope: Scope | None,
    *names: str,
    in_project: bool = True,
    glimpse: bool = False,
) -> dict[str, Rule]:
    rule = Rule(noun=noun, least=least, scope=scope, in_project=in_project, glimpse=glimpse)
    return {f"{prefix}.{name}": rule for name in names}


_GUEST, _MEMBER, _ADMIN, _OWNER = Role
_READ, _DEPLOY, _KILL, _REMOVE, _SET = Scope.READ, Scope.DEPLOY, Scope.KILL, Scope.REMOVE, Scope.ADMIN
_ANY = None


def _forge_rules(prefix: str, *reads: str) -> dict[str, Rule]:
    """Who may call the router of a forge."""
    return _rules(Noun.GIT_PROVIDER, prefix, _ADMIN, _READ, "one", *reads, in_project=False) | _rules(
        Noun.GIT_PROVIDER, prefix, _ADMIN, _SET, "create", "update", "testConnection", in_project=False
    )


def _form_rules(*forms: str) -> dict[str, Rule]:
    """Those of the forms in which clients give channels."""
    names = [name for form in forms for name in (f"create{form}", f"update{form}", f"test{form}Connection")]
    return _rules(Noun.NOTIFICATION, "notification", _ADMIN, _SET, *names, in_project=False)


def _database_rules(noun: Noun, *more: str) -> dict[str, Rule]:
    """Who may call the router of a kind of database; ``more`` are settings that only some have."""
    kind = noun.value.lower()
    return (
        _rules(noun, kind, _MEMBER, _READ, "one", "readLogs")
        | _rules(noun, kind, _MEMBER, _DEPLOY, "deploy", "start", "stop", "reload")
        | _rules(noun, kind, _ADMIN, _SET, "create", "update", "remove", "rebuild", "move", "saveEnvironment")
        | _rules(noun, kind, _ADMIN, _SET, "changeStatus", *more)
    )


_OF_SERVERS = ("saveExternalPort", "changePassword")
_SERVER_KINDS = (Noun.POSTGRES, Noun.MYSQL, Noun.MARIADB, Noun.MONGO, Noun.REDIS)
_DATABASES = _database_rules(Noun.LIBSQL, "saveExternalPorts") | {
    name: rule
    for noun in _SERVER_KINDS
    for name, rule in (
        _database_rules(noun, *_OF_SERVERS) | _rules(noun, noun.value.lower(), _MEMBER, _READ, "search")
    ).items()
}

RULES: Mapping[str, Rule] = MappingProxyType(
    _rules(Noun.APPLICATION, "deployment", _MEMBER, _READ, "all")
    | _rules(Noun.COMPOSE, "deployment", _MEMBER, _READ, "allByCompose")
    | _rules(Noun.SERVER, "deployment", _MEMBER, _READ, "allByServer", in_project=False)
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, _READ, "allByType", "allCentralized", "queueList")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, _READ, "one", "readLogs", "follow")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, _READ, "searchLog", "log", "search", "wait")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, _KILL, "killProcess", "cancel")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, _REMOVE, "removeDeployment")
    | _rules(Noun.APPLICATION, "application", _MEMBER, _READ, "one", "readLogs", "readOutput", "readRun", "search")
    | _rules(Noun.APPLICATION, "application", _MEMBER, _DEPLOY, "deploy", "redeploy", "start", "stop", "reload")
    | _rules(Noun.APPLICATION, "application", _MEMBER, _DEPLOY, "detect", "dropDeployment")
    | _rules(Noun.APPLICATION, "application", _MEMBER, _KILL, "cancelDeployment", "cleanQueues", "killBuild")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _REMOVE, "clearDeployments")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "create", "update", "delete", "move")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "saveEnvironment", "saveBuildType", "saveGitProvider")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "disconnectGitProvider", "saveDockerProvider")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "saveGitProdiver")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "saveGithubProvider", "saveGitlabProvider")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "saveGiteaProvider", "saveBitbucketProvider")
    | _rules(Noun.APPLICATION, "previewDeployment", _MEMBER, _READ, "all")
    | _rules(Noun.PREVIEW, "previewDeployment", _MEMBER, _READ, "one")
    | _rules(Noun.PREVIEW, "previewDeployment", _MEMBER, _DEPLOY, "redeploy", "approve", "delete")
    | _rules(Noun.GIT_PROVIDER, "gitProvider", _ADMIN, _READ, "getAll", "allForPermissions", in_project=False)
    | _rules(Noun.GIT_PROVIDER, "gitProvider", _ADMIN, _SET, "remove", "toggleShare", in_project=False)
    | _forge_rules("github", "getGithubRepositories", "getGithubBranches", "githubProviders")
    | _forge_rules("gitlab", "getGitlabRepositories", "getGitlabBranches", "gitlabProviders")
    | _forge_rules("gitea", "getGiteaRepositories", "getGiteaBranches", "giteaProviders", "getGiteaUrl")
    | _forge_rules("bitbucket", "getBitbucketRepositories", "getBitbucketBranches", "bitbucketProviders")
    | _rules(Noun.NOTIFICATION, "notification", _ADMIN, _READ, "all", "one", "deliveries", in_project=False)
    | _rules(Noun.NOTIFICATION, "notification", _ADMIN, _READ, "getEmailProviders", in_project=False)
    | _rules(Noun.NOTIFICATION, "notification", _ADMIN, _SET, "create", "update", "remove", in_project=False)
    | _form_rules("Slack", "Discord", "Telegram", "Email", "Resend", "Gotify")
    | _form_rules("Ntfy", "Mattermost", "Pushover", "Custom", "Lark", "Teams")
    | _rules(Noun.NOTIFICATION, "notification", _ADMIN, _SET, "test", "resend", in_project=False)
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "refreshToken", "run", "exec")
    | _rules(Noun.COMPOSE, "compose", _ADMIN, _SET, "refreshToken")
    | _rules(Noun.DELIVERY, "webhook", _MEMBER, _READ, "deliveries", "one", "simulate")
    | _rules(Noun.DELIVERY, "webhook", _MEMBER, _DEPLOY, "replay")
    | _rules(Noun.APPLICATION, "mounts", _MEMBER, _READ, "listByServiceId", "allNamedByApplicationId")
    | _rules(Noun.APPLICATION, "mounts", _ADMIN, _SET, "create")
    | _rules(Noun.MOUNT, "mounts", _MEMBER, _READ, "one")
    | _rules(Noun.MOUNT, "mounts", _ADMIN, _SET, "update", "remove")
    | _rules(Noun.APPLICATION, "port", _ADMIN, _SET, "create")
    | _rules(Noun.PORT, "port", _MEMBER, _READ, "one")
    | _rules(Noun.PORT, "port", _ADMIN, _SET, "update", "delete")
    | _rules(Noun.REGISTRY, "registry", _ADMIN, _READ, "all", "one", in_project=False)
    | _rules(Noun.REGISTRY, "registry", _ADMIN, _SET, "create", "update", "remove", in_project=False)
    | _rules(Noun.REGISTRY, "registry", _ADMIN, _SET, "testRegistry", "testRegistryById", in_project=False)
    | _rules(Noun.BACKUP, "backup", _MEMBER, _READ, "all", "one", "files")
    | _DATABASES
    | _rules(Noun.DESTINATION, "backup", _ADMIN, _READ, "listBackupFiles", in_project=False)
    | _rules(Noun.BACKUP, "backup", _ADMIN, _SET, "create", "update", "remove", "restoreBackupWithLogs")
    | _rules(Noun.BACKUP, "backup", _MEMBER, _DEPLOY, "drill", "manualBackupPostgres", "manualBackupMySql")
    | _rules(Noun.BACKUP, "backup", _MEMBER, _DEPLOY, "manualBackupMariadb", "manualBackupCompose")
    | _rules(Noun.BACKUP, "backup", _MEMBER, _DEPLOY, "manualBackupMongo", "manualBackupLibsql")
    | _rules(Noun.BACKUP, "backup", _MEMBER, _DEPLOY, "manualBackupWebServer")
    | _rules(Noun.VOLUME_BACKUP, "volumeBackups", _MEMBER, _READ, "list", "one", "files")
    | _rules(Noun.VOLUME_BACKUP, "volumeBackups", _MEMBER, _DEPLOY, "runManually")
    | _rules(Noun.VOLUME_BACKUP, "volumeBackups", _ADMIN, _SET, "create", "update", "delete")
    | _rules(Noun.VOLUME_BACKUP, "volumeBackups", _ADMIN, _SET, "restoreVolumeBackupWithLogs")
    | _rules(Noun.DESTINATION, "destination", _ADMIN, _READ, "all", "one", in_project=False)
    | _rules(Noun.DESTINATION, "destination", _ADMIN, _SET, "create", "update", "remove", in_project=False)
    | _rules(Noun.DESTINATION, "destination", _ADMIN, _SET, "testConnection", in_project=False)
    | _rules(Noun.PROJECT, "project", _MEMBER, _READ, "all", "one", "search", "homeStats", glimpse=True)
    | _rules(Noun.PROJECT, "project", _ADMIN, _READ, "allForPermissions", in_project=False)
    | _rules(Noun.ENVIRONMENT, "project", _ADMIN, _SET, "duplicate")
    | _rules(Noun.APPLICATION, "release", _MEMBER, _READ, "all")
    | _rules(Noun.RELEASE, "release", _MEMBER, _READ, "one")
    | _rules(Noun.ROLLBACK, "rollback", _MEMBER, _READ, "preview")
    | _rules(Noun.ROLLBACK, "rollback", _MEMBER, _DEPLOY, "rollback")
    | _rules(Noun.ROLLBACK, "rollback", _ADMIN, _REMOVE, "delete")
    | _rules(Noun.APPLICATION, "application", _ADMIN, _SET, "readTraefikConfig", "updateTraefikConfig")
    | _rules(Noun.APPLICATION, "domain", _MEMBER, _READ, "byApplicationId")
    | _rules(Noun.COMPOSE, "domain", _MEMBER, _READ, "byComposeId")
    | _rules(Noun.DOMAIN, "domain", _MEMBER, _READ, "one")
    | _rules(Noun.APPLICATION, "domain", _ADMIN, _SET, "create")
    | _rules(Noun.DOMAIN, "domain", _ADMIN, _SET, "update", "toggleEnable", "delete")
    | _rules(Noun.DOMAIN, "domain", _MEMBER, _READ, "generateDomain", "validateDomain", in_project=False)
    | _rules(Noun.SERVER, "domain", _MEMBER, _READ, "canGenerateTraefikMeDomains", in_project=False)
    | _rules(Noun.REDIRECT, "redirects", _MEMBER, _READ, "one")
    | _rules(Noun.APPLICATION, "redirects", _ADMIN, _SET, "create")
    | _rules(Noun.REDIRECT, "redirects", _ADMIN, _SET, "update", "delete")
    | _rules(Noun.LOGIN, "security", _MEMBER, _READ, "one")
    | _rules(Noun.APPLICATION, "security", _ADMIN, _SET, "create")
    | _rules(Noun.LOGIN, "security", _ADMIN, _SET, "update", "delete")
    | _rules(Noun.COMPOSE, "compose", _MEMBER, _READ, "search")
    | _rules(Noun.COMPOSE, "compose", _ADMIN, _SET, "move", "import")
    | _rules(Noun.APPLICATION, "application", _MEMBER, _READ, "readAppMonitoring", in_project=False)
    | _rules(Noun.SERVER, "server", _ADMIN, _READ, "getServerMetrics", in_project=False)
    | _rules(Noun.MEMBER, "user", _ADMIN, _READ, "getBackups", "getMetricsToken", in_project=False)
    | _rules(Noun.SERVER, "settings", _ADMIN, _READ, "getIp", in_project=False)
    | _rules(Noun.ORGANIZATION, "settings", _MEMBER, _ANY, "getUpdateData", in_project=False)
    | _rules(Noun.COMPOSE, "compose", _MEMBER, _READ, "one", "readLogs", "loadServices", "loadMountsByService")
    | _rules(Noun.COMPOSE, "compose", _MEMBER, _DEPLOY, "deploy", "redeploy", "start", "stop")
    | _rules(Noun.COMPOSE, "compose", _MEMBER, _DEPLOY, "dropDeployment")
    | _rules(Noun.COMPOSE, "compose", _MEMBER, _KILL, "cancelDeployment", "cleanQueues", "killBuild")
    | _rules(Noun.COMPOSE, "compose", _ADMIN, _REMOVE, "clearDeployments")
    | _rules(Noun.COMPOSE, "compose", _ADMIN, _SET, "create", "update", "delete", "saveEnvironment")
    | _rules(Noun.COMPOSE, "compose", _ADMIN, _SET, "getConvertedCompose")
    | _rules(Noun.CONTAINER, "docker", _MEMBER, _READ, "getContainers", "getContainersByAppNameMatch")
    | _rules(Noun.CONTAINER, "docker", _MEMBER, _READ, "getStackContainersByAppName")
    | _rules(Noun.CONTAINER, "docker", _MEMBER, _DEPLOY, "restartContainer")
    | _rules(Noun.SERVICE, "disk", _MEMBER, _READ, "usage")
    | _rules(Noun.SERVICE, "disk", _ADMIN, _SET, "clean", in_project=False)
    | _rules(Noun.PROJECT, "project", _ADMIN, _SET, "create", in_project=False)
    | _rules(Noun.PROJECT, "project", _ADMIN, _SET, "update", "remove")
    | _rules(Noun.ENVIRONMENT, "environment", _MEMBER, _READ, "one", "search", glimpse=True)
    | _rules(Noun.PROJECT, "environment", _MEMBER, _READ, "byProjectId", glimpse=True)
    | _rules(Noun.ENVIRONMENT, "environment", _ADMIN, _SET, "create", "update", "remove", "duplicate")
    | _rules(Noun.SCHEDULE, "schedule", _MEMBER, _READ, "one", "list")
    | _rules(Noun.SCHEDULE, "schedule", _MEMBER, _DEPLOY, "runManually")
    | _rules(Noun.SCHEDULE, "schedule", _ADMIN, _SET, "create", "update", "delete")
    | _rules(Noun.SSH_KEY, "sshKey", _ADMIN, _READ, "all", "allForApps", "one", in_project=False)
    | _rules(Noun.SSH_KEY, "sshKey", _ADMIN, _SET, "create", "update", "remove", "generate", in_project=False)
    | _rules(Noun.SERVER, "server", _ADMIN, _READ, "all", "one", "count", "withSSHKey", in_project=False)
    | _rules(Noun.SERVER, "server", _ADMIN, _READ, "buildServers", "allForPermissions", in_project=False)
    | _rules(Noun.SERVER, "server", _ADMIN, _READ, "validate", "getServerTime", "publicIp", in_project=False)
    | _rules(Noun.SERVER, "server", _ADMIN, _SET, "create", "update", "remove", "setup", in_project=False)
    | _rules(Noun.CERTIFICATE, "certificates", _ADMIN, _READ, "all", "one", in_project=False)
    | _rules(Noun.CERTIFICATE, "certificates", _ADMIN, _SET, "create", "update", "remove", in_project=False)
    | _rules(Noun.ORGANIZATION, "settings", _MEMBER, _ANY, "health", "getDokployVersion", in_project=False)
    | _rules(Noun.MEMBER, "user", _MEMBER, _ANY, "get", in_project=False)
    | _rules(Noun.MEMBER, "user", _ADMIN, _READ, "all", "one", in_project=False)
    | _rules(Noun.MEMBER, "user", _ADMIN, _SET, "assignPermissions", "remove", in_project=False)
    | _rules(Noun.API_KEY, "user", _MEMBER, _READ, "apiKeys", in_project=False)
    | _rules(Noun.API_KEY, "user", _MEMBER, _SET, "createApiKey", "updateApiKey", "deleteApiKey", in_project=False)
    | _rules(Noun.ORGANIZATION, "organization", _MEMBER, _READ, "all", "one", in_project=False)
    | _rules(Noun.ORGANIZATION, "organization", _OWNER, _SET, "create", "update", "delete", in_project=False)
    | _rules(Noun.ORGANIZATION, "organization", _ADMIN, _READ, "machine", in_project=False)
    | _rules(Noun.ORGANIZATION, "organization", _OWNER, _SET, "grantMachine", "withdrawMachine", in_project=False)
    | _rules(Noun.MEMBER, "organization", _ADMIN, _SET, "updateMemberRole", in_project=False)
    | _rules(Noun.INVITATION, "organization", _ADMIN, _READ, "allInvitations", in_project=False)
    | _rules(Noun.INVITATION, "organization", _ADMIN, _SET, "inviteMember", "removeInvitation", in_project=False)
    | _rules(Noun.INVITATION, "organization", _GUEST, _ANY, "acceptInvitation", in_project=False)
    | _rules(Noun.AUDIT_LOG, "auditLog", _ADMIN, _READ, "all", in_project=False)
    | _rules(Noun.ORGANIZATION, "settings", _MEMBER, _ANY, "getOpenApiDocument", "isCloud", in_project=False)
)
METRICS = "metrics"
_BESIDE: Mapping[str, Rule] = MappingProxyType(  # what can be asked for and is no procedure
    {METRICS: Rule(noun=Noun.ORGANIZATION, least=_ADMIN, scope=_READ, in_project=False)}
)


def is_open(procedure: str) -> bool:
    """Whether it may be called without any key."""
    rule = RULES.get(procedure)
    return rule is not None and rule.least is Role.GUEST


def admit(actor: Actor, procedure: str) -> None:
    """Whether the caller's role and key allow this procedure at all, whatever it is asked about. Raises Forbidden."""
    rule = RULES.get(procedure) or _BESIDE[procedure]
    if actor.role < rule.least:
        raise Forbidden(f"{procedure} needs the role {rule.least.word}; yours is {actor.role.word}.")
    if not actor.terms.hold(rule.scope):
        had = ", ".join(sorted(actor.terms.scopes)) or "none"
        raise Forbidden(f"{procedure} needs a key with the scope {rule.scope}; this one has: {had}.")
    if actor.terms.projects is not None and not rule.in_project and rule.least >= Role.ADMIN:
        raise Forbidden(f"{procedure} is about the whole organisation; this key is for some of its projects only.")


def may(actor: Actor, procedure: str) -> bool:
    """Whether ``admit`` lets the caller through."""
    try:
        admit(actor, procedure)
    except Forbidden:
        return False
    return True


def permit(
    actor: Actor,
    procedure: str,
    organization_id: str,
    project_id: str | None = None,
    *,
    service_id: str | None = None,
    noun: Noun | None = None,
) -> None:
    """Whether the caller may do this to a thing of that organisation and, where it lies in one, that project; where it
    is an application or belongs to one, ``service_id`` names that.

    Raises Missing (``noun`` names the thing, else the procedure's own noun does) when the caller may not see it, and
    Forbidden when it may see it but not do this to it.
    """
    rule = RULES[procedure]
    seen = sees(actor, organization_id, project_id, service_id=service_id, in_project=rule.in_project)
    if not seen and not (rule.glimpse and glimpses(actor, organization_id, project_id)):
        raise Missing(noun or rule.noun)
    admit(actor, procedure)
    if actor.witness is not None and project_id is not None:
        actor.witness(project_id)


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


def reach(actor: Actor) -> Reach:
    """``sees`` for a whole list of the caller's own organisation."""
    return Reach(
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
