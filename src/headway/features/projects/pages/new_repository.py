"""The pages on which a repository of a git provider is found: the provider, its repositories, then a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from headway.core.access.policy import Missing, Noun
from headway.features.projects.pages.place_entries import Options, creation
from headway.kernel.errors import Code, HeadwayError
from headway.pages.entries import Entry, Look
from headway.pages.forms import Choice, Form
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.git.api.rows import BranchRow, GitProviderName, RepositoryRow

NAMES: Asked[list[GitProviderName]] = Asked("gitProvider.allForPermissions")
REPOSITORIES_OF: Mapping[str, Asked[list[RepositoryRow]]] = {
    "github": Asked("github.getGithubRepositories"),
    "gitlab": Asked("gitlab.getGitlabRepositories"),
    "gitea": Asked("gitea.getGiteaRepositories"),
    "bitbucket": Asked("bitbucket.getBitbucketRepositories"),
}
BRANCHES_OF: Mapping[str, Asked[list[BranchRow]]] = {
    "github": Asked("github.getGithubBranches"),
    "gitlab": Asked("gitlab.getGitlabBranches"),
    "gitea": Asked("gitea.getGiteaBranches"),
    "bitbucket": Asked("bitbucket.getBitbucketBranches"),
}
_FOLDER = "features/projects/pages"
_WITHIN = "/new/provider"
_SLASH = ":"  # for that of a group within a group, which has no place in an address, and no forge in a name
_SECONDS, _SECONDS_OF_BRANCHES = 30.0, 10.0
_MOST = 100
_KEPT = "It is saved as a service that is not deployed yet. You are shown what would be built, and deploy it then."


async def show_providers(visit: Visit) -> View:
    """The git providers that there are."""
    providers = await visit.ask(NAMES)
    return View(
        template=f"{_FOLDER}/new_provider.html",
        values={"providers": providers},
        title="Which git provider?",
    )


async def show_repositories(visit: Visit) -> View:
    """What a provider shows, by the words that are looked for."""
    provider = await _provider(visit)
    rows, why = await _repositories(visit, provider)
    text = visit.query.get("text", "").strip()
    words = text.casefold().split()
    found = [each for each in rows if all(word in each["full_name"].casefold() for word in words)]
    return View(
        template=f"{_FOLDER}/new_repositories.html",
        values={
            "provider": provider,
            "repositories": [{"row": each, "href": _address(provider, each)} for each in found[:_MOST]],
            "total": len(rows),
            "more": len(found) > _MOST,
            "most": _MOST,
            "text": text,
            "why": why,
            "address": f"{_WITHIN}/{provider['gitProviderId']}",
        },
        title=provider["name"],
    )


async def show_repository(visit: Visit) -> View:
    """One repository, and what can be made of it."""
    provider = await _provider(visit)
    return View(
        template=f"{_FOLDER}/new_branch.html",
        values={"provider": provider, "forge": provider["providerType"], "address": _here(visit)},
        title=_path(visit),
    )


async def _provider(visit: Visit) -> GitProviderName:
    for each in await visit.ask(NAMES):
        if each["gitProviderId"] == visit.path["gitProviderId"] and each["providerType"] in REPOSITORIES_OF:
            return each
    raise Missing(Noun.GIT_PROVIDER)


async def _repositories(visit: Visit, provider: GitProviderName) -> tuple[Sequence[RepositoryRow], str]:
    asked = REPOSITORIES_OF[provider["providerType"]]
    try:
        found = await visit.ask_within(_SECONDS, asked, gitProviderId=provider["gitProviderId"])
    except HeadwayError as error:
        if error.code is Code.INTERNAL:
            raise
        return (), error.message
    return ((), found.why) if isinstance(found, Unknown) else (found, "")


async def _branches(visit: Visit, forge: str) -> Sequence[Choice] | str:
    """Its branches, or why they could not be had: who knows one needs no list."""
    provider = await _provider(visit)
    word = "repositoryName" if forge == "gitea" else "repo"
    of_it = {"gitProviderId": provider["gitProviderId"], "owner": _owner(visit), word: visit.path["repository"]}
    try:
        found = await visit.ask_within(_SECONDS_OF_BRANCHES, BRANCHES_OF[forge], **of_it)
    except HeadwayError as error:
        if error.code is Code.INTERNAL:
            raise
        return error.message
    if isinstance(found, Unknown):
        return found.why
    return [Choice(value=each["name"], label=each["name"]) for each in found]


def _address(provider: GitProviderName, row: RepositoryRow) -> str:
    owner, _, name = row["full_name"].rpartition("/")
    words = (provider["gitProviderId"], owner.replace("/", _SLASH), name)
    return f"{_WITHIN}/{'/'.join(quote(each, safe=_SLASH) for each in words)}"


def _here(visit: Visit) -> str:
    names = ("gitProviderId", "owner", "repository")
    return f"{_WITHIN}/{'/'.join(quote(visit.path[each], safe=_SLASH) for each in names)}"


def _owner(visit: Visit) -> str:
    return visit.path["owner"].replace(_SLASH, "/")


def _path(visit: Visit) -> str:
    return f"{_owner(visit)}/{visit.path['repository']}"


def _form(forge: str, operation: str, entries: Sequence[Entry], title: str) -> Form:
    id_name, owner, name, branch, _ = _words(forge)

    async def options(visit: Visit) -> Options:
        return {branch: await _branches(visit, forge)}

    def given(visit: Visit) -> Mapping[str, object]:
        whole = {"gitlabPathNamespace": _path(visit)} if forge == "gitlab" else {}
        slug = {"bitbucketRepositorySlug": visit.path["repository"]} if forge == "bitbucket" else {}
        named = {owner: _owner(visit), name: visit.path["repository"], id_name: visit.path["gitProviderId"]}
        return {"sourceType": forge, **named, **whole, **slug}

    chosen = Entry(name=branch, label="Branch", look=Look.CHOICE, none="The default branch")
    return creation(
        operation,
        (chosen, *entries),
        title=title,
        consequences=(_KEPT,),
        called=lambda visit, _typed: visit.path["repository"],
        given=given,
        options=options,
    )


def _words(forge: str) -> tuple[str, str, str, str, str]:
    """The fields of a service that name provider, owner, repository, branch and folder."""
    if forge == "github":
        return "githubId", "owner", "repository", "branch", "buildPath"
    return f"{forge}Id", f"{forge}Owner", f"{forge}Repository", f"{forge}Branch", f"{forge}BuildPath"


def _forms() -> Mapping[str, Form]:
    found = {}
    for forge in REPOSITORIES_OF:
        folder = Entry(
            name=_words(forge)[4], label="Folder", hint="Where in the repository it lies, such as /web.", further=True
        )
        hint = "Left empty, docker-compose.yml or compose.yaml."
        file = Entry(name="composePath", label="Compose file", look=Look.CODE, hint=hint)
        found[f"application-{forge}"] = _form(forge, "application.create", (folder,), "Deploy a repository")
        found[f"compose-{forge}"] = _form(forge, "compose.create", (file,), "Deploy a compose file of a repository")
    return found


PROVIDERS = Page(path=_WITHIN, permission=NAMES.name, show=show_providers)
REPOSITORIES = Page(path=f"{_WITHIN}/{{gitProviderId}}", permission=NAMES.name, show=show_repositories)
REPOSITORY = Page(
    path=f"{_WITHIN}/{{gitProviderId}}/{{owner}}/{{repository}}",
    permission=NAMES.name,
    show=show_repository,
    forms=_forms(),
)
