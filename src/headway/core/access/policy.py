"""The one policy: for every procedure who may call it, decided from what is handed in and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from headway.core.access.model import Actor, Role
from headway.kernel.errors import Forbidden, NotFound


class Noun(StrEnum):
    """What a procedure is about, as the sentence about its absence names it."""

    APPLICATION = "Application"
    BACKUP = "Backup"
    COMPOSE = "Compose"
    DEPLOYMENT = "Deployment"
    ENVIRONMENT = "Environment"
    ORGANIZATION = "Organization"
    PREVIEW = "Preview deployment"
    PROJECT = "Project"
    SCHEDULE = "Schedule"
    SERVER = "Server"
    SSH_KEY = "SSH key"
    VOLUME_BACKUP = "Volume backup"


class Missing(NotFound):
    """The thing does not exist, or the caller may not see it: the sentence is the same for both."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(f"{noun} not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may call a procedure: the lowest role, and whether what it touches lies in a project, which a member must
    have been given, or belongs to the organisation as a whole.
    """

    noun: Noun
    least: Role
    in_project: bool = True


def _rules(noun: Noun, prefix: str, least: Role, *names: str, in_project: bool = True) -> dict[str, Rule]:
    rule = Rule(noun=noun, least=least, in_project=in_project)
    return {f"{prefix}.{name}": rule for name in names}


_MEMBER, _ADMIN = Role.MEMBER, Role.ADMIN

RULES: Mapping[str, Rule] = MappingProxyType(
    _rules(Noun.APPLICATION, "deployment", _MEMBER, "all")
    | _rules(Noun.COMPOSE, "deployment", _MEMBER, "allByCompose")
    | _rules(Noun.SERVER, "deployment", _MEMBER, "allByServer", in_project=False)
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, "allByType", "allCentralized", "queueList")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, "one", "readLogs", "follow")
    | _rules(Noun.DEPLOYMENT, "deployment", _MEMBER, "killProcess", "cancel", "removeDeployment")
    | _rules(Noun.APPLICATION, "application", _MEMBER, "one", "readLogs", "deploy", "redeploy", "start", "stop")
    | _rules(Noun.APPLICATION, "application", _MEMBER, "cancelDeployment", "cleanQueues", "killBuild")
    | _rules(Noun.APPLICATION, "application", _ADMIN, "create", "update", "delete", "clearDeployments")
    | _rules(Noun.APPLICATION, "application", _ADMIN, "saveEnvironment", "saveBuildType", "saveGitProvider")
    | _rules(Noun.PROJECT, "project", _MEMBER, "all", "one")
    | _rules(Noun.PROJECT, "project", _ADMIN, "create", in_project=False)
    | _rules(Noun.PROJECT, "project", _ADMIN, "update", "remove")
    | _rules(Noun.ENVIRONMENT, "environment", _MEMBER, "one")
    | _rules(Noun.PROJECT, "environment", _MEMBER, "byProjectId")
    | _rules(Noun.PROJECT, "environment", _ADMIN, "create")
    | _rules(Noun.ENVIRONMENT, "environment", _ADMIN, "update", "remove")
    | _rules(Noun.SSH_KEY, "sshKey", _ADMIN, "all", "one", "create", "remove", "generate", in_project=False)
    | _rules(Noun.ORGANIZATION, "settings", _MEMBER, "health", "getDokployVersion", in_project=False)
    | _rules(Noun.ORGANIZATION, "settings", _MEMBER, "getOpenApiDocument", in_project=False)
    | _rules(Noun.ORGANIZATION, "user", _MEMBER, "get", in_project=False)
)


def admit(actor: Actor, procedure: str) -> None:
    """Whether the caller's role allows this procedure at all, whatever it is asked about. Raises Forbidden."""
    rule = RULES[procedure]
    if actor.role < rule.least:
        raise Forbidden(f"{procedure} needs the role {rule.least.word}; yours is {actor.role.word}.")


def permit(
    actor: Actor, procedure: str, organization_id: str, project_id: str | None = None, *, noun: Noun | None = None
) -> None:
    """Whether the caller may do this to a thing of that organisation and, where it lies in one, that project.

    Raises Missing (``noun`` names the thing, else the procedure's own noun does) when the caller may not see it, and
    Forbidden when it may see it but not do this to it.
    """
    rule = RULES[procedure]
    if not sees(actor, organization_id, project_id, in_project=rule.in_project):
        raise Missing(noun or rule.noun)
    admit(actor, procedure)


def sees(actor: Actor, organization_id: str, project_id: str | None, *, in_project: bool = True) -> bool:
    """Whether the caller may know of a thing. What lies in no project (``in_project`` False) is seen by its whole
    organisation.
    """
    if actor.organization_id != organization_id:
        return False
    return actor.role >= Role.ADMIN or not in_project or project_id in actor.projects
