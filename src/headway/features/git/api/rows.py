"""Git providers, and what their forges show, as the wire has them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.drivers.forges.base import Branch, ForgeName, Repository
from headway.features.git.providers_model import GitProvider


class GitProviderName(TypedDict):
    """A git provider by its name."""

    gitProviderId: str
    name: str
    providerType: str


class ProviderFacts(TypedDict):
    """What a git provider is, whichever forge it is of."""

    gitProviderId: str
    name: str
    providerType: str
    createdAt: str
    organizationId: str
    userId: str
    sharedWithOrganization: bool


class ForgeRow(TypedDict):
    """A git provider as its forge's router shows it. Beside these it has the forge's own fields, such as ``githubId``,
    ``githubAppId`` or ``groupName``; secrets are null, and ``has`` names those that there are.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    gitProviderId: str
    url: str
    apiUrl: str
    has: list[str]
    gitProvider: ProviderFacts


class GitProviderRow(ProviderFacts):
    """A git provider; of the last four the one of its forge is set. Under its forge's own word for it stands the id
    once more.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    github: dict[str, Any] | None
    gitlab: dict[str, Any] | None
    gitea: dict[str, Any] | None
    bitbucket: dict[str, Any] | None


class OwnerRow(TypedDict):
    """Who has a repository, under both names that forges have for it."""

    login: str
    username: str


class RepositoryRow(TypedDict):
    """A repository, with the names that the clients of each forge know."""

    id: str
    name: str
    slug: str
    full_name: str
    owner: OwnerRow
    url: str
    default_branch: str | None


class HeadRow(TypedDict):
    """The commit that a branch names."""

    id: str
    sha: str


class BranchRow(TypedDict):
    """A branch."""

    id: str
    name: str
    commit: HeadRow


def provider_name(provider: GitProvider) -> GitProviderName:
    """Its name."""
    return {
        "gitProviderId": provider.provider_id,
        "name": provider.name,
        "providerType": str(provider.forge),
    }


def provider_row(provider: GitProvider) -> GitProviderRow:
    """A git provider among others."""
    own: dict[str, Any] = _own(provider)
    forges: dict[str, Any] = {str(each): own if each is provider.forge else None for each in ForgeName}
    row: Any = {**_facts(provider), **forges, f"{provider.forge}Id": provider.provider_id}
    return row  # type: ignore[no-any-return]  # its keys are those of the forge


def forge_row(provider: GitProvider) -> ForgeRow:
    """A git provider as its own router shows it."""
    row: Any = {**_own(provider), "gitProvider": _facts(provider)}
    return row  # type: ignore[no-any-return]  # as above


def repository_row(repository: Repository) -> RepositoryRow:
    """A repository."""
    return {
        "id": repository.repository_id,
        "name": repository.name,
        "slug": repository.name,
        "full_name": repository.path,
        "owner": {"login": repository.owner, "username": repository.owner},
        "url": repository.url,
        "default_branch": repository.default_branch,
    }


def branch_row(branch: Branch) -> BranchRow:
    """A branch."""
    return {
        "id": branch.name,
        "name": branch.name,
        "commit": {"id": branch.commit_hash, "sha": branch.commit_hash},
    }


def _facts(provider: GitProvider) -> ProviderFacts:
    return {
        **provider_name(provider),
        "createdAt": moment(provider.created_at),
        "organizationId": provider.organization_id,
        "userId": provider.created_by,
        "sharedWithOrganization": provider.shared,
    }


def _own(provider: GitProvider) -> dict[str, Any]:
    facts, forge = provider.facts, provider.forge
    common = {
        f"{forge}Id": provider.provider_id,
        f"{forge}Url": provider.url,
        "gitProviderId": provider.provider_id,
        "url": provider.url,
        "apiUrl": provider.connection({}).api_url,
        "has": sorted(provider.has),
        "accessToken": None,
    }
    own: dict[str, Any]
    match forge:
        case ForgeName.GITHUB:
            own = {
                "githubAppName": facts.get("app_name"),
                "githubAppId": int(facts["app_id"]) if facts.get("app_id", "").isdigit() else None,
                "githubInstallationId": facts.get("installation_id"),
                **dict.fromkeys(("githubClientId", "githubClientSecret", "githubPrivateKey", "githubWebhookSecret")),
            }
        case ForgeName.GITLAB:
            own = {"groupName": facts.get("group"), **dict.fromkeys(("secret", "refreshToken", "redirectUri"))}
        case ForgeName.GITEA:
            own = {"giteaUsername": facts.get("user"), "organizationName": facts.get("group"), "refreshToken": None}
        case ForgeName.BITBUCKET:
            user = facts.get("user")
            own = {
                "bitbucketUsername": None if user is None or "@" in user else user,
                "bitbucketEmail": user if user is not None and "@" in user else None,
                "bitbucketWorkspaceName": facts.get("group"),
                **dict.fromkeys(("appPassword", "apiToken")),
            }
    return common | own
