"""The page of one git provider: what it shows now, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.core.access.policy import Missing, Noun
from headway.features.git.pages.provider_entries import FORGES, entries_of, spared
from headway.features.git.pages.provider_list import ALL, PROVIDERS_PATH
from headway.kernel.errors import Code, HeadwayError
from headway.pages.entries import TEMPLATE, Look, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.users import things_of, told_of
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.git.api.rows import GitProviderRow, RepositoryRow
    from headway.features.services.api.uses import UsersRow

PATH = "/git-providers/{gitProviderId}"
REPOSITORIES: Mapping[str, Asked[list[RepositoryRow]]] = {
    "github": Asked("github.getGithubRepositories"),
    "gitlab": Asked("gitlab.getGitlabRepositories"),
    "gitea": Asked("gitea.getGiteaRepositories"),
    "bitbucket": Asked("bitbucket.getBitbucketRepositories"),
}
USED_BY: Asked[UsersRow] = Asked("gitProvider.usedBy")
REMOVE, SHARE = "gitProvider.remove", "gitProvider.toggleShare"
_SECONDS = 20.0
_MOST = 50


async def show(visit: Visit) -> View:
    """The provider, and what its forge shows to it now."""
    row = await _provider(visit)
    found, why = await _repositories(visit, row)
    forge, here = row["providerType"], _here(visit)
    shared = row["sharedWithOrganization"]
    own: dict[str, Any] = row[forge]  # type: ignore[literal-required]  # the one of its forge is set
    actions: list[Mapping[str, object]] = []
    if visit.may(f"{forge}.update"):
        actions.append({"label": "Change", "href": f"{here}/change-{forge}", "icon": "edit"})
    if visit.may(SHARE):
        label = "Show to fewer" if shared else "Share with all"
        actions.append({"label": label, "href": f"{here}/{'unshare' if shared else 'share'}", "icon": "members"})
    if visit.may(REMOVE):
        actions.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return View(
        template="features/git/pages/provider.html",
        values={
            "row": row,
            "own": own,
            "forge": FORGES.get(forge, forge),
            "repositories": found[:_MOST],
            "total": len(found),
            "why": why,
            "actions": actions,
        },
        title=row["name"],
    )


async def _provider(visit: Visit) -> GitProviderRow:
    for each in await visit.ask(ALL):
        if each["gitProviderId"] == visit.path["gitProviderId"] and each["providerType"] in REPOSITORIES:
            return each
    raise Missing(Noun.GIT_PROVIDER)


async def _repositories(visit: Visit, row: GitProviderRow) -> tuple[Sequence[RepositoryRow], str]:
    asked = REPOSITORIES[row["providerType"]]
    try:
        found = await visit.ask_within(_SECONDS, asked, gitProviderId=row["gitProviderId"])
    except HeadwayError as error:
        if error.code is Code.INTERNAL:
            raise
        return (), error.message
    return ((), found.why) if isinstance(found, Unknown) else (found, "")


def _here(visit: Visit) -> str:
    return f"{PROVIDERS_PATH}/{visit.path['gitProviderId']}"


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"gitProviderId": visit.path["gitProviderId"]}


def _change(forge: str) -> Form:
    entries = entries_of(forge, ("something",))

    async def ask(visit: Visit) -> Question:
        row = await _provider(visit)
        if row["providerType"] != forge:
            raise Missing(Noun.GIT_PROVIDER)
        own: dict[str, Any] = row[forge]  # type: ignore[literal-required]  # as above
        values = {each.name: str(own.get(each.name) or "") for each in entries if each.look is Look.CODE}
        return Question(
            title=f"Change “{cut(row['name'], 120)}”",
            consequences=(
                "At another address what opens it has to be given again: it is for the one that it was given for.",
            ),
            button="Save",
            values={**values, "name": row["name"], f"{forge}Url": own["url"], "apiUrl": ""},
            more={"entries": entries},
        )

    return Form(
        operation=lambda _visit: f"{forge}.update",
        given=_by_id,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved. Below is what it shows now."),
        then=lambda visit, _answer: _here(visit),
        fields=fields_of(entries),
        empties={each.name: "" for each in entries if each.look not in {Look.SECRET, Look.SECRET_AREA}},
        away={name: {name: ""} for name in spared(forge)},
        template=TEMPLATE,
        takes=takes(entries),
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _provider(visit)
    users = await visit.ask(USED_BY, **_by_id(visit))
    fails = "Each goes on serving; its next deploy fails and says so, until another source is chosen in its settings."
    return Question(
        title=f"Remove “{cut(row['name'], 120)}”?",
        consequences=(
            told_of(users["total"]),
            *((fails, "Their previews, and what is told to the forge, fail the same way.") if users["total"] else ()),
            "Nothing changes at the forge: end its token there.",
        ),
        things=things_of(users["items"]),
        button="Remove it",
        danger=True,
        typed=row["name"].strip(),
    )


def _share(*, shared: bool) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await _provider(visit)
        if shared:
            told = "Every admin of the organisation sees it, and can have services take its repositories."
        else:
            told = "Who connected it and the owners see it. Services that have it keep it."
        name = cut(row["name"], 120)
        return Question(
            title=f"Share “{name}” with all?" if shared else f"Show “{name}” to fewer?",
            consequences=(told,),
            button="Share it" if shared else "Show it to fewer",
        )

    return Form(
        operation=lambda _visit: SHARE,
        given=lambda visit: {**_by_id(visit), "sharedWithOrganization": shared},
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved."),
        then=lambda visit, _answer: _here(visit),
    )


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    forms={
        **{f"change-{forge}": _change(forge) for forge in FORGES},
        "share": _share(shared=True),
        "unshare": _share(shared=False),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_by_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed."),
            then=lambda _visit, _answer: PROVIDERS_PATH,
        ),
    },
)
