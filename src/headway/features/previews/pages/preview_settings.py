"""The page of the previews of one service: what it says of them, and those that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headway.core.access.policy import Missing, Noun
from headway.features.previews.pages.preview_list import ALL, list_values
from headway.kernel.variables import Marks
from headway.kernel.veil import MARK
from headway.pages.forms import Choice, Field, Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.shown_variables import shown_text
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/previews/of/{kind}/{serviceId}"
SERVICE: Asked[ServiceOverviewRow] = Asked("service.one")
APPLICATION: Asked[Mapping[str, Any]] = Asked("application.one")
COMPOSE: Asked[Mapping[str, Any]] = Asked("compose.one")
KINDS = ("application", "compose")
_FIELDS: Mapping[str, Kind] = {
    "isPreviewDeploymentsActive": Kind.FLAG,
    "previewLimit": Kind.WHOLE,
    "previewWildcard": Kind.TEXT,
    "previewHttps": Kind.FLAG,
    "previewCertificateType": Kind.TEXT,
    "previewLabels": Kind.LINES,
    "previewExpireHours": Kind.WHOLE,
    "previewSleepHours": Kind.WHOLE,
    "previewEnv": Kind.BLOCK,
}
_CLEARS = frozenset({"previewWildcard", "previewLabels", "previewExpireHours", "previewSleepHours", "previewEnv"})
_CERTIFICATES: Mapping[str, str] = {"none": "none", "letsencrypt": "Let's Encrypt", "custom": "a resolver of one's own"}


async def show(visit: Visit) -> View:
    """What it says, and what there is."""
    service, kind = await _service(visit), visit.path["kind"]
    settings = await _settings(visit, kind)
    found = [each for each in await visit.ask(ALL) if each["serviceId"] == service["serviceId"]]
    path = f"/previews/of/{kind}/{quote(service['serviceId'], safe='')}"
    change = {"label": "Change", "href": f"{path}/change-{kind}", "main": not settings["isPreviewDeploymentsActive"]}
    return View(
        template="features/previews/pages/preview_settings.html",
        values={
            **list_values(visit, found, path, {}),
            "pull": None,
            "service": service,
            "settings": settings,
            "actions": (change,) if visit.may(f"{kind}.update") else (),
        },
        title=f"Previews of {cut(service['name'], 120)}",
    )


async def _service(visit: Visit) -> ServiceOverviewRow:
    """The service that the address names. Raises Missing where it is of another kind."""
    service = await visit.ask(SERVICE, serviceId=visit.path["serviceId"])
    if service["kind"] not in KINDS or service["kind"] != visit.path["kind"]:
        raise Missing(Noun.SERVICE)
    return service


async def _settings(visit: Visit, kind: str) -> Mapping[str, object]:
    asked = COMPOSE if kind == "compose" else APPLICATION
    row = await visit.ask(asked, **{f"{kind}Id": visit.path["serviceId"]})
    marks = Marks(open=frozenset(row.get("openVariables") or ()), secret=frozenset(row.get("secretVariables") or ()))
    shown = {name: row.get(name) for name in _FIELDS}
    return {**shown, "previewEnv": shown_text(str(row.get("previewEnv") or ""), marks)}


_CONSEQUENCES = (
    "With previews on, each pull request to the branch that is deployed gets a deployment and an address.",
    "Pull requests of forks are not trusted: nothing of one runs before somebody approves its commit.",
    "What there is of previews stays as it is until its next deployment.",
    "Switched off, each ends when its forge next tells of its pull request.",
)


def _change(kind: str) -> Form:
    async def ask(visit: Visit) -> Question:
        if visit.path["kind"] != kind:
            raise Missing(Noun.SERVICE)
        service, settings = await _service(visit), await _settings(visit, kind)
        certificate = _text(settings["previewCertificateType"]) or "none"
        known = {**_CERTIFICATES, certificate: _CERTIFICATES.get(certificate, certificate)}
        return Question(
            title=f"Previews of “{cut(service['name'], 120)}”",
            consequences=_CONSEQUENCES,
            button="Save",
            values={name: _text(settings[name]) for name in _FIELDS},
            fields={
                "isPreviewDeploymentsActive": Field(label="Previews of pull requests"),
                "previewLimit": Field(label="At a time", hint="Another one makes the oldest go; an update never does."),
                "previewWildcard": Field(
                    label="Domain",
                    hint="* stands for the preview's name: *.previews.example.org. Empty: below the base domain.",
                ),
                "previewHttps": Field(label="HTTPS"),
                "previewCertificateType": Field(
                    label="Certificate", options=tuple(Choice(value=each, label=told) for each, told in known.items())
                ),
                "previewLabels": Field(
                    label="Only with one of these labels", hint="One a line. Empty: all pull requests."
                ),
                "previewExpireHours": Field(
                    label="Ends so many hours after the last push", hint="Empty: with its pull request."
                ),
                "previewSleepHours": Field(label="Sleeps so many hours after its deployment", hint="Empty: never."),
                "previewEnv": Field(
                    label="Variables of previews",
                    hint=f"One a line: NAME=value. {MARK} stands for a value that is kept: leave it, and that stays.",
                ),
            },
        )

    return Form(
        operation=lambda _visit: f"{kind}.update",
        given=lambda visit: {f"{kind}Id": visit.path["serviceId"]},
        asks=ask,
        did=_did,
        then=lambda visit, _answer: f"/previews/of/{kind}/{visit.path['serviceId']}",
        fields=_FIELDS,
        clears=_CLEARS,
        whole=True,
    )


def _did(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="Saved. The next word of a pull request goes by it.")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, list | tuple):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    forms={"change-application": _change("application"), "change-compose": _change("compose")},
)
