"""The page of all git providers, and the way to connect one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.git.pages.provider_entries import FORGES, entries_of
from headway.pages.entries import TEMPLATE, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.git.api.rows import GitProviderRow

PROVIDERS_PATH = "/git-providers"
ALL: Asked[list[GitProviderRow]] = Asked("gitProvider.getAll")
CREATE: Mapping[str, str] = {forge: f"{forge}.create" for forge in FORGES}


async def show(visit: Visit) -> View:
    """Every git provider."""
    providers = await visit.ask(ALL)
    connect = [
        {"label": f"Connect {title}", "href": f"{PROVIDERS_PATH}/connect-{forge}", "icon": "new"}
        for forge, title in FORGES.items()
        if visit.may(CREATE[forge])
    ]
    return View(
        template="features/git/pages/provider_list.html",
        values={"providers": providers, "forges": FORGES, "connect": connect},
        title="Git providers",
    )


def _connect(forge: str) -> Form:
    entries = entries_of(forge)

    async def ask(_visit: Visit) -> Question:
        return Question(
            title=f"Connect {FORGES[forge]}",
            consequences=(
                "Repositories that it shows can be chosen and fetched, and told how their deployments end.",
                "What opens it is kept encrypted, and not shown again.",
            ),
            button="Connect",
            more={"entries": entries},
        )

    def then(_visit: Visit, answer: object) -> str:
        return f"{PROVIDERS_PATH}/{answer['gitProviderId']}" if isinstance(answer, dict) else PROVIDERS_PATH

    return Form(
        operation=lambda _visit: CREATE[forge],
        given=lambda _visit: {},
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Connected. Below is what it shows."),
        then=then,
        fields=fields_of(entries),
        template=TEMPLATE,
        takes=takes(entries),
    )


PAGE = Page(
    path=PROVIDERS_PATH,
    permission=ALL.name,
    show=show,
    forms={f"connect-{forge}": _connect(forge) for forge in FORGES},
)
