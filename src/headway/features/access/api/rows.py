"""People, keys, organisations and the audit log as the wire shows them."""

from __future__ import annotations

from typing import Any, Literal, cast

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.access.audit import AuditEntry, action_of, resource_of
from headway.core.access.machine_store import Given
from headway.core.access.model import ApiKey, CredentialKind, Invitation, Joined, Member, Organization, Scope

CredentialWord = Literal["key", "session", "machine"]

FLAGS = (
    "canCreateProjects",
    "canCreateServices",
    "canDeleteProjects",
    "canDeleteServices",
    "canAccessToDocker",
    "canAccessToTraefikFiles",
    "canAccessToAPI",
    "canAccessToSSHKeys",
    "canAccessToGitProviders",
    "canDeleteEnvironments",
    "canCreateEnvironments",
)
LISTS = ("accessedEnvironments", "accessedGitProviders", "accessedServers")


class KeyMetadata(TypedDict):
    """Which organisation the key opens."""

    organizationId: str


class ApiKeyRow(TypedDict):
    """A key, known by the characters that it begins with. ``rateLimitTimeWindow`` is in milliseconds."""

    id: str
    name: str
    start: str | None
    prefix: str | None
    userId: str
    enabled: bool
    rateLimitEnabled: bool
    rateLimitTimeWindow: int | None
    rateLimitMax: int | None
    remaining: None
    lastRequest: str | None
    expiresAt: str | None
    createdAt: str
    metadata: KeyMetadata
    scopes: list[str]
    projects: list[str] | None
    pendingAs: str


class NewApiKeyRow(ApiKeyRow):
    """A key that was just made; ``key`` is shown this once."""

    key: str


class PersonRow(TypedDict):
    """A person. ``firstName`` and ``lastName`` are the name, parted at its first space."""

    id: str
    name: str
    firstName: str
    lastName: str
    email: str | None
    image: None
    twoFactorEnabled: bool


class MemberFacts(TypedDict):
    """Somebody in an organisation, and what they were given. Only ``role``, ``accessedProjects`` and
    ``accessedServices`` decide what they may do, which their groups at the provider set anew where it is ``byGroups``;
    what else clients keep here is given back as it was sent.
    """

    id: str
    userId: str
    organizationId: str
    role: str
    createdAt: str
    accessedProjects: list[str]
    accessedServices: list[str]
    byGroups: bool
    accessedEnvironments: list[str]
    accessedGitProviders: list[str]
    accessedServers: list[str]
    canCreateProjects: bool
    canCreateServices: bool
    canDeleteProjects: bool
    canDeleteServices: bool
    canAccessToDocker: bool
    canAccessToTraefikFiles: bool
    canAccessToAPI: bool
    canAccessToSSHKeys: bool
    canAccessToGitProviders: bool
    canDeleteEnvironments: bool
    canCreateEnvironments: bool


class MemberRow(MemberFacts):
    """Somebody in an organisation, with who it is."""

    user: PersonRow


class CallerPersonRow(PersonRow):
    """The caller, with the keys that the one in use may know of."""

    apiKeys: list[ApiKeyRow]


class CallerRow(MemberFacts):
    """The caller, as a member of the organisation that the key belongs to."""

    user: CallerPersonRow


class GivenRow(TypedDict):
    """An organisation, and the lowest role that may use the machine there (null: nobody may). Where that was granted,
    by whom and when.
    """

    organizationId: str
    name: str
    owns: bool
    least: str | None
    grantedBy: str | None
    grantedAt: str | None


class BelongingRow(TypedDict):
    """What the caller is in an organisation."""

    id: str
    userId: str
    organizationId: str
    role: str
    createdAt: str


class OrganizationRow(TypedDict):
    """An organisation; the owner is the first that it has."""

    id: str
    name: str
    slug: str | None
    logo: str | None
    createdAt: str
    metadata: None
    defaultRole: None
    ownerId: str | None


class ListedOrganizationRow(OrganizationRow):
    """An organisation in a list, with the caller as its member."""

    members: list[BelongingRow]


class NewOrganizationRow(OrganizationRow):
    """An organisation that was just made, and the caller's first key to it, which is shown this once."""

    apiKey: str


class InvitationRow(TypedDict):
    """An invitation; it waits as long as its status is pending and it has not expired."""

    id: str
    organizationId: str
    email: str
    role: str
    status: str
    expiresAt: str
    createdAt: str
    inviterId: str
    accessedProjects: list[str]
    accessedServices: list[str]


class NewInvitationRow(InvitationRow):
    """An invitation that was just made; ``token`` is shown this once."""

    token: str


class JoinedRow(TypedDict):
    """Who has accepted an invitation; ``key`` is shown this once."""

    userId: str
    organizationId: str
    role: str
    key: str


class AuditRow(TypedDict):
    """Who has changed what, when and with which key. ``metadata`` names the fields that were given, and
    the ``address`` that the call came from.
    """

    id: str
    organizationId: str
    userId: str
    userName: str
    userEmail: str | None
    userRole: str
    apiKeyId: str | None
    apiKeyName: str | None
    credential: CredentialWord
    procedure: str
    action: str
    resourceType: str
    resourceId: str | None
    resourceName: str | None
    subjectType: str
    projectId: str | None
    metadata: dict[str, Any]
    createdAt: str


class AuditPage(TypedDict):
    """Rows, newest first, how many there are in all, and the ``cursor`` of those that follow, null at the end."""

    logs: list[AuditRow]
    total: int
    nextCursor: str | None


def api_key_row(key: ApiKey) -> ApiKeyRow:
    """The key without what it is."""
    terms = key.terms
    return {
        "id": key.api_key_id,
        "name": key.name,
        "start": key.start,
        "prefix": key.prefix,
        "userId": key.user_id,
        "enabled": key.enabled,
        "rateLimitEnabled": terms.rate is not None,
        "rateLimitTimeWindow": None if terms.rate is None else round(terms.rate.window.total_seconds() * 1000),
        "rateLimitMax": None if terms.rate is None else terms.rate.calls,
        "remaining": None,
        "lastRequest": moment(key.last_used_at),
        "expiresAt": moment(terms.expires_at),
        "createdAt": moment(key.created_at),
        "metadata": {"organizationId": key.organization_id},
        "scopes": [scope.value for scope in Scope if scope in terms.scopes],
        "projects": None if terms.projects is None else sorted(terms.projects),
        "pendingAs": "running" if terms.pending_as_running else "pending",
    }


def member_row(member: Member) -> MemberRow:
    """The member with what was given."""
    return {**_facts(member), "user": _person(member)}


def caller_row(member: Member, keys: list[ApiKey]) -> CallerRow:
    """The caller with its keys."""
    return {**_facts(member), "user": {**_person(member), "apiKeys": [api_key_row(key) for key in keys]}}


def organization_row(organization: Organization) -> OrganizationRow:
    """The organisation."""
    return {
        "id": organization.organization_id,
        "name": organization.name,
        "slug": None,
        "logo": organization.logo,
        "createdAt": moment(organization.created_at),
        "metadata": None,
        "defaultRole": None,
        "ownerId": organization.owner_id,
    }


def listed_organization_row(organization: Organization, member: Member | None) -> ListedOrganizationRow:
    """The organisation with what the caller is in it."""
    return {**organization_row(organization), "members": [] if member is None else [_belonging(member)]}


def invitation_row(invitation: Invitation) -> InvitationRow:
    """The invitation without its token."""
    return {
        "id": invitation.invitation_id,
        "organizationId": invitation.organization_id,
        "email": invitation.email,
        "role": invitation.role.word,
        "status": invitation.status,
        "expiresAt": moment(invitation.expires_at),
        "createdAt": moment(invitation.created_at),
        "inviterId": invitation.inviter_id,
        "accessedProjects": sorted(invitation.grants.projects),
        "accessedServices": sorted(invitation.grants.services),
    }


def joined_row(joined: Joined) -> JoinedRow:
    """Who has joined."""
    actor = joined.actor
    return {
        "userId": actor.user_id,
        "organizationId": actor.organization_id,
        "role": actor.role.word,
        "key": joined.key,
    }


def audit_row(told: AuditEntry) -> AuditRow:
    """A row of the log."""
    by_key = told.credential == CredentialKind.KEY
    return {
        "id": told.audit_log_id,
        "organizationId": told.organization_id,
        "userId": told.user_id,
        "userName": told.user_name,
        "userEmail": told.user_email,
        "userRole": told.user_role,
        "apiKeyId": told.api_key_id if by_key else None,
        "apiKeyName": told.api_key_name if by_key else None,
        "credential": cast("CredentialWord", told.credential),
        "procedure": told.procedure,
        "action": action_of(told.procedure),
        "resourceType": resource_of(told.subject_type),
        "resourceId": told.subject_id,
        "resourceName": told.subject_name,
        "subjectType": told.subject_type,
        "projectId": told.project_id,
        "metadata": dict(told.details),
        "createdAt": moment(told.created_at),
    }


def _facts(member: Member) -> MemberFacts:
    row: Any = {
        **{name: member.passive.get(name, []) for name in LISTS},
        **{name: member.passive.get(name, False) for name in FLAGS},
        **_belonging(member),
        "accessedProjects": sorted(member.grants.projects),
        "accessedServices": sorted(member.grants.services),
        "byGroups": member.by_groups,
    }
    found: MemberFacts = row
    return found


def _belonging(member: Member) -> BelongingRow:
    return {
        "id": member.member_id,
        "userId": member.user_id,
        "organizationId": member.organization_id,
        "role": member.role.word,
        "createdAt": moment(member.created_at),
    }


def _person(member: Member) -> PersonRow:
    first, _, last = member.name.partition(" ")
    return {
        "id": member.user_id,
        "name": member.name,
        "firstName": first,
        "lastName": last,
        "email": member.email,
        "image": None,
        "twoFactorEnabled": member.second_factor,
    }


def given_row(given: Given) -> GivenRow:
    """What an organisation has of the machine."""
    return {
        "organizationId": given.organization_id,
        "name": given.name,
        "owns": given.owns,
        "least": None if given.least is None else given.least.word,
        "grantedBy": given.granted_by_name,
        "grantedAt": None if given.granted_at is None else moment(given.granted_at),
    }
